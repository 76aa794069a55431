"""One client of the file -> where and how to reach it: protocol, address, key, headers, what its server insists on."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Final
from urllib.parse import urlsplit

from probes.domain.target import Protocol, Secret
from probes.settings.document import Node, key_mark
from probes.settings.expand import Values
from probes.settings.faults import Faults, Path, did_you_mean, shown
from probes.settings.options import ClientOptions, Options
from probes.settings.presets import AZURE_API_VERSION, Preset, preset_names, preset_of
from probes.settings.quirks import quirks_of
from probes.settings.readiness import (
    Key,
    carries_key,
    is_placeholder_address,
    is_secret,
    is_sensitive_header,
    judge_key,
    key_from_file,
)

_AZURE_CURE: Final = (
    "Give the resource alone, https://NAME.openai.azure.com; the deployment's name is the model"
)


_ADDED: Final = "the address holds what the protocol adds"
_MISTAKES: Final = {  # how the path of an address shows that it is not the one meant
    Protocol.OPENAI_CHAT: (
        (re.compile(r"/chat/completions$"), "the address names one operation", "Leave out /chat/completions"),
    ),
    Protocol.OPENAI_RESPONSES: (
        (re.compile(r"/responses$"), "the address names one operation", "Leave out /responses"),
    ),
    Protocol.ANTHROPIC_MESSAGES: (
        (re.compile(r"/v1(/messages)?$"), _ADDED, "Leave out /v1 and /v1/messages"),
    ),
    Protocol.GEMINI_GENERATE_CONTENT: (
        (re.compile(r"/openai$"), "this address speaks openai_chat", "Leave out /openai"),
        (re.compile(r"/models\b|:\w+$"), _ADDED, "End it with /v1beta"),
        (re.compile(r"^$"), "the address lacks the API's version", "Add /v1beta"),
    ),
    Protocol.OLLAMA_CHAT: (
        (re.compile(r"/v1$"), "this address speaks openai_chat", "Leave out /v1"),
        (re.compile(r"/api(/chat)?$"), _ADDED, "Leave out /api and /api/chat"),
    ),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`reason` tells why it cannot be probed; None when it can."""

    protocol: Protocol
    base_url: str | None
    quirks: Options  # what the server insists on; between the global defaults and the operator's for this provider
    reason: str | None = None
    api_key: Secret | None = None
    api_version: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    proxy: Secret | None = None
    secrets: tuple[Secret, ...] = ()
    key_file: FilePath | None = None


@dataclass(frozen=True, slots=True)
class EndpointReader:
    root: Node
    values: Values
    faults: Faults
    directory: FilePath  # of the configuration file

    def read(self, path: Path, client: ClientOptions) -> Endpoint:
        """The client at `path` ("apis", provider, client); what does not fit together becomes a fault."""
        preset = preset_of(str(path[1]))
        protocol = _protocol(client, preset)
        url = self._address(path, client, preset, protocol)
        headers = dict(client.headers or {})
        key, key_file = self._key(path, client, is_needed=_needs_key(preset, headers))
        if key.value is not None and url is not None:
            self._warn_of_open_key(path, url)
        is_azure = protocol is Protocol.AZURE_OPENAI_CHAT
        return Endpoint(
            protocol=protocol,
            base_url=url,
            quirks=_quirks(preset, protocol, url),
            reason=self._reason(path, key, url),
            api_key=Secret(key.value) if key.value is not None else None,
            api_version=client.api_version or (AZURE_API_VERSION if is_azure else None),
            headers=headers,
            proxy=Secret(client.proxy) if client.proxy else None,
            secrets=self._secrets(path, client, key),
            key_file=key_file,
        )

    def _address(
        self, path: Path, client: ClientOptions, preset: Preset | None, protocol: Protocol
    ) -> str | None:
        name = "endpoint" if client.endpoint is not None else "base_url"
        if client.endpoint is not None and client.base_url is not None:
            self._fault((*path, "endpoint"), "base_url and endpoint are both given", "Keep one of them")
        given = client.base_url or client.endpoint
        if given is not None:
            self._check_address((*path, name), given, protocol)
            return given
        known = preset.url_for(protocol) if preset else None
        is_open = any(self.values.missing.get((*path, key)) for key in ("base_url", "endpoint"))
        is_open = is_open or any(
            self.faults.is_spoilt_within((*path, key)) for key in ("base_url", "endpoint", "protocol")
        )
        if known is None and client.models and not is_open:
            self._fault_no_address(path, preset, protocol)
        return None if is_open else known

    def _check_address(self, path: Path, url: str, protocol: Protocol) -> None:
        end = urlsplit(url).path
        for pattern, message, cure in _MISTAKES.get(protocol, ()):
            if pattern.search(end):
                self._fault(path, message, cure)
        match protocol:
            case Protocol.OPENAI_RESPONSES:
                self._check_responses_address(path, url)
            case Protocol.AZURE_OPENAI_CHAT:
                if end.endswith("/openai/v1"):
                    self._fault(
                        path,
                        "this is Azure's v1 address, which speaks openai_chat and openai_responses",
                        "Add protocol: with one of them, or give the resource alone: https://NAME.openai.azure.com",
                    )
                elif "/openai" in end:
                    self._fault(path, _ADDED, _AZURE_CURE)

    def _check_responses_address(self, path: Path, url: str) -> None:
        parts = urlsplit(url)
        is_azure = (parts.hostname or "").endswith(".openai.azure.com")
        if is_azure and not parts.path.endswith(("/openai/v1", "/responses")):
            self._fault(
                path, "Azure speaks openai_responses at its v1 address", "Add /openai/v1 to the resource"
            )

    def _fault_no_address(self, path: Path, preset: Preset | None, protocol: Protocol) -> None:
        provider = str(path[1])
        if preset is not None and protocol is Protocol.AZURE_OPENAI_CHAT:
            self._fault(path, "the client has no endpoint", "Add endpoint: https://NAME.openai.azure.com")
        elif preset is not None:
            self._fault(
                path, f"no address of {shown(provider)} is known for {protocol.value}", "Add base_url:"
            )
        else:
            near = did_you_mean(provider, preset_names())
            guess = f"Did you mean {near}? Otherwise add" if near else "Add"
            self._fault(
                path[:2],
                f"{shown(provider)} is not a known provider, and client {shown(str(path[2]))} has no base_url",
                f"{guess} base_url: https://host/v1",
            )

    def _key(self, path: Path, client: ClientOptions, *, is_needed: bool) -> tuple[Key, FilePath | None]:
        gives = client.model_fields_set
        if client.api_key_file is not None and "api_key" in gives:
            self._fault(
                (*path, "api_key_file"), "api_key and api_key_file are both given", "Keep one of them"
            )
        if client.api_key_file is not None:
            key_file = self.directory / client.api_key_file
            written = shown(client.api_key_file)
            return key_from_file(key_file, written=written, is_needed=is_needed), key_file
        text = (client.api_key or "") if "api_key" in gives else None
        return judge_key(text, is_needed=is_needed), None

    def _reason(self, path: Path, key: Key, url: str | None) -> str | None:
        if name := self.values.missing_by_client.get(path):
            return f"environment variable {name} is not set"
        if url is not None and is_placeholder_address(url):
            return "the address is a placeholder"
        return key.reason

    def _secrets(self, path: Path, client: ClientOptions, key: Key) -> tuple[Secret, ...]:
        texts = [key.value, client.api_key and client.api_key.strip()]
        for name, value in (client.headers or {}).items():
            if is_sensitive_header(name) or (*path, "headers", name) in self.values.expanded:
                texts += [value, value.rpartition(" ")[2]]  # "Bearer abc" leaks as "abc" too
        if client.proxy:
            texts += [client.proxy, urlsplit(client.proxy).password]
        return tuple(Secret(text) for text in texts if text and is_secret(text))

    def _warn_of_open_key(self, path: Path, url: str) -> None:
        if url.startswith("http://") and not _is_private(urlsplit(url).hostname or ""):
            self.faults.warn(
                "the key travels over unencrypted http",
                "Use https://",
                (*path, "base_url"),
                key_mark(self.root, (*path, "base_url")),
            )

    def _fault(self, path: Path, message: str, cure: str) -> None:
        self.faults.add(message, cure, path, key_mark(self.root, path))


def _protocol(client: ClientOptions, preset: Preset | None) -> Protocol:
    if client.protocol is not None:
        return Protocol(client.protocol)
    return preset.protocol if preset else Protocol.OPENAI_CHAT


def _needs_key(preset: Preset | None, headers: Mapping[str, str]) -> bool:
    """Of a server that nobody knows here, only the operator can say: no api_key means that none is needed."""
    return preset is not None and preset.needs_key and not carries_key(headers)


def _quirks(preset: Preset | None, protocol: Protocol, url: str | None) -> Options:
    """What is known of the server; not for another server under the provider's name, which may know no such words."""
    given = quirks_of(protocol)
    if preset is not None and _is_own_server(preset, protocol, url):
        given |= quirks_of(preset.name)
    return Options().model_copy(update=given)


def _is_own_server(preset: Preset, protocol: Protocol, url: str | None) -> bool:
    if protocol is Protocol.AZURE_OPENAI_CHAT or url is None:
        return True
    native = preset.native[1] if preset.native is not None else None
    own = (preset.base_url, preset.anthropic_url, native, *preset.other_urls)
    return urlsplit(url).hostname in {urlsplit(known).hostname for known in own if known}


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan", ".localhost"))
