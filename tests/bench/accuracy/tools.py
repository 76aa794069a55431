"""GuideLLM and AIPerf, each in an environment of its own, judged by their own reports. `setup` installs them."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.accuracy.errors import Measured
from tests.bench.accuracy.schedule import Pace, Schedule
from tests.peers.installed import place

HERE = Path(__file__).parent
PROMPT = "Count upward in words."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a tool is to run, and a directory of its own to leave its report in."""

    environment: Path
    url: str
    model: str
    schedule: Schedule
    pace: Pace
    directory: Path


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    package: str
    command: Callable[[Asked], Sequence[str | Path]]
    report: Callable[[Path], Iterator[Measured]]

    def installed(self) -> Path | None:
        directory = place(
            self.package, [HERE / "tools" / f"{self.package}.txt", HERE / "tools" / "tokenizer.py"]
        )
        return directory if (directory / ".complete").exists() else None

    @property
    def pin(self) -> str:
        lines = (HERE / "tools" / f"{self.package}.txt").read_text("utf-8").splitlines()
        return next(line for line in lines if line.startswith(f"{self.package}==")).replace("==", " ")


def environment(certificate: str) -> dict[str, str]:
    """Nothing of ours reaches a tool but what it needs to run."""
    passed_on = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return passed_on | {"SSL_CERT_FILE": certificate, "NO_COLOR": "1"}


def prompts(asked: Asked, line: dict[str, object]) -> Path:
    """Enough of one and the same prompt, as JSON lines."""
    file = asked.directory / "prompts.jsonl"
    file.write_text((json.dumps(line) + "\n") * asked.pace.total, "utf-8")
    return file


def guidellm_command(asked: Asked) -> Sequence[str | Path]:
    data = prompts(asked, {"prompt": PROMPT, "output_tokens_count": asked.schedule.tokens})
    return (
        asked.environment / "bin" / "guidellm",
        "run",
        *("--backend", f"kind=openai_http,target={asked.url},model={asked.model}"),
        *("--profile", f"kind=concurrent,streams={asked.pace.streams}"),
        *("--constraint", f"kind=max_requests,count={asked.pace.total}"),
        *("--tokenizer", f"kind=huggingface_auto,model={asked.environment / 'tokenizer'}"),
        *("--data", f"kind=json_file,path={data}"),
        *("--output", f"kind=json,path={asked.directory / 'report.json'}"),
        "--disable-console",
    )


def guidellm_report(directory: Path) -> Iterator[Measured]:
    report = json.loads((directory / "report.json").read_text("utf-8"))
    for one in report["benchmarks"][0]["requests"]["successful"]:
        yield Measured(
            id=one["response_id"] or "",
            ttft_seconds=_seconds(one["time_to_first_token_ms"]),
            # Its time_per_output_token includes the first token's wait; this is what the others mean by TPOT.
            tpot_seconds=_seconds(one["inter_token_latency_ms"]),
            total_seconds=one["request_latency"],
        )


def aiperf_command(asked: Asked) -> Sequence[str | Path]:
    data = prompts(asked, {"text": PROMPT, "output_length": asked.schedule.tokens})
    return (
        asked.environment / "bin" / "aiperf",
        "profile",
        *("--model-names", asked.model),
        *("--url", asked.url),
        *("--endpoint-type", "chat", "--streaming", "--use-server-token-count"),
        *("--concurrency", str(asked.pace.streams), "--request-count", str(asked.pace.total)),
        *("--tokenizer", asked.environment / "tokenizer"),
        *("--input-file", data, "--custom-dataset-type", "single-turn"),
        *("--artifact-dir", asked.directory / "report", "--export-level", "records", "--ui", "none"),
    )


def aiperf_report(directory: Path) -> Iterator[Measured]:
    with (directory / "report" / "profile_export.jsonl").open(encoding="utf-8") as lines:
        for one in map(json.loads, lines):
            metrics: dict[str, Any] = {
                name: metric["value"] for name, metric in (one["metrics"] or {}).items()
            }
            gaps = metrics.get("inter_chunk_latency")
            yield Measured(
                id=one["metadata"]["x_request_id"],
                ttft_seconds=_seconds(metrics.get("time_to_first_token")),
                gaps_seconds=None if gaps is None else [gap / 1000 for gap in gaps],
                tpot_seconds=_seconds(metrics.get("inter_token_latency")),
                total_seconds=_seconds(metrics.get("request_latency")),
            )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("GuideLLM", "guidellm", guidellm_command, guidellm_report),
        Tool("AIPerf", "aiperf", aiperf_command, aiperf_report),
    )
}
