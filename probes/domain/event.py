"""What happened to a target, apart from its measurements: the entries of its timeline."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid5

from probes.domain.result import ID_NAMESPACE


class EventKind(StrEnum):
    SERVED_MODEL_CHANGED = "served_model_changed"
    FINGERPRINT_CHANGED = "fingerprint_changed"
    ANSWER_FAILED = "answer_failed"
    ANSWER_RECOVERED = "answer_recovered"
    MODEL_RETIRED = "model_retired"
    MODEL_RETURNED = "model_returned"
    SPEC_CHANGED = "spec_changed"
    PROMPT_CHANGED = "prompt_changed"

    @property
    def is_ours(self) -> bool:
        """A change of our own, which starts a new series: figures before and after it do not compare."""
        return self in (EventKind.SPEC_CHANGED, EventKind.PROMPT_CHANGED)


@dataclass(frozen=True, slots=True)
class TargetEvent:
    """One change, and the record that showed it first; that record may be older than the event's discovery."""

    id: str
    target: str
    at: datetime  # when that probe started
    kind: EventKind
    before: str
    after: str
    result_id: str

    @classmethod
    def of(
        cls, target: str, kind: EventKind, change: tuple[str, str], evidence: tuple[datetime, str]
    ) -> "TargetEvent":
        """`change` is (before, after), `evidence` the start and the id of the record that showed it."""
        at, result_id = evidence
        return cls(event_id(target, kind, result_id), target, at, kind, *change, result_id)


def event_id(target: str, kind: EventKind, result_id: str) -> str:
    """uuid5 of what makes an event unique, so that writing twice is writing once."""
    return str(uuid5(ID_NAMESPACE, "\n".join(("event", target, kind.value, result_id))))
