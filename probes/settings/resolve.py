"""The validated file -> targets. Here defaults, presets and the operator's levels come together."""

from collections import abc
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Final

from pydantic_core import PydanticCustomError

from probes.domain.target import (
    DEFAULT_INTERVAL_SECONDS,
    Protocol,
    Readiness,
    RequestOptions,
    Secret,
    Target,
    TokenParameter,
)
from probes.settings.document import Kind, Mapping, Node, Scalar, find, key_mark
from probes.settings.endpoint import Endpoint, EndpointReader
from probes.settings.expand import Values
from probes.settings.faults import Faults, Path, did_you_mean, shown
from probes.settings.fingerprint import spec_version
from probes.settings.format import File
from probes.settings.layers import Layer, LimitChecker, merged, origin, prices_of
from probes.settings.options import ClientOptions, ModelOptions, Options
from probes.settings.presets import REASONING_MAX_TOKENS, ModelTrait, trait_of
from probes.settings.values import duration_text, target_part

MAX_TARGETS: Final = 5000  # 25 times what the board is built for
_DEFAULT_REQUEST: Final = RequestOptions()

# What the probe must set itself, and the setting that does it; None where nothing does.
RESERVED_BODY_KEYS: Final = {
    "model": "model",
    "messages": "prompt",
    "contents": "prompt",
    "input": "prompt",
    "stream": None,
    "stream_options": "include_usage",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "token_parameter",
    "max_output_tokens": "max_tokens",
    "temperature": "temperature",
    "n": None,
}


_WITH_TOKEN_PARAMETER: Final = (
    Protocol.OPENAI_CHAT,
    Protocol.AZURE_OPENAI_CHAT,
)  # the limit has two names there


@dataclass(slots=True)
class Resolver:
    """Makes targets and collects, on the way, what the redactor and the watcher must know."""

    file: File
    root: Node
    values: Values
    faults: Faults
    directory: FilePath  # of the configuration file
    secrets: list[Secret] = field(default_factory=list)
    key_files: list[FilePath] = field(default_factory=list)
    _places: dict[str, Path] = field(default_factory=dict)  # target id -> where it is given

    def targets(self) -> tuple[Target, ...]:
        self._check_providers()
        self._check_extra_bodies()
        count = sum(len(client.models) for clients in self.file.apis.values() for client in clients.values())
        if count > MAX_TARGETS:
            self.faults.add(
                f"there are {count} models, more than {MAX_TARGETS}",
                "Split them over several agents with files of their own",
                ("apis",),
                key_mark(self.root, ("apis",)),
            )
            return ()
        targets = tuple(self._all_targets())
        if not targets and not self.faults.problems:
            self.faults.warn(
                "no model is configured", "Add one under apis:, as local.example.yaml shows", ("apis",)
            )
        return targets

    def _all_targets(self) -> Iterator[Target]:
        reader = EndpointReader(self.root, self.values, self.faults, self.directory)
        for provider, clients in self.file.apis.items():
            for name, client in clients.items():
                path = ("apis", provider, name)
                yield from self._targets_of(path, client, reader.read(path, client))

    def _targets_of(self, path: Path, client: ClientOptions, endpoint: Endpoint) -> Iterator[Target]:
        self.secrets += endpoint.secrets
        if endpoint.key_file is not None:
            self.key_files.append(endpoint.key_file)
        if not client.models:
            self.faults.warn(
                "the client has no models", "Add models: [NAME]", path, key_mark(self.root, path)
            )
        below = (
            Layer(("defaults",), self.file.defaults),
            Layer((), endpoint.quirks),
            *self._provider_layer(str(path[1])),
            Layer(path, client),
        )
        for index, model in enumerate(client.models):
            place = (*path, "models", index)
            if self.faults.is_spoilt_within(place):
                continue
            target_id = self._target_id(path, place, client, model)
            if target_id is not None:
                yield self._target(target_id, endpoint, (*below, Layer(place, model)))

    def _provider_layer(self, provider: str) -> tuple[Layer, ...]:
        return tuple(
            Layer(("providers", name), options)
            for name, options in self.file.providers.items()
            if name.casefold() == provider.casefold()
        )

    def _target(self, target_id: str, endpoint: Endpoint, layers: tuple[Layer, ...]) -> Target:
        model, path = layers[-1].options, layers[-1].path
        assert isinstance(model, ModelOptions)
        options, limits = merged(layers), LimitChecker(self.root, self.faults)
        readiness, reason = _readiness(options, endpoint)
        interval = options.interval if options.interval is not None else DEFAULT_INTERVAL_SECONDS
        deadlines = limits.deadlines(options.deadlines, layers)
        if deadlines.total_seconds > interval:
            self._warn_of_overlap(layers, interval, deadlines.total_seconds)
        target = Target(
            id=target_id,
            provider=str(path[1]),
            client=str(path[2]),
            model=model.api_name,
            protocol=endpoint.protocol,
            base_url=endpoint.base_url,
            display_name=model.display_name or "",
            readiness=readiness,
            readiness_reason=reason,
            api_key=endpoint.api_key,
            api_version=endpoint.api_version,
            headers=endpoint.headers,
            proxy=endpoint.proxy,
            labels=dict(options.labels or {}),
            interval_seconds=interval,
            deadlines=deadlines,
            thresholds=limits.thresholds(options.thresholds, layers),
            prices=prices_of(options.prices),
            objectives=limits.objectives(options.slo, deadlines, layers),
            options=_request_options(options, model.api_name, endpoint.protocol, layers),
        )
        return replace(target, spec_version=spec_version(target))

    def _target_id(self, path: Path, place: Path, client: ClientOptions, model: ModelOptions) -> str | None:
        """provider/client/model, or None with a fault where that is no id or is taken."""
        self._check_quoting(place)
        mark = find(self.root, place).mark
        try:
            part = model.id or target_part(model.api_name)
        except PydanticCustomError as error:
            context = error.context or {}
            self.faults.add(f"the name {context['message']}", str(context["cure"]), place, mark)
            return None
        target_id = f"{path[1]}/{client.id or path[2]}/{part}"
        if target_id in self._places:
            first = find(self.root, self._places[target_id]).mark.line
            self.faults.add(
                f"{shown(target_id)} is given twice, first in line {first}",
                "Remove one, or give it an id: of its own",
                place,
                mark,
            )
            return None
        self._places[target_id] = place
        return target_id

    def _check_quoting(self, place: Path) -> None:
        """A model named 2024-05-13 or 0x10 is another value to other YAML readers; the file must not depend on that."""
        node = find(self.root, place)
        if isinstance(node, Mapping):
            node = node.entries.get("model", node.entries.get("name", node))
        if isinstance(node, Scalar) and node.kind in (Kind.DATE, Kind.ODD_NUMBER):
            self.faults.add(
                f"{shown(node.text)} is {node.kind.value}, not text",
                f'Put it in quotes: "{node.text[:40]}"',
                place,
                node.mark,
            )

    def _check_providers(self) -> None:
        known = {provider.casefold() for provider in self.file.apis}
        for name in self.file.providers:
            if name.casefold() not in known:
                near = did_you_mean(name, self.file.apis)
                self.faults.warn(
                    f"{shown(name)} is no provider under apis:, so these settings apply to nothing",
                    f"Did you mean {near}?" if near else "Name a provider that stands under apis:",
                    ("providers", name),
                    key_mark(self.root, ("providers", name)),
                )

    def _check_extra_bodies(self) -> None:
        places: list[tuple[Path, Options]] = [(("defaults",), self.file.defaults)]
        places += [(("providers", name), options) for name, options in self.file.providers.items()]
        for provider, clients in self.file.apis.items():
            for name, client in clients.items():
                path: Path = ("apis", provider, name)
                places.append((path, client))
                places += [((*path, "models", i), model) for i, model in enumerate(client.models)]
        for place, options in places:
            for key in (options.extra_body or {}).keys() & RESERVED_BODY_KEYS.keys():
                setting, path = RESERVED_BODY_KEYS[key], (*place, "extra_body", key)
                cure = f"Use the setting {setting}" if setting else "Remove it"
                self.faults.add(f"{key} is set by the probe itself", cure, path, key_mark(self.root, path))

    def _warn_of_overlap(self, layers: tuple[Layer, ...], interval: float, total: float) -> None:
        path = max(origin(layers, "interval"), origin(layers, "deadlines", "total"), key=len)
        self.faults.warn(
            f"an attempt may take {duration_text(total)}, longer than the interval of {duration_text(interval)}: "
            "slots that fall due meanwhile are missed",
            "Lower deadlines.total, or raise interval",
            path,
            key_mark(self.root, path),
        )


def _readiness(options: Options, endpoint: Endpoint) -> tuple[Readiness, str]:
    if options.enabled is False:
        return Readiness.PAUSED, "paused in the configuration"
    if endpoint.reason is not None:
        return Readiness.NOT_CONFIGURED, endpoint.reason
    return Readiness.READY, ""


def _request_options(
    options: Options, model: str, protocol: Protocol, layers: tuple[Layer, ...]
) -> RequestOptions:
    usual, trait = _DEFAULT_REQUEST, trait_of(model)
    body = {key: _plain(value) for key, value in (options.extra_body or {}).items() if value is not None}
    request = RequestOptions(
        max_tokens=usual.max_tokens if options.max_tokens is None else options.max_tokens,
        token_parameter=TokenParameter(options.token_parameter or usual.token_parameter.value),
        include_usage=usual.include_usage if options.include_usage is None else options.include_usage,
        temperature=options.temperature if "temperature" in options.model_fields_set else usual.temperature,
        prompt=options.prompt,
        extra_body=body,
        reuse_connection=options.connection == "reuse",
    )
    if protocol not in _WITH_TOKEN_PARAMETER:
        request = replace(request, token_parameter=TokenParameter.MAX_TOKENS)
    return _with_trait(request, trait, protocol, layers) if trait else request


def _with_trait(
    request: RequestOptions, trait: ModelTrait, protocol: Protocol, layers: tuple[Layer, ...]
) -> RequestOptions:
    """What the family of the model insists on; only the model's own entry overrides it."""
    own = layers[-1]
    if not own.gives("max_tokens"):
        request = replace(request, max_tokens=max(request.max_tokens, REASONING_MAX_TOKENS))
    if trait.rejects_temperature and not own.gives("temperature"):
        request = replace(request, temperature=None)
    if protocol is Protocol.OPENAI_RESPONSES:
        return _with_nested_effort(request, trait, layers)
    if protocol not in _WITH_TOKEN_PARAMETER:
        return _with_lowest(request, trait.lowest.get(protocol, {}), layers)
    if trait.token_parameter and not origin(layers, "token_parameter"):
        request = replace(request, token_parameter=trait.token_parameter)
    is_effort_given = any("reasoning_effort" in (layer.options.extra_body or {}) for layer in layers)
    if trait.effort and not is_effort_given:
        request = replace(request, extra_body={**request.extra_body, "reasoning_effort": trait.effort})
    return request


def _with_nested_effort(
    request: RequestOptions, trait: ModelTrait, layers: tuple[Layer, ...]
) -> RequestOptions:
    """Responses name the effort inside `reasoning`, where an operator may ask for a summary beside it."""
    bodies = [layer.options.extra_body or {} for layer in layers]
    given = next((body["reasoning"] for body in reversed(bodies) if "reasoning" in body), {})
    if trait.effort is None or not isinstance(given, dict) or "effort" in given:
        return request
    reasoning = {"effort": trait.effort, **given}
    return replace(request, extra_body={**request.extra_body, "reasoning": _plain(reasoning)})


def _with_lowest(
    request: RequestOptions, lowest: abc.Mapping[str, object], layers: tuple[Layer, ...]
) -> RequestOptions:
    """What keeps a model from thinking long, as its own protocol words it; a key that the operator gives is his."""
    given = {key for layer in layers for key in layer.options.extra_body or {}}
    body = dict(request.extra_body)
    for key, known in lowest.items():
        theirs = body.get(key)
        if isinstance(known, dict) and isinstance(theirs, dict):
            body[key] = {**known, **theirs}
        elif key not in given:
            body[key] = known
    return replace(request, extra_body=body)


def _plain(value: object) -> object:
    """Without the subclass that marks text from a variable."""
    match value:
        case str():
            return str(value)
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
