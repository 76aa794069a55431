"""Our own JSON to an address of the operator's, signed as Standard Webhooks says (standardwebhooks.com), so that its
libraries verify it in any language.

Headers: `webhook-id` (the same over retries), `webhook-timestamp` (Unix seconds), and with a secret
`webhook-signature: v1,BASE64`, the HMAC-SHA256 of "ID.TIMESTAMP.BODY". A secret "whsec_BASE64" stands for the bytes
that its rest encodes, any other for its own UTF-8 bytes.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from probes.alerts.channels.post import post_body, to_json
from probes.alerts.message import Message
from probes.domain.incident import Affected, Incident
from probes.settings.alerts import Channel

_PREFIX: Final = "whsec_"


def send_to_webhook(channel: Channel, message: Message) -> None:
    body = to_json(content_of(message))
    timestamp = str(int(message.at.timestamp()))
    headers = {"webhook-id": message.id, "webhook-timestamp": timestamp}
    if channel.secret is not None:
        headers["webhook-signature"] = signature(channel.secret.reveal(), message.id, timestamp, body)
    post_body(channel.url.reveal(), body, headers)


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()


def content_of(message: Message) -> Mapping[str, object]:
    return {
        "type": f"alert.{message.kind.value if message.kind is not None else 'test'}",
        "id": message.id,
        "timestamp": message.at.isoformat(),
        "channel": message.channel,
        "severity": message.severity.value if message.severity is not None else None,
        "title": message.title,
        "text": message.body,
        "incidents": [
            {"kind": item.kind.value, **_incident(item.incident), "link": message.link(item.incident)}
            for item in message.items
        ],
    }


def _incident(incident: Incident) -> dict[str, object]:
    return {
        "id": incident.id,
        "provider": incident.provider,
        "severity": incident.severity.value,
        "cause": incident.cause.value,
        "is_open": incident.is_open,
        "is_acknowledged": incident.acknowledged_at is not None,
        "started_at": incident.started_at.isoformat(),
        "detected_at": incident.detected_at.isoformat(),
        "ended_at": incident.ended_at.isoformat() if incident.ended_at else None,
        "duration_seconds": incident.time_to_recover_seconds,
        "affected": [_part(part) for part in incident.affected],
    }


def _part(part: Affected) -> dict[str, object]:
    return {
        "target": part.target,
        "severity": part.severity.value,
        "reason": {"key": part.reason.key, **dict(part.reason.params)},
        "started_at": part.started_at.isoformat(),
        "ended_at": part.ended_at.isoformat() if part.ended_at else None,
    }
