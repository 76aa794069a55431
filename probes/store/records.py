"""ProbeResult to and from stored values: text, numbers, milliseconds. Shared by every store and the spool."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import (
    RESULT_FIELDS,
    Category,
    Phase,
    ProbeResult,
    Quality,
    RateLimit,
    Stamps,
    TokensSource,
    Trigger,
)
from probes.store.base import StoreError

Value = str | int | float | None  # what every database and JSON can hold

MOMENTS: Final = frozenset({"due_at", "started_at"})
FLAGS: Final = frozenset({"connection_reused", "answer_ok"})
ENUMS: Final[Mapping[str, type[StrEnum]]] = {
    "trigger": Trigger,
    "outcome": Outcome,
    "fault": Fault,
    "phase": Phase,
    "category": Category,
    "tokens_source": TokensSource,
    "stamps": Stamps,
    "quality": Quality,
}
IDENTITY: Final = frozenset({"id", "target", "provider", "client", "model", "protocol", "location", "agent"})
MAX_TEXT_LENGTH: Final = 1000  # of what a server sends: a header or a model name may be as long as it likes
_LARGEST_INTEGER: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT_MS: Final = 2**42  # until the year 2109 a float of seconds is good to a microsecond
_MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 UTC, cut; raises TypeError on a naive datetime."""
    return (moment - _EPOCH) // _MILLISECOND


def moment_of(milliseconds: int) -> datetime:
    if abs(milliseconds) < _EXACT_MS:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)  # three times as fast as adding
    return _EPOCH + timedelta(milliseconds=milliseconds)


def cut(moment: datetime) -> datetime:
    """The moment as a store gives it back: UTC, whole milliseconds."""
    return moment_of(milliseconds(moment))


def values_of(result: ProbeResult) -> tuple[Value, ...]:
    """The stored values in the order of RESULT_FIELDS."""
    return tuple(write(getattr(result, name)) for name, write in _WRITERS)


def result_of(values: Sequence[Any]) -> ProbeResult:
    """The inverse of values_of; raises StoreError on a word that this version does not know."""
    row = list(values)
    try:
        for index, read in _READERS:
            if row[index] is not None:
                row[index] = read(row[index])
    except KeyError as error:
        raise StoreError(f"a stored result has a word of another version: {error}") from error
    for index, default in _DEFAULTS:
        if row[index] is None:
            row[index] = default
    # Past __init__, which checks nothing and takes twice the time: pages and exports are made of this.
    result = object.__new__(ProbeResult)
    for put, value in zip(_SLOTS, row, strict=True):
        put(result, value)
    return result


def document_of(result: ProbeResult) -> dict[str, Value]:
    """The stored values by field name; what was not observed is left out."""
    pairs = zip(RESULT_FIELDS, values_of(result), strict=True)
    return {name: value for name, value in pairs if value is not None}


def result_of_document(document: Mapping[str, Any]) -> ProbeResult:
    """The inverse of document_of; fields that this version does not know are ignored."""
    return result_of([document.get(name) for name in RESULT_FIELDS])


def _text(value: str | None) -> str | None:
    """Text that UTF-8 can hold: JSON from a server may carry half a surrogate pair."""
    if value is None or value.isascii():
        return value
    return value.encode("utf-8", "replace").decode()


def _foreign_text(value: str | None) -> str | None:
    return _text(value if value is None else value[:MAX_TEXT_LENGTH])


def _word(value: StrEnum | None) -> str | None:
    return None if value is None else value.value


def _integer(value: int | None) -> int | None:
    return value if value is None or abs(value) <= _LARGEST_INTEGER else None


def _real(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _limits(value: tuple[RateLimit, ...]) -> str | None:
    return json.dumps([asdict(limit) for limit in value], separators=(",", ":")) if value else None


@lru_cache(maxsize=1024)
def _limits_of(text: str) -> tuple[RateLimit, ...]:
    return tuple(RateLimit(**limit) for limit in json.loads(text))


INTEGERS: Final = frozenset(
    {
        "in_flight",
        "output_tokens",
        "reasoning_tokens",
        "input_tokens",
        "cached_tokens",
        "chunks",
        "http_status",
        "max_tokens",
        "first_read_events",
    }
)
REALS: Final = frozenset(
    name for name in RESULT_FIELDS if name.endswith("_seconds") or name in ("throughput", "cost")
)


_NUMBERS: Final = (*sorted(INTEGERS), *sorted(REALS))


def _writer(name: str) -> Callable[[Any], Value]:
    for names, write in (
        (MOMENTS, milliseconds),
        (FLAGS, _flag),
        (ENUMS.keys(), _word),
        (INTEGERS, _integer),
        (REALS, _real),
        (IDENTITY, _text),
        ({"rate_limits"}, _limits),
    ):
        if name in names:
            return write
    return _foreign_text


def _reader(name: str) -> Callable[[Any], object] | None:
    if name in ENUMS:
        return {
            word.value: word for word in ENUMS[name]
        }.__getitem__  # a tenth of the time of calling the enum
    if name in MOMENTS:
        return moment_of
    if name in FLAGS:
        return bool
    return _limits_of if name == "rate_limits" else None


_WRITERS: Final = tuple((name, _writer(name)) for name in RESULT_FIELDS)
_READERS: Final = tuple(
    (index, read) for index, name in enumerate(RESULT_FIELDS) if (read := _reader(name)) is not None
)
_SLOTS: Final = tuple(ProbeResult.__dict__[name].__set__ for name in RESULT_FIELDS)
_DEFAULTS: Final = tuple(
    (index, field.default)
    for index, field in enumerate(fields(ProbeResult))
    if field.default is not None and field.default is not MISSING
)


def storable(result: ProbeResult) -> ProbeResult:
    """The result with None for numbers that no store holds: NaN, infinities, integers beyond 64 bits."""
    for name in _NUMBERS:
        number = getattr(result, name)
        if number is not None and not -_LARGEST_INTEGER <= number <= _LARGEST_INTEGER:
            return result_of(values_of(result))
    return result
