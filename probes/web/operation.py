"""What one operation of the API is made of: route, inputs, answer, errors. The tables of them stand elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from probes.web.i18n import Lazy
from probes.web.params import MAX_VALUE_LENGTH, MAX_VALUES

JSON: Final = "application/json"
Schema = Mapping[str, object]


class Place(StrEnum):
    QUERY = "query"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of an operation. `is_many`: may be given several times, which means "or"."""

    name: str
    summary: Lazy
    schema: Schema
    place: Place = Place.QUERY
    is_many: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API does. `answer` is a dataclass for JSON, None for a streamed text of `media`."""

    id: str
    path: str
    summary: Lazy
    answer: type | None
    method: str = "GET"
    status: int = 200
    media: str = JSON
    parameters: tuple[Parameter, ...] = ()
    body: type | None = None
    errors: tuple[int, ...] = field(default=(400, 503))
    needs_token: bool = False  # where one is set
    needs_operator: bool = False  # always

    @property
    def rule(self) -> str:
        """The path as Flask writes it; a target's id holds slashes."""
        return self.path.replace("{target}", "<path:target>").replace("{", "<").replace("}", ">")

    @property
    def query_names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters if parameter.place is Place.QUERY)


def text(example: str = "") -> Schema:
    schema: dict[str, object] = {"type": "string", "maxLength": MAX_VALUE_LENGTH}
    return {**schema, "examples": [example]} if example else schema


def one_of(values: type[StrEnum], default: str | None = None) -> Schema:
    schema: dict[str, object] = {"type": "string", "enum": [value.value for value in values]}
    return schema if default is None else {**schema, "default": default}


def many(name: str, summary: Lazy, items: Schema) -> Parameter:
    return Parameter(name, summary, {"type": "array", "items": items, "maxItems": MAX_VALUES}, is_many=True)


TIME: Final[Schema] = {"type": "string", "format": "date-time", "examples": ["2026-11-21T09:30:00Z"]}
