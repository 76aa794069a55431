"""JSON of the small documents: plan, refresh requests, heartbeats, verdicts, incidents. Written and read here only."""

import logging
import math
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from probes.domain.incident import Incident
from probes.domain.plan import AgentStatus, Plan, PlanDiff, Problem
from probes.domain.state import Reason
from probes.domain.upkeep import Maintenance
from probes.stats.changes import Memory
from probes.store.base import StoreError
from probes.store.records import cut

logger = logging.getLogger(__name__)

_Document = TypeVar("_Document")


class Codec(Generic[_Document]):
    """One kind of document as JSON text."""

    def __init__(self, kind: Any, name: str) -> None:
        self._kind = kind
        self._name = name

    @cached_property
    def _adapter(self) -> TypeAdapter[_Document]:
        return TypeAdapter(self._kind)  # takes a while to build, so not at import

    def text(self, document: _Document) -> str:
        return self._adapter.dump_json(document).decode()

    def read(self, text: str) -> _Document:
        """Raises StoreError for a document that this version cannot read."""
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            raise self._unreadable(error) from error

    def plain(self, document: _Document) -> Any:
        """The document as lists and mappings of plain values."""
        return self._adapter.dump_python(document, mode="json")

    def read_plain(self, plain: object) -> _Document:
        """The inverse of `plain`; raises StoreError like `read`."""
        try:
            return self._adapter.validate_python(plain)
        except ValidationError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: ValidationError) -> StoreError:
        return StoreError(f"the stored {self._name} was written by another version: {error}")


PLAN: Final[Codec[Plan]] = Codec(Plan, "plan")
DIFF: Final[Codec[PlanDiff]] = Codec(PlanDiff, "configuration diff")
PROBLEMS: Final[Codec[tuple[Problem, ...]]] = Codec(tuple[Problem, ...], "list of problems")
REASON: Final[Codec[Reason]] = Codec(Reason, "reason")
AGENT: Final[Codec[AgentStatus]] = Codec(AgentStatus, "heartbeat")
TEXTS: Final[Codec[tuple[str, ...]]] = Codec(tuple[str, ...], "list of targets")
INCIDENT: Final[Codec[Incident]] = Codec(Incident, "incident")
MAINTENANCE: Final[Codec[Maintenance]] = Codec(Maintenance, "maintenance window")
_MEMORY: Final[Codec[Memory]] = Codec(Memory, "memory of a target")


def as_stored(document: _Document) -> _Document:
    """The dataclass as a store gives it back, with all that is nested in it.

    Moments are cut to milliseconds of UTC (wall-clock times without a zone stay), text is made such that UTF-8 can
    hold it, and a number that JSON has no word for becomes text: read as null it would spoil the whole document.
    """
    stored: _Document = _as_stored(document)
    return stored


def _as_stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return value if value.tzinfo is None else cut(value)
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, tuple):
        return tuple(_as_stored(member) for member in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{field.name: _as_stored(getattr(value, field.name)) for field in fields(value)}
        )
    return value


def memory_text(memory: Memory) -> str:
    return _MEMORY.text(memory)


def memory_of(text: str | None) -> Memory:
    """Empty where there is none, or one of another version: the next results fill it, and no write waits for it."""
    if text is None:
        return {}
    try:
        return _MEMORY.read(text)
    except StoreError as error:
        logger.warning("what was known of a target is forgotten: %s", error)
        return {}
