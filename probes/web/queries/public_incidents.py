"""What feeds and the Statuspage interface tell of, while the store answers: public incidents of the last 90 days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from probes.domain.incident import Incident
from probes.domain.plan import Plan
from probes.store.base import StoreUnavailableError
from probes.web.context import current_snapshot
from probes.web.snapshot import Snapshot

MAX_TOLD: Final = 50  # entries of a feed, incidents or windows of a list


@dataclass(frozen=True, slots=True)
class Reading:
    """The snapshot of this request, of a store that answers."""

    snapshot: Snapshot
    as_of: datetime
    names: Mapping[str, str]  # of each configured model, by its id

    @property
    def plan(self) -> Plan | None:
        return self.snapshot.plan

    @property
    def targets(self) -> list[str]:
        """Configured and removed ones."""
        return list(dict.fromkeys([*self.names, *self.snapshot.statistics]))

    @property
    def providers(self) -> list[str]:
        return list(dict.fromkeys(target.split("/", 1)[0] for target in self.targets))

    @property
    def begun_at(self) -> datetime:
        """Of what has no changes yet; the same in each reading."""
        return self.plan.loaded_at if self.plan is not None else self.as_of

    def incidents(self, provider: str = "", target: str = "") -> Iterator[Incident]:
        """Newest first; empty means any."""
        for incident in self.snapshot.incidents.incidents:
            if (not provider or incident.provider == provider) and (not target or target in incident.targets):
                yield incident


def reading() -> Reading:
    """Raises StoreUnavailableError: what was so is not what is so, and saying nothing would mean that all is well."""
    snapshot = current_snapshot()
    if snapshot.as_of is None or snapshot.store_error is not None:
        raise StoreUnavailableError(snapshot.store_error or "never read")
    return Reading(snapshot, snapshot.as_of, {target.id: target.name for target in snapshot.targets})
