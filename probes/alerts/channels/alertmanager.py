"""The webhook payload of Prometheus Alertmanager, version "4": one alert a model of each incident, for the many
receivers that read nothing else. https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from probes.alerts.channels.post import post_json
from probes.alerts.message import Message
from probes.alerts.planning import Kind
from probes.alerts.settling import Item
from probes.alerts.words import SEVERITIES
from probes.domain.incident import Affected
from probes.settings.alerts import Channel

VERSION: Final = "4"
ALERT_NAME: Final = "LLMIncident"
_NEVER: Final = "0001-01-01T00:00:00Z"  # Go's zero time: it still fires

Labels = dict[str, str]


def send_to_alertmanager(channel: Channel, message: Message) -> None:
    headers = {"Authorization": f"Bearer {channel.secret.reveal()}"} if channel.secret is not None else {}
    post_json(channel.url.reveal(), payload_of(message), headers)


def payload_of(message: Message) -> Mapping[str, object]:
    alerts = [alert for item in message.items for alert in _alerts(item, message)] or [_test(message)]
    is_firing = any(alert["status"] == "firing" for alert in alerts)
    return {
        "version": VERSION,
        "groupKey": f'{{}}:{{channel="{message.channel}"}}',
        "truncatedAlerts": 0,
        "status": "firing" if is_firing else "resolved",
        "receiver": message.channel,
        "groupLabels": {},
        "commonLabels": _common([_text_pairs(alert["labels"]) for alert in alerts]),
        "commonAnnotations": {"summary": message.title},
        "externalURL": message.public_url or "",
        "alerts": alerts,
    }


def _alerts(item: Item, message: Message) -> Iterator[dict[str, object]]:
    incident = item.incident
    for part in incident.affected:
        is_over = part.ended_at is not None
        identity = {"alertname": ALERT_NAME, "incident": incident.id, "provider": incident.provider}
        identity["target"] = part.target
        yield {
            "status": "resolved" if is_over else "firing",
            "labels": {**identity, "severity": part.severity.value},
            "annotations": {"summary": _summary(item, part), "description": message.body},
            "startsAt": _rfc3339(part.started_at),
            "endsAt": _rfc3339(part.ended_at) if part.ended_at is not None else _NEVER,
            "generatorURL": message.link(incident) or "",
            "fingerprint": _fingerprint(identity),
        }


def _summary(item: Item, part: Affected) -> str:
    what = "flapping" if item.kind is Kind.FLAPPING else SEVERITIES[part.severity][0].lower()
    return f"{part.target}: {'over' if part.ended_at is not None else what}"


def _test(message: Message) -> dict[str, object]:
    identity = {"alertname": "FirstTokenTest"}
    return {
        "status": "resolved",  # so that nobody is woken by a test, or has to end it
        "labels": {**identity, "severity": "none"},
        "annotations": {"summary": message.title, "description": message.body},
        "startsAt": _rfc3339(message.at),
        "endsAt": _rfc3339(message.at),
        "generatorURL": message.public_url or "",
        "fingerprint": _fingerprint(identity),
    }


def _fingerprint(identity: Labels) -> str:
    """16 hexadecimal digits; without the severity, for that may change while the alert stays the same."""
    text = "\n".join(f"{name}={value}" for name, value in sorted(identity.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _common(labels: Sequence[Labels]) -> Labels:
    shared = set.intersection(*(set(one.items()) for one in labels))
    return dict(sorted(shared))


def _text_pairs(labels: object) -> Labels:
    assert isinstance(labels, dict)
    return labels


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
