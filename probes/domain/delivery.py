"""A delivery: one thing to tell through one channel, kept in the store until it was told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid5

from probes.domain.result import ID_NAMESPACE


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"  # given up after the last attempt
    DROPPED = "dropped"  # held back on purpose, `error` says why: cool-down, flapping, overtaken


@dataclass(frozen=True, slots=True)
class Delivery:
    id: str
    channel: str
    incident_id: str
    transition: str  # an update's id, "reminder:3", "flapping:1"
    created_at: datetime
    due_at: datetime  # of the next attempt
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    finished_at: datetime | None = None  # when it was sent, given up or dropped
    error: str = ""  # of the last attempt, redacted

    @classmethod
    def of(
        cls, channel: str, incident_id: str, transition: str, *, created_at: datetime, due_at: datetime
    ) -> "Delivery":
        """The id is uuid5 of (incident, transition, channel), so that planning twice is planning once."""
        what = "\n".join(("delivery", incident_id, transition, channel))
        return cls(str(uuid5(ID_NAMESPACE, what)), channel, incident_id, transition, created_at, due_at)
