"""A provider's days on a virtual clock: results in, verdicts by the real rules, incidents as the agent keeps them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from probes.domain.incident import Incident
from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.domain.state import Verdict
from probes.domain.target import Readiness
from probes.verdicts.incidents import oldest_needed, reconciled
from probes.verdicts.rules import Subject, judge
from probes.verdicts.standing import Watched
from tests.examples import NOON, a_result

MINUTE = timedelta(minutes=1)
KEPT = 45


class Days:
    """One provider, probed every ten minutes unless told otherwise; `written` are all versions in their order."""

    def __init__(self, interval: timedelta = 10 * MINUTE) -> None:
        self.interval = interval
        self.now = NOON
        self.recent: dict[str, list[ProbeResult]] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.readiness: dict[str, Readiness] = {}
        self.incidents: dict[str, Incident] = {}
        self.written: list[Incident] = []
        self.newcomers: set[str] = set()  # never seen working

    def slot(self, **outcomes: Outcome | float) -> None:
        """One slot for each of these models; a number is an ok answer that took so many seconds."""
        for model, outcome in outcomes.items():
            self._add(model, outcome)
        self.judge([target_of(model) for model in outcomes])
        self.now += self.interval

    def slots(self, n: int, **outcomes: Outcome | float) -> None:
        for _ in range(n):
            self.slot(**outcomes)

    def judge(self, targets: Sequence[str] | None = None) -> tuple[Incident, ...]:
        watched = [self._watched(target) for target in (targets or self.recent)]
        writes = reconciled(self.known(watched), watched, self.now)
        for incident in writes:
            self._write(incident)
        for one in watched:
            self.verdicts[one.target] = one.verdict
        return writes

    def known(self, watched: Sequence[Watched]) -> list[Incident]:
        since = oldest_needed(watched, self.now)
        found = [i for i in self.incidents.values() if i.merged_into is None]
        return [i for i in found if i.ended_at is None or i.ended_at >= since]

    @property
    def all(self) -> list[Incident]:
        return sorted(self.incidents.values(), key=lambda incident: incident.started_at)

    @property
    def open(self) -> list[Incident]:
        return [incident for incident in self.all if incident.is_open]

    def _write(self, incident: Incident) -> None:
        """As a store does: a version only over the one before it."""
        before = self.incidents.get(incident.id)
        assert incident.version == (1 if before is None else before.version + 1)
        self.incidents[incident.id] = incident
        self.written.append(incident)

    def _add(self, model: str, outcome: Outcome | float) -> None:
        target, extra = target_of(model), {}
        if not isinstance(outcome, Outcome):
            outcome, extra = Outcome.OK, {"response_seconds": outcome}
        seen = self.recent.setdefault(target, [])
        seen.insert(
            0, a_result(outcome, self.now, target, id=f"{model}-{len(self.written)}-{self.now}", **extra)
        )
        del seen[KEPT:]

    def _watched(self, target: str) -> Watched:
        recent, interval = self.recent.get(target, []), self.interval.total_seconds()
        subject = Subject(self.readiness.get(target, Readiness.READY), "", interval)
        verdict = judge(subject, recent, self.now, self.verdicts.get(target))
        ran = [result for result in recent if result.outcome not in (Outcome.MISSED, Outcome.SKIPPED)]
        return Watched(target, interval, verdict, ran, target not in self.newcomers)


def target_of(model: str) -> str:
    return f"acme/main/{model}"


def kinds(incident: Incident) -> list[str]:
    return [update.kind.value for update in incident.updates]


def at(minutes: float) -> datetime:
    """Minutes after the first slot."""
    return NOON + minutes * MINUTE


def parts(incident: Incident) -> Mapping[str, bool]:
    """Model -> whether its part is open."""
    return {part.target.rsplit("/", 1)[1]: part.is_open for part in incident.affected}
