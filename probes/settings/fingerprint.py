"""Short hashes that tell when a change of ours starts a new series. No secret's value goes in."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final
from urllib.parse import urlsplit

from probes.domain.target import Secret, Target
from probes.settings.model import Settings
from probes.settings.readiness import is_sensitive_header

_FIRST_PICKED_PORT: Final = 32768  # of Linux; other systems begin higher


def fingerprint(content: object) -> str:
    """12 hexadecimal digits over JSON-like content, independent of the order of keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def spec_version(target: Target) -> str:
    """Over all that changes what is measured.

    Left out: names, labels, prices, keys, the interval; and thresholds and objectives, which judge times only.
    """
    return fingerprint(
        {
            "protocol": target.protocol.value,
            "base_url": _address(target.base_url),
            "api_version": target.api_version,
            "model": target.model,
            "headers": _harmless(target.headers),
            "proxy": _host(target.proxy),
            "options": asdict(target.options),
            "deadlines": asdict(target.deadlines),
        }
    )


def settings_version(settings: Settings) -> str:
    """Over the meaning of the whole file: comments, order and the values of secrets do not count."""
    return fingerprint(
        {
            "targets": sorted(_target(target) for target in settings.targets),
            "web": _public(asdict(settings.web)),
            "store": _public(asdict(settings.store)),
            "retention": asdict(settings.retention),
            "agent": asdict(settings.agent),
            "maintenance": [asdict(rule) for rule in settings.maintenance],
            "simulator": asdict(settings.simulator) if settings.simulator else None,
            "alerts": repr(settings.alerts),  # a secret shows itself to nobody
            "telemetry": repr(settings.telemetry),
        }
    )


def _target(target: Target) -> str:
    return fingerprint(
        {
            "id": target.id,
            "spec": target.spec_version,
            "readiness": target.readiness.value,
            "display_name": target.display_name,
            "labels": dict(target.labels),
            "interval": target.interval_seconds,
            "thresholds": asdict(target.thresholds),
            "objectives": asdict(target.objectives),
            "prices": asdict(target.prices),
        }
    )


def _public(values: Mapping[str, object]) -> dict[str, object]:
    return {name: isinstance(value, Secret) or value for name, value in values.items()}


def _address(url: str | None) -> str | None:
    """Without a loopback port that the system picked: such a server is the same at its next start, as in the demo."""
    parts = urlsplit(url or "")
    if parts.hostname == "127.0.0.1" and (parts.port or 0) >= _FIRST_PICKED_PORT:
        return parts._replace(netloc=parts.hostname).geturl()
    return url


def _harmless(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(
        (name.lower(), "" if is_sensitive_header(name) else value) for name, value in headers.items()
    )


def _host(proxy: Secret | None) -> str | None:
    if proxy is None:
        return None
    parts = urlsplit(proxy.reveal())
    return f"{parts.hostname}:{parts.port}"
