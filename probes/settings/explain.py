"""pydantic's errors as problems: place in the file, what is there, the cure. Values are shown only where harmless."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from probes.settings.document import Kind, Mapping, Node, Scalar, Sequence, existing, find, key_mark
from probes.settings.faults import MAX_PROBLEMS, Faults, Path, did_you_mean, shown, shown_key
from probes.settings.format import File
from probes.settings.options import ClientOptions, ModelOptions, Options
from probes.settings.presets import preset_of
from probes.settings.values import REFUSED

_SECRET_KEYS: Final = frozenset(
    {"api_key", "admin_token", "uri", "mongodb_uri", "proxy", "headers", "url", "secret", "heartbeat_url"}
)
_PRIVATE_KEYS: Final = _SECRET_KEYS | {
    "extra_body",
    "base_url",
    "endpoint",
    "prompt",
}  # long, or may hold a secret
# What people write for a key of ours.
_SYNONYMS: Final = {
    "key": "api_key",
    "apikey": "api_key",
    "token": "api_key",
    "secret": "api_key",
    "api_base": "base_url",
    "baseurl": "base_url",
    "url": "base_url",
    "host": "base_url",
    "azure_endpoint": "endpoint",
    "deployment": "models",
    "deployments": "models",
    "model": "models",
    "timeout": "deadlines",
    "timeouts": "deadlines",
    "type": "protocol",
    "period": "interval",
    "every": "interval",
    "disabled": "enabled",
    "tags": "labels",
    "slos": "slo",
    "objective": "slo",
    "objectives": "slo",
    "uptime": "availability",
    "ttft_p95_seconds": "ttft_p95",
    "start": "starts",
    "end": "until",
    "ends": "until",
    "zone": "timezone",
    "tz": "timezone",
    "length": "duration",
    "price": "prices",
    "cost": "prices",
    "input": "input_per_million",
    "output": "output_per_million",
    "cached_input": "cached_input_per_million",
    "ttft": "first_token",
    "max_output_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "mongodb": "store",
    "database": "store",
    "server": "web",
    "providers": "apis",
    "api": "apis",
}
_NESTED_TYPES: Final = frozenset({"list_type", "dict_type", "model_type", "model_attributes_type"})
_EXPECTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Explainer:
    """Turns the errors of one validation into faults with their place."""

    root: Node
    expanded: frozenset[Path]
    faults: Faults

    def add_all(self, error: ValidationError) -> None:
        for details in error.errors(include_url=False, include_input=False):
            self._add(details)

    def _add(self, details: ErrorDetails) -> None:
        loc, kind = details["loc"], details["type"]
        if kind == "extra_forbidden":
            message, cure = self._unknown_key(loc)
            self.faults.add(message, cure, loc, key_mark(self.root, loc))
        elif loc[-1:] == ("[key]",):
            message, cure = self._explain(details, loc[:-1])
            message = f"the key {shown_key(str(loc[-2]))} {message}"
            self.faults.add(message, cure, loc[:-1], key_mark(self.root, loc[:-1]))
        else:
            message, cure = self._explain(details, loc)
            path = existing(self.root, loc)  # a model given as bare text has no node "model"
            node = find(self.root, path)
            is_misplaced = kind in _NESTED_TYPES and isinstance(
                node, Scalar
            )  # nobody knows what text this is
            subject = "the text" if is_misplaced else self._subject(path, node)
            self.faults.add(f"{subject} {message}", cure, path, node.mark)

    def _subject(self, path: Path, node: Node) -> str:
        """The value itself where it is short and harmless, else what it is."""
        if isinstance(node, Mapping):
            return "the mapping"
        if isinstance(node, Sequence):
            return "the list"
        if not path:
            return "the file"
        is_private = path in self.expanded or _is_private_path(path)
        return "the value" if is_private or node.kind is Kind.NULL else shown(node.text)

    def _explain(self, details: ErrorDetails, path: Path) -> tuple[str, str]:
        kind, context, node = details["type"], details.get("ctx", {}), find(self.root, path)
        if kind == REFUSED:
            return str(context["message"]), str(context["cure"])
        if kind in _EXPECTED:
            return self._wrong_type(_EXPECTED[kind], path, node)
        match kind:
            case "missing":
                return f"lacks {path[-1]}", f"Add {path[-1]}:"
            case "greater_than_equal":
                return "is too small", f"Give at least {_limit(context['ge'])}"
            case "less_than_equal":
                return "is too large", f"Give at most {_limit(context['le'])}"
            case "literal_error":
                return _not_allowed(str(context["expected"]), node)
            case "string_too_short":
                return "is too short", f"Give at least {context['min_length']} characters"
            case "string_too_long":
                return "is too long", f"Give at most {context['max_length']} characters"
            case "string_pattern_mismatch":
                return "has a character that is not allowed, or too many", "Use letters, digits, - and _"
            case _:
                return "is not valid", "Compare with local.example.yaml"

    def _wrong_type(self, expected: str, path: Path, node: Node) -> tuple[str, str]:
        if len(path) == 3 and path[0] == "apis" and path[2] in ClientOptions.model_fields:
            return (
                "stands where a client belongs",
                f"Put {path[2]} one level deeper: apis: {shown(str(path[1]))[1:-1]}: main: {path[2]}:",
            )
        if isinstance(node, Mapping) and path[-1:] == ("models",):
            return "stands where a list is expected", 'Write each model as a list item: "- model: NAME"'
        if not path:
            return f"stands where {expected} is expected", 'Begin with "apis:"'
        if not isinstance(node, Scalar):
            return f"stands where {expected} is expected", f"Give {expected}"
        if node.kind is Kind.NULL:
            return "is empty", "Give a value, or remove the line"
        if expected == "text":
            cure = "Put it in quotes" if _is_private_path(path) else f'Put it in quotes: "{node.text[:40]}"'
            return f"is {node.kind.value}, not text", cure
        if expected == "a list":
            return "is not a list", "Put it in brackets: [ ]"
        if expected == "a mapping" and ":" in node.text:
            return "is not a mapping", 'Put a space after the colon: "key: value"'
        return f"is not {expected}", f"Give {expected}"

    def _unknown_key(self, path: Path) -> tuple[str, str]:
        key, parent = str(path[-1]), path[:-1]
        fields = _model_at(parent).model_fields
        known = tuple(field.alias or name for name, field in fields.items())
        if (
            len(self.faults.problems) > 2 * MAX_PROBLEMS
        ):  # a foreign file: guessing takes long, and nobody reads it
            return f"{shown_key(key)} is not a setting here", "Compare with local.example.yaml"
        return f"{shown_key(key)} is not a setting here", _key_cure(key, parent, known)


def is_secret_path(path: Path) -> bool:
    return any(part in _SECRET_KEYS for part in path)


def _is_private_path(path: Path) -> bool:
    """Whether a value there must not be shown."""
    return any(part in _PRIVATE_KEYS for part in path)


def _key_cure(key: str, parent: Path, known: tuple[str, ...]) -> str:
    head, colon, _ = key.partition(":")
    if colon and head in known:
        return f'Put a space after the colon: "{head}: ..."'
    synonym = _SYNONYMS.get(key.casefold().replace("-", "_"))
    if near := synonym if synonym in known else did_you_mean(key, known):
        return f"Did you mean {near}?"
    if not parent and preset_of(key) is not None:
        return f"Put {key} under apis:"
    if not parent and (near := did_you_mean(key, Options.model_fields)):
        return f"Put {near} under defaults:, a client or a model"
    if key in ClientOptions.model_fields:
        return f"{key} belongs to a client, under apis: provider: client:"
    return f"Known here: {', '.join(known)}"


def _model_at(path: Path) -> type[BaseModel]:
    """The model that says which keys may stand at `path`."""
    if path[:1] == ("apis",):
        place = path[3:]
        model: type[BaseModel] = ClientOptions
        if place[:1] == ("models",):
            model, place = ModelOptions, place[2:]
    elif path[:1] == ("providers",):
        model, place = Options, path[2:]
    else:
        model, place = File, path
    for part in place:
        model = _section_of(model, str(part)) or model
    return model


def _section_of(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The model of a key's value, where that is a section."""
    annotation = model.model_fields[key].annotation if key in model.model_fields else None
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _not_allowed(expected: str, node: Node) -> tuple[str, str]:
    allowed = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    near = did_you_mean(node.text, allowed, cutoff=0.4) if isinstance(node, Scalar) else None
    guess = f"Did you mean {near}? " if near else ""
    return "is not one of the allowed words", f"{guess}Allowed: {', '.join(allowed)}"


def _limit(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
