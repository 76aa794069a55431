"""The value types of the configuration file: durations, names, numbers that may come from a variable.

Each refuses with words and a cure of its own; settings.explain adds the place.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from probes.settings.document import plain_scalar
from probes.settings.expand import FromVariable
from probes.settings.faults import Mark

REFUSED: Final = "setting_refused"  # the type of every error raised here; its context holds the cure
DURATION_PATTERN: Final = r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$"
PERCENT_PATTERN: Final = r"^\s*\d+(\.\d+)?\s*%\s*$"

_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(DURATION_PATTERN)
_PERCENT: Final = re.compile(PERCENT_PATTERN)
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_DURATION_CURE: Final = 'Write seconds as a number, or text such as "30s", "10m", "1h30m"'
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding", "te"}
)


def refused(message: str, cure: str) -> PydanticCustomError:
    """An error whose message continues the value: "is not a duration"."""
    return PydanticCustomError(REFUSED, "{message}", {"message": message, "cure": cure})


@dataclass(frozen=True, slots=True)
class Given:
    """Absent is None inside, but an explicit null in the file is refused: it is a forgotten value."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_not_null, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        made = handler(schema)
        options = [option for option in made.get("anyOf", []) if option != {"type": "null"}]
        if not options:
            return made
        rest = {key: value for key, value in made.items() if key != "anyOf"}
        return {**rest, **options[0]} if len(options) == 1 else {**rest, "anyOf": options}


def _not_null(value: object) -> object:
    if value is None:
        raise refused("is empty", "Give a value, or remove the line")
    return value


def _from_variable(value: object) -> object:
    """A number or truth value out of a variable's text."""
    return plain_scalar(value.strip(), Mark(1, 1)).value if isinstance(value, FromVariable) else value


def _whole(value: object) -> object:
    value = _from_variable(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def duration_seconds(value: object) -> object:
    """Seconds out of a number or of text such as "1h30m". Raises the refusal of anything else."""
    value = _from_variable(value)
    if isinstance(value, str):
        if not _DURATION.match(value):
            raise refused("is not a duration", _DURATION_CURE)
        return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused("is not a duration", _DURATION_CURE)
    return float(value)


def duration_text(seconds: float) -> str:
    """90 -> "1m30s", 8.5 -> "8.5s", 0.2 -> "200ms": as one would write it in the file."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:g}ms"
    if seconds != int(seconds):
        return f"{seconds:g}s"
    left, text = int(seconds), ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds as a number or as text, within limits that the refusal names as durations."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.no_info_before_validator_function(duration_seconds, handler(source))
        return core_schema.no_info_after_validator_function(self._check, number)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        number = {"type": "number", "minimum": self.low, "maximum": self.high}
        return {"anyOf": [number, {"type": "string", "pattern": DURATION_PATTERN}]}

    def _check(self, seconds: float) -> float:
        if not self.low <= seconds <= self.high:
            what = "is too short" if seconds < self.low else "is too long"
            raise refused(what, f"Give {duration_text(self.low)} to {duration_text(self.high)}")
        return seconds


@dataclass(frozen=True, slots=True)
class Percent:
    """A fraction, written in per cent as a number or as text; the limits are in per cent too."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._fraction, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        number = {"type": "number", "minimum": self.low, "maximum": self.high}
        return {"anyOf": [number, {"type": "string", "pattern": PERCENT_PATTERN}]}

    def _fraction(self, value: object) -> object:
        value = _from_variable(value)
        if isinstance(value, str) and _PERCENT.match(value):
            value = float(value.replace("%", ""))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refused("is not a percentage", "Write it in per cent, as 99.5 % or 99.5")
        if not self.low <= value <= self.high:
            what = "is too low" if value < self.low else "is too high"
            raise refused(what, f"Give {self.low:g} % to {self.high:g} %, in per cent")
        return round(value / 100, 12)  # 99.9 / 100 is 0.9990000000000001


@dataclass(frozen=True, slots=True)
class Between:
    """A number within limits, also out of a variable's text; a float without fraction counts as whole."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        if source is int:
            whole = core_schema.int_schema(strict=True, ge=int(self.low), le=int(self.high))
            return core_schema.no_info_before_validator_function(_whole, whole)
        number = core_schema.float_schema(strict=True, ge=self.low, le=self.high, allow_inf_nan=False)
        return core_schema.no_info_before_validator_function(_from_variable, number)


def _text(value: str) -> str:
    if not value.strip():
        raise refused("is empty", "Give a text")
    if not value.isprintable():
        raise refused("holds a control character", "Write one line of plain text")
    return value


def _name(value: str) -> str:
    """A part of a target id: what separates ids, paths and queries cannot stand in it."""
    _text(value)
    if any(character in value for character in '/\\"') or value != value.strip() or value in (".", ".."):
        raise refused("cannot be a name", 'Leave out / \\ " and spaces at the ends')
    return value


def target_part(value: str) -> str:
    """A model's part of a target id: it may hold slashes, but no empty or dotted step."""
    _text(value)
    is_bad = any(step in ("", ".", "..") or step != step.strip() for step in value.split("/"))
    if is_bad or any(character in value for character in '\\"'):
        raise refused(
            "cannot be part of a target's id", 'Give it an id: without \\ " and without empty steps'
        )
    return value


def _url(value: str) -> str:
    """An http(s) address without anything secret or superfluous; no slash at its end."""
    cure = "Write https://host/path"
    try:
        parts = urlsplit(value.strip())
        _ = parts.port
    except ValueError:
        raise refused("is not a web address", cure) from None
    if parts.scheme not in ("http", "https"):
        raise refused("is not an http or https address", cure)
    if not parts.hostname or not value.isprintable() or " " in value.strip():
        raise refused("is not a web address", cure)
    if parts.username is not None or parts.password is not None:
        raise refused("holds a user name or password", "Put the key into api_key, or into headers")
    if parts.query or parts.fragment:
        raise refused("holds a query (?) or fragment (#)", f"{cure} alone; api_version is a setting")
    return value.strip().rstrip("/")


def _proxy(value: str) -> str:
    try:
        parts = urlsplit(value.strip())
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_right = False
    if not is_right or not value.isprintable():
        raise refused(
            "is not a proxy's address",
            "Write http://host:port; a user and password stand before the host, with an @",
        )
    return value.strip()


def _header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise refused("is not a header's name", "Use letters, digits and hyphens")
    if value.lower() in _OWN_HEADERS:
        raise refused("is a header that the probe sets itself", "Remove it")
    return value


def _header_value(value: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 or ord(c) > 255 for c in value):
        raise refused(
            "holds a line break, a control character or a letter that no header can carry",
            "Write one line of Latin characters",
        )
    return value.strip()


def _mongodb_uri(value: str) -> str:
    if not value.startswith(("mongodb://", "mongodb+srv://")):
        raise refused("is not a MongoDB address", "Write mongodb://host:27017, or leave it out for SQLite")
    return value


Interval = Annotated[float, Duration(10.0, 7 * 86400.0)]
Deadline = Annotated[float, Duration(0.1, 3600.0)]
Threshold = Annotated[float, Duration(0.001, 86400.0)]
Objective = Annotated[float, Percent(50.0, 99.999)]
Cooldown = Annotated[float, Duration(1.0, 3600.0)]
Confirmation = Annotated[float, Duration(1.0, 60.0)]
Text = Annotated[str, AfterValidator(_text), Field(max_length=200)]
LongText = Annotated[str, Field(min_length=1, max_length=8000)]
Name = Annotated[str, AfterValidator(_name), Field(max_length=100)]
TargetPart = Annotated[str, AfterValidator(target_part), Field(max_length=200)]
Url = Annotated[str, AfterValidator(_url), Field(max_length=2000)]
ProxyUrl = Annotated[str, AfterValidator(_proxy), Field(max_length=2000)]
MongoUri = Annotated[str, AfterValidator(_mongodb_uri), Field(max_length=4000)]
HeaderName = Annotated[str, AfterValidator(_header_name), Field(max_length=100)]
HeaderValue = Annotated[str, AfterValidator(_header_value), Field(max_length=8000)]
LabelKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,40}$")]
Truth = Annotated[bool, BeforeValidator(_from_variable)]
