"""Apprise, in a process of its own for as long as a message takes.

Its import with all plug-ins costs a second of CPU and about 40 MB, which must neither disturb a measurement nor stay;
and a service that hangs can be killed. Addresses go through a pipe, never through arguments or the environment.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from probes.alerts.channels.post import SendError
from probes.alerts.message import Message
from probes.alerts.planning import Kind
from probes.domain.incident import Severity
from probes.settings.alerts import Channel

TIMEOUT_SECONDS: Final = 40.0
CHILD: Final = Path(__file__).with_name("apprise_child.py")
_judged: dict[str, str | None] = {}  # by address, of this process: a reload asks only for new ones


def send_through_apprise(channel: Channel, message: Message) -> None:
    order = {
        "url": channel.url.reveal(),
        "title": message.title,
        "body": message.body,
        "type": _type_of(message),
    }
    fault = _ask({"send": order}, TIMEOUT_SECONDS)
    if fault is not None:
        raise SendError(str(fault))


def judge_addresses(urls: Sequence[str]) -> tuple[str | None, ...]:
    """For each why Apprise cannot use it, None for a good one. Nothing is sent."""
    new = [url for url in dict.fromkeys(urls) if url not in _judged]
    if new:
        try:
            faults = _ask({"judge": new}, TIMEOUT_SECONDS)
        except SendError as error:
            return tuple(f"the address could not be checked: {error}" for _ in urls)
        _judged.update(zip(new, faults, strict=True))
    return tuple(_judged[url] for url in urls)


def _type_of(message: Message) -> str:
    """Apprise's own words, which choose colours and icons."""
    if message.kind is Kind.RECOVERY:
        return "success"
    if message.kind is None:
        return "info"
    return "failure" if message.severity is Severity.DOWN else "warning"


def _ask(order: object, timeout_seconds: float) -> Any:
    """The child's answer. Raises SendError when there is none in time."""
    command = [sys.executable, "-P", str(CHILD)]  # -P: this directory has an apprise of its own
    try:
        ran = subprocess.run(  # noqa: S603 - our own interpreter and file
            command,
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
            start_new_session=True,  # Ctrl-C reaches only us
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
    except subprocess.TimeoutExpired:
        raise SendError("no answer in time") from None
    except OSError as error:
        raise SendError(f"the sending process cannot start: {type(error).__name__}") from None
    try:
        return json.loads(ran.stdout)
    except ValueError:
        raise SendError(f"the sending process ended with code {ran.returncode}") from None
