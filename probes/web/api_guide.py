"""The API's page for people: the same table as the OpenAPI document, as words, examples and lists of fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from probes.web.i18n import Lazy
from probes.web.openapi import OPERATIONS, meaning_of, schemas
from probes.web.operation import Operation, Parameter, Place

_EXAMPLES: Final = {
    "target": "openai/main/gpt-4o",
    "result_id": "RECORD_ID",
    "refresh_id": "REFRESH_ID",
    "incident_id": "INCIDENT_ID",
    "maintenance_id": "MAINTENANCE_ID",
}
_BODIES: Final = {
    "refresh": '{"targets": ["openai/main/gpt-4o"]}',
    "note_on_incident": '{"text": "They are on it.", "is_public": true}',
    "postmortem_of_incident": '{"text": "What was learnt."}',
    "merge_incident": '{"into": "OTHER_INCIDENT_ID"}',
    "announce_maintenance": (
        '{"title": "GPU swap", "starts": "2026-12-01 02:00", "duration": "2h", '
        '"timezone": "Europe/Berlin", "repeat": "weekly", "providers": ["openai"]}'
    ),
    "pause": '{"target": "openai/main/gpt-4o", "until": "2026-12-01T02:00:00Z"}',
}
_QUERIES: Final = {
    "statistics": "?window=7d&sort=-ttft_p95",
    "results": "?outcome=stalled&limit=10",
    "pick": "?needs=max_ttft_p95:2,min_availability:0.99",
}


@dataclass(frozen=True, slots=True)
class GuideParameter:
    name: str
    summary: Lazy
    kind: str
    is_many: bool


@dataclass(frozen=True, slots=True)
class GuideOperation:
    id: str
    method: str
    path: str
    summary: Lazy
    parameters: tuple[GuideParameter, ...]
    answer: str | None  # name of its schema; None for a text
    media: str
    example: str  # a command line


@dataclass(frozen=True, slots=True)
class GuideField:
    name: str
    kind: str
    links: tuple[str, ...]  # schemas that the kind names
    summary: Lazy | None  # of a record's field


@dataclass(frozen=True, slots=True)
class GuideSchema:
    name: str
    summary: str
    fields: tuple[GuideField, ...]
    values: tuple[str, ...]  # of an enumeration


@dataclass(frozen=True, slots=True)
class Guide:
    base_url: str
    operations: tuple[GuideOperation, ...]
    schemas: tuple[GuideSchema, ...]


def api_guide(origin: str) -> Guide:
    """`origin` is the site's own, as "http://127.0.0.1:9500"."""
    base_url = f"{origin}/api/v1"
    components = schemas()[1]
    return Guide(
        base_url=base_url,
        operations=tuple(_operation(operation, base_url) for operation in OPERATIONS),
        schemas=tuple(_schema(name, schema) for name, schema in components.items()),
    )


def _operation(operation: Operation, base_url: str) -> GuideOperation:
    return GuideOperation(
        id=operation.id,
        method=operation.method,
        path=operation.path,
        summary=operation.summary,
        parameters=tuple(_parameter(parameter) for parameter in operation.parameters),
        answer=operation.answer.__name__ if operation.answer is not None else None,
        media=operation.media,
        example=_example(operation, base_url),
    )


def _parameter(parameter: Parameter) -> GuideParameter:
    schema: Any = parameter.schema
    schema = schema.get("items", schema)
    if "enum" in schema:
        kind = ", ".join(str(value) for value in schema["enum"])
    else:
        kind = str(schema.get("format", schema["type"]))
    return GuideParameter(parameter.name, parameter.summary, kind, parameter.is_many)


def _example(operation: Operation, base_url: str) -> str:
    path = operation.path
    for parameter in operation.parameters:
        if parameter.place is Place.PATH:
            path = path.replace(f"{{{parameter.name}}}", _EXAMPLES[parameter.name])
    url = f"{base_url}{path}{_QUERIES.get(operation.id, '')}"
    if operation.method != "GET":
        token = " -H 'Authorization: Bearer ADMIN_TOKEN'" if operation.needs_operator else ""
        body = _BODIES.get(operation.id)
        sent = f" -H 'Content-Type: application/json' -d '{body}'" if body is not None else ""
        return f"curl -X {operation.method}{token}{sent} {url}"
    return f"curl '{url}'"


def _schema(name: str, schema: Mapping[str, Any]) -> GuideSchema:
    fields = tuple(_field(name, field, inner) for field, inner in schema.get("properties", {}).items())
    values = tuple(str(value) for value in schema.get("enum", ()))
    return GuideSchema(name, schema.get("description", ""), fields, values)


def _field(schema_name: str, name: str, schema: Mapping[str, Any]) -> GuideField:
    links: list[str] = []
    kind = _kind(schema, links)
    return GuideField(name, kind, tuple(dict.fromkeys(links)), meaning_of(schema_name, name))


def _kind(schema: Mapping[str, Any], links: list[str]) -> str:
    """ "number or null", "list of ErrorCount"; notes the schemas it names."""
    match schema:
        case {"$ref": str(reference)}:
            links.append(reference.rsplit("/", 1)[-1])
            return links[-1]
        case {"anyOf": list(options)}:
            return " or ".join(_kind(option, links) for option in options)
        case {"type": "array", "prefixItems": list(items)}:
            return f"[{', '.join(_kind(item, links) for item in items)}]"
        case {"type": "array", "items": dict(items)}:
            return f"list of {_kind(items, links)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"object of {_kind(values, links)}"
        case {"format": str(form)}:
            return form
        case {"type": str(kind)}:
            return kind
        case _:
            return "any"
