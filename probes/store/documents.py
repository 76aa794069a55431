"""JSON of the small documents: plan, refresh requests, heartbeats, verdicts. Written and read in one place."""

import logging
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from probes.domain.plan import AgentStatus, Plan, PlanDiff, Problem
from probes.domain.state import Reason
from probes.stats.changes import Memory
from probes.store.base import StoreError

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
_MEMORY: Final[Codec[Memory]] = Codec(Memory, "memory of a target")


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
