"""Writes results and judges their targets, on a thread of its own: a slow store must never touch a measurement."""

import logging
import queue
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from probes.agent.announced import NOT_HELD, Announced, Hold
from probes.agent.incidents import IncidentKeeper, Judged
from probes.agent.usual import UsualBehaviour
from probes.clock import Clock
from probes.domain.result import ProbeResult, Trigger
from probes.domain.state import State, Verdict
from probes.domain.target import Target
from probes.store.base import ResultQuery, Store, StoreUnavailableError
from probes.verdicts.confirming import to_confirm
from probes.verdicts.deviation import Known
from probes.verdicts.evidence import WINDOW
from probes.verdicts.network import SILENT_OUTCOMES, Network, Sighting, observed, outside, sighting_of
from probes.verdicts.rules import Subject, judge

logger = logging.getLogger(__name__)

BATCH_SIZE: Final = 200
IDLE_SECONDS: Final = 1.0  # how often waiting judgements and spooled results are tried again
JUDGED_TRIGGERS: Final = tuple(trigger for trigger in Trigger if trigger is not Trigger.MAINTENANCE)
JUDGED_RESULTS: Final = 3 * WINDOW  # missed slots and confirming probes come on top of the window


class ResultWriter(Protocol):
    """Accepts results whatever the store's state; spools what it cannot deliver."""

    def write(self, results: list[ProbeResult]) -> bool:
        """True when everything, spooled results included, is in the store."""

    @property
    def spooled(self) -> int: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Recordable:
    result: ProbeResult
    on_recorded: Callable[[], None] | None = None


_Targets = dict[str, Target]
OnDoubt = Callable[[ProbeResult, str | None], None]  # a failure to confirm, and a target of another provider


class Recorder:
    """A queue, the thread that empties it into the store, and the verdicts that follow from it."""

    def __init__(
        self,
        store: Store,
        writer: ResultWriter,
        clock: Clock,
        on_doubt: OnDoubt,
        announced: Announced,
    ) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._on_doubt = on_doubt
        self._announced = announced
        self._holds: Mapping[str, Hold] = {}  # as of the last judgement
        self._queue: queue.SimpleQueue[Recordable | Sighting | _Targets | None] = queue.SimpleQueue()
        self._targets: _Targets = {}
        self._outside: frozenset[str] = frozenset()  # targets whose results tell of our network
        self._network = Network()
        self._verdicts: dict[str, Verdict] | None = None  # None until read from the store
        self._unjudged: set[str] = set()
        self._incidents = IncidentKeeper(store)
        self._usual = UsualBehaviour(store, clock)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def record(self, result: ProbeResult, on_recorded: Callable[[], None] | None = None) -> None:
        """Take a result; returns at once. `on_recorded` runs on the recorder's thread after it is stored."""
        self._queue.put(Recordable(result, on_recorded))

    def close(self, timeout_seconds: float) -> bool:
        """Write out what is queued, then stop; False when time ran out."""
        self._queue.put(None)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def set_targets(self, targets: Iterable[Target]) -> None:
        """Judge by these from now on, and all of them once."""
        self._queue.put({target.id: target for target in targets})

    def sight(self, sighting: Sighting) -> None:
        """Take a look at the outside that was no probe."""
        self._queue.put(sighting)

    @property
    def network(self) -> Network:
        """What is known of our own network; any thread may ask."""
        return self._network

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._take_batch()
            try:
                self._write(batch)
                self._judge_pending(self._clock.now())
            except Exception:
                logger.exception("recording failed for %d results", len(batch))

    def _take_batch(self) -> tuple[list[Recordable], bool]:
        """Everything that waits, up to a batch; the flag turns False at the end of the queue's life."""
        batch: list[Recordable] = []
        try:
            item = self._queue.get(timeout=IDLE_SECONDS)
            while True:
                if item is None:
                    return batch, False
                if isinstance(item, Recordable):
                    batch.append(item)
                elif isinstance(item, Sighting):
                    self._observe([item])
                else:
                    self._targets, self._outside = item, outside(item.values())
                    self._unjudged |= set(item)
                if len(batch) >= BATCH_SIZE:
                    return batch, True
                item = self._queue.get_nowait()
        except queue.Empty:
            return batch, True

    def _write(self, batch: list[Recordable]) -> None:
        if not batch and not self._writer.spooled:
            return
        self._writer.write([item.result for item in batch])
        self._unjudged |= {item.result.target for item in batch}
        self._observe(self._sightings([item.result for item in batch]))
        for item in batch:
            if item.on_recorded is not None:
                item.on_recorded()

    def _judge_pending(self, now: datetime) -> None:
        """Judge what changed; when the store is away the names stay pending, no verdict and no incident changes."""
        if self._writer.spooled:
            return
        try:
            self._unjudged |= self._incidents.review(self._targets, now) | self._held_otherwise()
            pending = set(self._unjudged)
            judged = self._judge(pending & self._targets.keys(), now)
            unsettled = self._incidents.settle(judged, now)
            for one in judged:
                if one.target.id not in unsettled:
                    self._follow(one, now)
        except StoreUnavailableError as error:
            logger.warning("verdicts wait, the store is away: %s", error)
            return
        self._unjudged -= pending - unsettled

    def _judge(self, targets: Collection[str], now: datetime) -> list[Judged]:
        if not targets:
            return []
        known, losses = self._known_verdicts(), self._network.losses
        recent = self._recent(targets)
        judged = []
        for target_id in sorted(targets):
            target, found = self._targets[target_id], recent.get(target_id, ())
            hold = self._holds.get(target_id, NOT_HELD)
            subject = _subject(target, self._usual.of(target_id, found), hold)
            verdict = judge(subject, found, now, known.get(target_id), losses)
            judged.append(Judged(target, verdict, found, losses))
        return judged

    def _held_otherwise(self) -> set[str]:
        """Targets whose maintenance or pause began or ended since the last look."""
        before, self._holds = self._holds, self._announced.holds(self._targets)
        return {t for t in before.keys() | self._holds.keys() if before.get(t) != self._holds.get(t)}

    def _recent(self, targets: Collection[str]) -> Mapping[str, Sequence[ProbeResult]]:
        """The newest of each, past those of maintenance, which may be many and say nothing."""
        found: dict[str, Sequence[ProbeResult]] = dict(self._store.recent(targets, JUDGED_RESULTS))
        for target_id, results in found.items():
            if any(result.trigger is Trigger.MAINTENANCE for result in results):
                query = ResultQuery(targets=[target_id], triggers=JUDGED_TRIGGERS, limit=JUDGED_RESULTS)
                found[target_id] = self._store.results(query).results
        return found

    def _follow(self, judged: Judged, now: datetime) -> None:
        """The verdict comes after its incident, so that a crash between them is repaired by judging again."""
        known, target_id, verdict = self._known_verdicts(), judged.target.id, judged.verdict
        previous = known.get(target_id)
        if previous is None or (verdict.state, verdict.reason) != (previous.state, previous.reason):
            self._store.set_verdict(target_id, verdict)
            _log_change(target_id, previous, verdict)
            known[target_id] = verdict
        if (failed := to_confirm(judged.recent, verdict, now)) is not None:
            self._on_doubt(failed, self._witness(failed))

    def _known_verdicts(self) -> dict[str, Verdict]:
        if self._verdicts is None:
            statistics = self._store.statistics()
            remembered = self._store.recent(self._outside, WINDOW)
            self._observe(self._sightings([r for results in remembered.values() for r in results]))
            self._verdicts = {t: s.verdict for t, s in statistics.items() if s.verdict is not None}
        return self._verdicts

    # Our own network.

    def _sightings(self, results: Iterable[ProbeResult]) -> list[Sighting]:
        told = [result for result in results if result.target in self._outside]
        seen = [sighting_of(result) for result in sorted(told, key=lambda result: result.started_at)]
        return [sighting for sighting in seen if sighting is not None]

    def _observe(self, sightings: Iterable[Sighting]) -> None:
        """A loss that begins or ends is a matter for all verdicts."""
        before = self._network
        self._network = observed(before, sightings)
        if self._network.losses != before.losses:
            logger.warning("our own network: %s", "lost" if self._network.is_lost else "back")
            self._unjudged |= self._targets.keys()

    def _witness(self, failed: ProbeResult) -> str | None:
        """A target of another provider that should answer, where it is not sure that our network lives."""
        if failed.outcome not in SILENT_OUTCOMES or failed.target not in self._outside:
            return None
        if failed.trigger is Trigger.CONFIRM or not self._network.is_in_doubt:
            return None  # the first failure had its witness, or somebody has answered since
        known = self._known_verdicts()
        for target_id in sorted(self._outside):
            verdict = known.get(target_id)
            is_up = verdict is not None and verdict.state is State.OPERATIONAL
            if is_up and self._targets[target_id].provider != failed.provider:
                return target_id
        return None


def _subject(target: Target, usual: Known | None, hold: Hold) -> Subject:
    interval = target.interval_seconds
    return Subject(target.readiness, target.readiness_reason, interval, usual, hold.window, hold.pause)


def _log_change(target_id: str, previous: Verdict | None, verdict: Verdict) -> None:
    was = previous.state if previous is not None else State.UNKNOWN
    if was is not verdict.state:
        logger.info("%s: %s -> %s (%s)", target_id, was.value, verdict.state.value, verdict.reason.key)
