"""Keeps the stored incidents true to the verdicts: reads, decides by the pure rules, writes by compare-and-swap."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from probes.domain.incident import Incident
from probes.domain.result import ProbeResult
from probes.domain.state import State, Verdict
from probes.domain.target import Target
from probes.store.base import MAX_PAGE_SIZE, IncidentQuery, Store
from probes.verdicts.evidence import countable
from probes.verdicts.incidents import gone, oldest_needed, reconciled
from probes.verdicts.network import Loss, covering
from probes.verdicts.standing import Family, Standing, Watched, standing

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 5  # at one decision, while other writers are quicker
REVIEW_EVERY: Final = timedelta(seconds=15)  # what is open is judged anew, whoever opened it


@dataclass(frozen=True, slots=True)
class Judged:
    """A target, its new verdict, and what that was made from: results, newest first, and losses of our network."""

    target: Target
    verdict: Verdict
    recent: Sequence[ProbeResult]
    losses: Sequence[Loss]

    @property
    def telling(self) -> list[ProbeResult]:
        return [r for r in countable(self.recent) if covering(self.losses, r) is None]


class IncidentKeeper:
    """One per agent, used by its recorder's thread alone. Every method may raise StoreUnavailableError.

    Incidents are written before the verdicts they follow from: whatever a crash leaves unwritten, the verdict is not
    there either, and judging again decides the same.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reviewed_at: datetime | None = None
        self._troubled: set[str] = set()  # providers that have an open incident, as far as known
        self._worked: set[str] = set()  # targets that gave a good answer once, as far as it was asked

    def review(self, targets: Mapping[str, Target], now: datetime) -> set[str]:
        """Targets that have to be judged because an incident of theirs is open; every REVIEW_EVERY, else none.

        Parts of targets that neither this agent nor the published plan knows end here.
        """
        if self._reviewed_at is not None and now - self._reviewed_at < REVIEW_EVERY:
            return set()
        incidents = self._store.incidents(IncidentQuery(is_open=True, limit=MAX_PAGE_SIZE)).incidents
        involved = {target for incident in incidents for target in incident.open_targets}
        if strangers := involved - targets.keys():
            self._leave(incidents, strangers, now)
        self._troubled = {incident.provider for incident in incidents}
        self._reviewed_at = now
        return involved & targets.keys()

    def settle(self, judged: Iterable[Judged], now: datetime) -> set[str]:
        """Bring the incidents of these targets' providers up to their verdicts.

        Returns the targets whose incidents could not be written; their verdicts must wait.
        """
        providers: defaultdict[str, list[Watched]] = defaultdict(list)
        for one in judged:
            providers[one.target.provider].append(self._watched(one))
        unsettled = [w for p, w in providers.items() if not self._settle_provider(p, w, now)]
        return {one.target for watched in unsettled for one in watched}

    def _settle_provider(self, provider: str, watched: Sequence[Watched], now: datetime) -> bool:
        if provider not in self._troubled and not any(_is_bad(one, now) for one in watched):
            return True
        since = oldest_needed(watched, now)
        for _ in range(ATTEMPTS):
            query = IncidentQuery(providers=[provider], since=since, limit=MAX_PAGE_SIZE)
            known = self._store.incidents(query).incidents
            writes = reconciled(known, watched, now)
            if all(self._save(incident) for incident in writes):
                self._note_open(provider, (*known, *writes))
                return True
        logger.warning("incidents of %s: other writers were quicker %d times; again soon", provider, ATTEMPTS)
        return False

    def _watched(self, judged: Judged) -> Watched:
        return Watched(
            judged.target.id,
            judged.target.interval_seconds,
            judged.verdict,
            judged.telling,
            judged.verdict.state is not State.DOWN or self._has_worked(judged),
        )

    def _has_worked(self, judged: Judged) -> bool:
        """Read from the store only for a target that is down and shows no good answer; a yes is remembered."""
        target = judged.target.id
        if target in self._worked or any(result.outcome.is_up for result in judged.recent):
            self._worked.add(target)
            return True
        # Asked anew each time: older results, of a spool say, may have come in since.
        known = self._store.statistics().get(target)
        if known is None or not known.total_ok:
            return False
        self._worked.add(target)
        return True

    def _save(self, incident: Incident) -> bool:
        is_saved = self._store.save_incident(incident)
        if is_saved and incident.updates:
            newest = incident.updates[-1]
            if newest.at == incident.updated_at:
                logger.info("incident %s of %s: %s", incident.id, incident.provider, newest.kind.value)
        return is_saved

    def _note_open(self, provider: str, incidents: Iterable[Incident]) -> None:
        newest = {incident.id: incident for incident in incidents}
        if any(incident.is_open for incident in newest.values()):
            self._troubled.add(provider)
        else:
            self._troubled.discard(provider)

    def _leave(self, incidents: Iterable[Incident], strangers: Collection[str], now: datetime) -> None:
        plan = self._store.plan()
        if plan is None:
            return
        unplanned = set(strangers) - {target.id for target in plan.targets}
        for incident in incidents:
            after = gone(incident, unplanned, now)
            if after is not None:
                self._save(after)  # where another writer was quicker, the next review tries again


def _is_bad(watched: Watched, now: datetime) -> bool:
    return any(standing(watched, family, now) is Standing.BAD for family in Family)
