"""An incident: one trouble of one provider, from the first failing slot to the first good one, and what was said of it.

Frozen vocabulary; which verdicts open, change and end one is decided in verdicts.incidents.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import uuid5

from probes.domain.result import ID_NAMESPACE
from probes.domain.state import Reason


class Severity(StrEnum):
    """How bad it is, mildest first."""

    ATTENTION = "attention"  # ours: key, quota, request, model name, rate limit; nobody else is accused
    DEGRADED = "degraded"
    DOWN = "down"

    @property
    def rank(self) -> int:
        return tuple(Severity).index(self)


class Cause(StrEnum):
    """The class that most of its failures belong to."""

    UNREACHABLE = "unreachable"  # no connection: name, TCP or TLS
    TIMEOUT = "timeout"  # connected, no token in time
    SERVER_ERROR = "server_error"  # it said so itself
    BROKEN_STREAM = "broken_stream"  # began to answer, not to the end, or nonsense
    SLOW = "slow"
    THROTTLED = "throttled"
    OURS = "ours"
    MIXED = "mixed"  # no class has more than half


class Ending(StrEnum):
    """How a model's part of an incident ended."""

    RECOVERED = "recovered"
    UNWATCHED = "unwatched"  # paused or no longer configured: nobody knows how it went on


class UpdateKind(StrEnum):
    OPENED = "opened"
    JOINED = "joined"  # more models
    WORSENED = "worsened"
    EASED = "eased"
    LEFT = "left"  # some models recovered, others not
    RESOLVED = "resolved"
    REOPENED = "reopened"  # back so soon that it had not really ended
    MERGED = "merged"  # into another, or another into this one
    ACKNOWLEDGED = "acknowledged"
    NOTE = "note"
    POSTMORTEM = "postmortem"

    @property
    def is_manual(self) -> bool:
        return self in (UpdateKind.ACKNOWLEDGED, UpdateKind.NOTE, UpdateKind.POSTMORTEM)


@dataclass(frozen=True, slots=True)
class Affected:
    """One model's part."""

    target: str
    started_at: datetime  # due time of the first failing slot, not of the one that confirmed it
    detected_at: datetime
    severity: Severity  # of now; the last one once it ended
    reason: Reason
    worst: Severity
    ended_at: datetime | None = (
        None  # due time of the first good slot after the last failure; None while it lasts
    )
    ending: Ending | None = None
    evidence: tuple[str, ...] = ()  # ids of records: the first failures and the newest, oldest first

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class IncidentUpdate:
    """One entry of its timeline. Automatic ones have no text: pages say it in the reader's language."""

    id: str
    at: datetime
    kind: UpdateKind
    severity: Severity  # of the incident after it
    targets: tuple[str, ...] = ()  # that it is about; empty: the whole incident
    reason: Reason | None = None
    text: str = ""  # an operator's words; for MERGED the other incident's id
    is_public: bool = True


@dataclass(frozen=True, slots=True)
class Incident:
    """`version` grows by one with each writing, so that agent and operator never overwrite each other.

    `handed_over` counts the updates that the outbox knows of: alerts are planned for those after it.
    """

    id: str
    provider: str
    started_at: datetime
    detected_at: datetime
    severity: Severity  # the worst of its open parts; the worst of all once resolved
    cause: Cause
    affected: tuple[Affected, ...]  # in the order in which they joined
    updates: tuple[IncidentUpdate, ...]  # oldest first
    updated_at: datetime
    ended_at: datetime | None = None  # the last model's first good slot
    resolved_at: datetime | None = None  # when that was sure; None while open
    acknowledged_at: datetime | None = None
    merged_into: str | None = None
    handed_over: int = 0
    version: int = 1

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None and self.merged_into is None

    @property
    def is_public(self) -> bool:
        """Our own faults are the operator's business."""
        return self.severity is not Severity.ATTENTION

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(part.target for part in self.affected)

    @property
    def open_targets(self) -> tuple[str, ...]:
        return tuple(part.target for part in self.affected if part.is_open)

    @property
    def time_to_detect_seconds(self) -> float:
        """From the first failing slot to the verdict."""
        return (self.detected_at - self.started_at).total_seconds()

    @property
    def time_to_recover_seconds(self) -> float | None:
        """From the first failing slot to the first good one; None while open, or where nobody saw the end."""
        if self.ended_at is None or any(part.ending is Ending.UNWATCHED for part in self.affected):
            return None
        return (self.ended_at - self.started_at).total_seconds()

    def next(self, now: datetime, updates: Sequence[IncidentUpdate] = ()) -> "Incident":
        """Its next version, with these entries added to the timeline."""
        return replace(self, version=self.version + 1, updated_at=now, updates=(*self.updates, *updates))


def incident_id(target: str, started_at: datetime, severity: Severity) -> str:
    """uuid5 of what opened it, so that opening twice is opening once.

    A fault of ours and an outage may begin with the same slot; they are two incidents.
    """
    family = "ours" if severity is Severity.ATTENTION else "theirs"
    return str(uuid5(ID_NAMESPACE, "\n".join(("incident", target, started_at.isoformat(), family))))


def update_id(incident: str, version: int, kind: UpdateKind, n: int = 0) -> str:
    """`n` tells apart what one version says at once."""
    return str(uuid5(ID_NAMESPACE, "\n".join(("update", incident, str(version), kind.value, str(n)))))
