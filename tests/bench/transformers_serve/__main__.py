"""Probes `transformers serve` with a model of random weights, and prints what the records say beside what was asked.

    tests/bench/accuracy/setup && tests/bench/transformers_serve/setup   # once, seven gigabytes
    python -m tests.bench.transformers_serve

A model of random weights hardly ever ends by itself: it has to give as many tokens as it is allowed, and to say so.
The last column is what the same server says to a reader that has nothing of ours.
"""

import json
import re
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from probes.domain.result import ProbeResult
from tests.peers.installed import place
from tests.peers.launch import Launch, running
from tests.prober.asking import a_target, running_prober

HERE = Path(__file__).parent
LIMITS = (16, 48, 200)
PROBES = 5
PROMPT = "one two three"  # one of our own, for random weights answer no question
PATIENCE_SECONDS = 120.0


def main() -> int:
    home = place("transformers", [HERE / "serving.txt", HERE / "tiny_model.py"])
    if not (home / ".complete").exists():
        print(
            "transformers serve is not installed: run tests/bench/transformers_serve/setup", file=sys.stderr
        )
        return 1
    model = str(home / "tiny")
    launch = Launch(
        [home / "bin/python", "-m", "transformers.cli.transformers", "serve", model, "--port", "0"],
        announces=re.compile(r"Uvicorn running on (http://\S+)"),
        environment={"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"},
        patience_seconds=PATIENCE_SECONDS,
    )
    print(
        "| asked tokens | probes | ok | tokens told | finish | chunks | quality | TTFT ms | stream read plainly |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    agreed = True
    with (
        tempfile.TemporaryDirectory() as directory,
        running(launch, Path(directory, "server.log")) as url,
        running_prober() as prober,
    ):
        for limit in LIMITS:
            target = a_target(url, model=model, max_tokens=limit, prompt=PROMPT)
            results = [prober.probe(target) for _ in range(PROBES)]
            tokens, finish = read_plainly(url, model, limit)
            print(row(limit, results, f"{tokens} tokens, {finish}"))
            agreed &= all(r.output_tokens == tokens and r.finish_reason == finish for r in results)
    print("agreed" if agreed else "DISAGREED")
    return 0 if agreed else 1


def row(limit: int, results: Sequence[ProbeResult], plainly: str) -> str:
    def each(values: Sequence[object]) -> str:
        return ", ".join(sorted({str(value) for value in values}))

    ttft = sorted(r.ttft_seconds for r in results if r.ttft_seconds is not None)
    middle = f"{ttft[len(ttft) // 2] * 1000:.1f}" if ttft else "-"
    cells = (
        limit,
        len(results),
        sum(r.outcome == "ok" for r in results),
        each([r.output_tokens for r in results]),
        each([r.finish_reason for r in results]),
        each([r.chunks for r in results]),
        each([r.quality for r in results]),
        middle,
        plainly,
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def read_plainly(url: str, model: str, limit: int) -> tuple[int, str]:
    """Tokens and finish reason that the server's own words give, with nothing of ours between."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": limit,
        "stream": True,
    }
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    tokens, finish = 0, ""
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        for line in answer:
            if line.startswith(b"data: {"):
                chunk = json.loads(line.removeprefix(b"data: "))
                tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
                finish = chunk["choices"][0].get("finish_reason") or finish
    return tokens, finish


if __name__ == "__main__":
    sys.exit(main())
