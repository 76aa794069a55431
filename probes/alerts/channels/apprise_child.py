"""The one place that imports Apprise. Run as a script: an order as JSON on stdin, the answer as JSON on stdout.

{"judge": [ADDRESS, ...]} -> [FAULT or null, ...]; {"send": {url, title, body, type}} -> FAULT or null.
"""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import apprise

_UNKNOWN = "the value is not an address that Apprise knows"
_REFUSED = "the value is not a complete address of that service"
_MAX_FAULT_LENGTH = 300


def _service(url: str) -> Any:
    """None when Apprise cannot make a service of it; secure logging keeps the address out of messages."""
    asset = apprise.AppriseAsset(app_id="FirstToken", app_desc="FirstToken alerts", secure_logging=True)
    return apprise.Apprise.instantiate(url, asset=asset)


def _judge(url: str) -> str | None:
    if _service(url) is not None:
        return None
    scheme = url.partition("://")[0].lower()
    known = {name for one in apprise.Apprise().details()["schemas"] for name in _schemes(one)}
    return _REFUSED if scheme in known else _UNKNOWN


def _schemes(service: Any) -> Iterator[str]:
    for key in ("protocols", "secure_protocols"):
        yield from service.get(key) or ()


def _send(order: dict[str, str]) -> str | None:
    service = _service(order["url"])
    if service is None:
        return _UNKNOWN
    sender = apprise.Apprise()
    sender.add(service)
    said: list[str] = []
    result = sender.notify(
        body=order["body"],
        title=order["title"],
        notify_type=apprise.NotifyType(order["type"]),
        body_format=apprise.NotifyFormat.TEXT,  # services that show HTML or Markdown escape it
        log_callback=lambda entry, _service: said.append(str(getattr(entry, "message", entry))),
        log_level=logging.WARNING,
    )
    if result:  # an object of Apprise 2, not a bool; no service at all counts as failure
        return None
    return "; ".join(dict.fromkeys(said))[:_MAX_FAULT_LENGTH] or "the service refused it"


def main() -> None:
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)  # a measurement goes first
    logging.disable(logging.NOTSET)
    answer = sys.stdout
    order = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):  # plug-ins may print
        told = [_judge(url) for url in order["judge"]] if "judge" in order else _send(order["send"])
    json.dump(told, answer)


if __name__ == "__main__":
    main()
