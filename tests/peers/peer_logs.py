"""What the servers themselves say of the requests that they got, since a moment in their logs."""

import json
import re
import urllib.request
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.waiting import wait_until

_ACCESS: Final = re.compile(r'"POST (/v1/\S+) HTTP/1.1" (\d{3})')
_EVALUATED: Final = re.compile(r"prompt eval time = .*? / +(\d+) tokens")
_GENERATED: Final = re.compile(r"\| +eval time = .*? / +(\d+) tokens")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A request as aimock kept it. `status` 0: it hung up; a fixture field is None where the fixture lacks it."""

    request_id: str
    at: datetime
    path: str
    model: str
    is_from_relay: bool
    status: int
    is_cut: bool
    max_tokens: int | None
    ttft_seconds: float | None
    frames_per_second: float | None
    input_tokens: int | None
    output_tokens: int | None


def aimock_journal(url: str) -> list[JournalEntry]:
    """Every request in the order of arrival."""
    with urllib.request.urlopen(f"{url}/v1/_requests", timeout=10) as response:
        return [_entry(raw) for raw in json.load(response)]


def _entry(raw: dict[str, Any]) -> JournalEntry:
    response, body = raw["response"], raw["body"]
    fixture = response.get("fixture") or {}
    pace = fixture.get("streamingProfile", {})
    answer = fixture.get("response", {})
    usage = answer.get("usage", {}) if isinstance(answer, dict) else {}
    return JournalEntry(
        request_id=raw["headers"]["x-request-id"],
        at=datetime.fromtimestamp(raw["timestamp"] / 1000, UTC),
        path=raw["path"].partition("?")[0],
        model=body["model"],
        is_from_relay=raw["headers"].get("accept-encoding") != "identity",  # a probe asks for nothing packed
        status=response["status"],
        is_cut=response.get("interrupted", False),
        max_tokens=body.get("max_tokens", body.get("max_completion_tokens")),
        ttft_seconds=pace["ttft"] / 1000 if pace else None,
        frames_per_second=pace.get("tps"),
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
    )


@dataclass(frozen=True, slots=True)
class LogMark:
    """A place in a log that still grows."""

    log: Path
    offset: int

    @classmethod
    def end_of(cls, log: Path) -> "LogMark":
        return cls(log, log.stat().st_size)

    def since(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self.offset)
            return log.read().decode("utf-8", "replace")


def answered_by_litellm(mark: LogMark) -> Counter[tuple[str, int]]:
    """How many requests it answered, by path and status."""
    return Counter((path, int(status)) for path, status in _ACCESS.findall(mark.since()))


@dataclass(frozen=True, slots=True)
class Inference:
    """Sums over requests. `evaluated` leaves out what a prompt cache answered."""

    requests: int
    evaluated_tokens: int
    generated_tokens: int


def inferred_by_llamacpp(mark: LogMark, requests: int) -> Inference:
    """What it says to have worked, once it has told of so many requests: it writes its log a moment later."""
    wait_until(
        f"the timings of {requests} requests", lambda: len(_GENERATED.findall(mark.since())) >= requests
    )
    said = mark.since()
    generated = [int(tokens) for tokens in _GENERATED.findall(said)]
    return Inference(len(generated), sum(map(int, _EVALUATED.findall(said))), sum(generated))
