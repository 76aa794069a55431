"""Works off Refresh requests that the web filed into the store, wherever that web runs."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from probes.clock import Clock
from probes.domain.plan import PlanDiff, Problem, RefreshRequest
from probes.domain.result import Slot, Trigger
from probes.domain.target import Target
from probes.store.base import RefreshUpdate, Store, StoreUnavailableError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What re-reading the configuration for a refresh brought."""

    diff: PlanDiff = field(default_factory=PlanDiff)
    problems: tuple[Problem, ...] = ()


Submit = Callable[[Target, Slot, Callable[[], None]], None]


class Refreshes:
    """Claims requests; probes what they ask for; reports progress after each stored result."""

    def __init__(self, store: Store, clock: Clock, agent: str) -> None:
        self._store = store
        self._clock = clock
        self._agent = agent

    def work(
        self, reload: Callable[[], ReloadReport], targets: Callable[[], Sequence[Target]], submit: Submit
    ) -> None:
        """Take at most one request and submit its probes; `targets` is asked after the reload."""
        request = self._store.claim_refresh(self._agent, self._clock.now())
        if request is None:
            return
        report = reload()
        wanted = [t for t in targets() if t.is_probed and (not request.targets or t.id in request.targets)]
        logger.info("refresh %s: %d probes", request.id, len(wanted))
        update = RefreshUpdate(
            total=len(wanted), is_done=not wanted, diff=report.diff, problems=report.problems
        )
        self._store.update_refresh(request.id, update, self._clock.now())
        progress = _Progress(self._store, self._clock, request, len(wanted))
        for target in wanted:
            slot = Slot(target.id, self._clock.now(), Trigger.MANUAL, request.id)
            submit(target, slot, progress.count_one)


class _Progress:
    """Counts the stored results of one request."""

    def __init__(self, store: Store, clock: Clock, request: RefreshRequest, total: int) -> None:
        self._store = store
        self._clock = clock
        self._request = request
        self._total = total
        self._finished = 0
        self._lock = threading.Lock()

    def count_one(self) -> None:
        with self._lock:
            self._finished += 1
            update = RefreshUpdate(finished=self._finished, is_done=self._finished >= self._total)
        try:
            self._store.update_refresh(self._request.id, update, self._clock.now())
        except StoreUnavailableError as error:
            # The results themselves are spooled; a claim without news is taken over after five minutes.
            logger.warning("progress of refresh %s not stored: %s", self._request.id, error)
