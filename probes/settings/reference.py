"""What can be set, for editors (JSON Schema), for the README (a table) and for tests that hold both to the code."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from pydantic.config import JsonDict, JsonValue

from probes.domain.target import Protocol
from probes.settings.format import File
from probes.settings.presets import MODEL_TRAITS, PRESETS, REASONING_MAX_TOKENS, ModelTrait, preset_names
from probes.settings.quirks import LEAST_MAX_TOKENS, QUIRKS
from probes.settings.values import DURATION_PATTERN, PERCENT_PATTERN

SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# Numbers and truth values may also come out of a variable.
_VARIABLE: Final[JsonDict] = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}
_SECTIONS: Final = {
    "DeadlineOptions": "deadlines",
    "ThresholdOptions": "thresholds",
    "SloOptions": "slo",
    "PriceOptions": "prices",
}


def json_schema() -> JsonDict:
    """config/local.schema.json: the file's model, with the known providers named for completion."""
    made = cast(JsonDict, File.model_json_schema())
    schema = cast(JsonDict, _tidied(made))
    properties = cast(JsonDict, schema["properties"])
    apis = cast(JsonDict, properties["apis"])
    provider = apis["additionalProperties"]
    apis["properties"] = dict.fromkeys(sorted(preset_names()), provider)
    client = _properties(cast(JsonDict, schema["$defs"]), "ClientOptions")
    models = cast(JsonDict, client["models"])
    models["items"] = {"anyOf": [{"type": "string"}, models["items"]]}  # bare text is the model's name
    return {"$schema": SCHEMA_DIALECT, **schema, "title": "FirstToken configuration"}


def schema_text() -> str:
    """The content of config/local.schema.json."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _tidied(value: JsonValue) -> JsonValue:
    """Without pydantic's titles, and with variables allowed for what is no free text."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_tidied(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidy: JsonDict = {
        key: cast(JsonValue, {name: _tidied(inner) for name, inner in cast(JsonDict, item).items()})
        if key in ("properties", "patternProperties", "$defs")
        else _tidied(item)
        for key, item in value.items()
        if key != "title" and not (key == "default" and item is None)
    }
    is_free_text = tidy.get("type") == "string" and "enum" not in tidy
    is_word = tidy.get("pattern") not in (None, DURATION_PATTERN, PERCENT_PATTERN)
    is_scalar = tidy.get("type") in ("integer", "number", "boolean", "string")
    return _or_variable(tidy) if is_scalar and (is_word or not is_free_text) else tidy


def _or_variable(schema: JsonDict) -> JsonDict:
    outer: JsonDict = {key: schema[key] for key in ("description", "default") if key in schema}
    inner: JsonDict = {key: item for key, item in schema.items() if key not in outer}
    return {**outer, "anyOf": [inner, dict(_VARIABLE)]}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the reference; `path` as one would say it: "web.port", "apis.<provider>.<client>.api_key"."""

    path: str
    default: str
    meaning: str


def settings_list() -> tuple[Setting, ...]:
    """Every setting once; what can stand at several levels is listed under defaults."""
    definitions = cast(JsonDict, json_schema()["$defs"])
    shared = set(_properties(definitions, "Options"))
    rows = [*_rows(definitions, "Options", "defaults.")]
    for definition, prefix in (
        ("ClientOptions", "apis.<provider>.<client>."),
        ("ModelOptions", "apis.<provider>.<client>.models[]."),
    ):
        rows += [
            row
            for row in _rows(definitions, definition, prefix)
            if row.path[len(prefix) :].split(".")[0] not in shared
        ]
    for definition, prefix in (
        ("AgentOptions", "agent."),
        ("WebOptions", "web."),
        ("StoreOptions", "store."),
        ("RetentionOptions", "retention."),
        ("MaintenanceOptions", "maintenance[]."),
        ("AlertChannelOptions", "alerts.channels[]."),
        ("QuietHoursOptions", "alerts.channels[].quiet_hours."),
        ("AlertOptions", "alerts."),
        ("TelemetryOptions", "telemetry."),
        ("SimulatorOptions", "simulator."),
    ):
        rows += _rows(definitions, definition, prefix)
    return tuple(rows)


def _properties(definitions: JsonDict, name: str) -> JsonDict:
    return cast(JsonDict, cast(JsonDict, definitions[name])["properties"])


def _rows(definitions: JsonDict, name: str, prefix: str) -> Iterator[Setting]:
    for key, value in _properties(definitions, name).items():
        schema = cast(JsonDict, value)
        inner = str(schema.get("$ref", "")).rpartition("/")[2]
        if inner in _SECTIONS:
            yield from _rows(definitions, inner, f"{prefix}{key}.")
        else:
            yield Setting(f"{prefix}{key}", _default_text(schema), str(schema.get("description", "")))


def _default_text(schema: JsonDict) -> str:
    if "default" not in schema:
        return "-"
    default = schema["default"]
    return (default or "-") if isinstance(default, str) else json.dumps(default)


def settings_reference() -> str:
    """The table of all settings, in Markdown."""
    rows = [f"| `{row.path}` | {row.default} | {row.meaning} |" for row in settings_list()]
    return "\n".join(("| Setting | Default | Meaning |", "| --- | --- | --- |", *rows)) + "\n"


def presets_reference() -> str:
    """The table of known providers, in Markdown."""
    lines = ["| Provider | Also called | Protocol | Address | Key |", "| --- | --- | --- | --- | --- |"]
    for preset in PRESETS:
        aliases = ", ".join(f"`{alias}`" for alias in preset.aliases) or "-"
        is_azure = preset.protocol is Protocol.AZURE_OPENAI_CHAT
        yours = "`endpoint:` of your resource" if is_azure else "`base_url:` of your region"
        address = f"`{preset.base_url}`" if preset.base_url else yours
        address += "".join(f"; also `{url}`" for url in preset.other_urls)
        key = "needed" if preset.needs_key else "optional"
        others = [other.value for other in Protocol if other is not preset.protocol and preset.url_for(other)]
        protocol = preset.protocol.value + (f"; also {', '.join(others)}" if others else "")
        lines.append(f"| `{preset.name}` | {aliases} | {protocol} | {address} | {key} |")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class KnownQuirk:
    """One row of the table of quirks, as people read it."""

    where: str  # a preset, a protocol, or a pattern of model names
    wording: str  # "max_tokens >= 512; temperature: null"; null is left out of the request
    reason: str
    source: str = ""


def known_quirks() -> tuple[KnownQuirk, ...]:
    """Everything that words a request without the operator having said so."""
    servers = (
        KnownQuirk(str(quirk.where), _wording(quirk.setting, quirk.value), quirk.reason, quirk.source)
        for quirk in QUIRKS
    )
    families = (
        KnownQuirk(trait.pattern.pattern, "; ".join(_trait_wordings(trait)), trait.reason)
        for trait in MODEL_TRAITS
    )
    return (*servers, LEAST_TOKENS_QUIRK, *families)


LEAST_TOKENS_QUIRK: Final = KnownQuirk(
    Protocol.OPENAI_RESPONSES.value,
    f"max_tokens >= {LEAST_MAX_TOKENS}",
    "the API refuses less; settings accept no less for any protocol",
)


def _wording(setting: str, value: str | bool | None) -> str:
    return f"{setting}: {value if isinstance(value, str) else json.dumps(value)}"


def _trait_wordings(trait: ModelTrait) -> Iterator[str]:
    yield f"max_tokens >= {REASONING_MAX_TOKENS}"
    if trait.rejects_temperature:
        yield _wording("temperature", None)
    if trait.token_parameter is not None:
        yield _wording("token_parameter", trait.token_parameter.value)
    if trait.effort is not None:
        yield f"effort: {trait.effort}"
    for protocol, body in trait.lowest.items():
        yield f"{protocol.value}: {json.dumps(body)}"


def quirks_reference() -> str:
    """The table of quirks, in Markdown."""
    lines = ["| For | Request | Why |", "| --- | --- | --- |"]
    for row in known_quirks():
        where = row.where.replace("|", "\\|")
        why = f"{row.reason} ([source]({row.source}))" if row.source else row.reason
        lines.append(f"| `{where}` | `{row.wording}` | {why} |")
    return "\n".join(lines) + "\n"
