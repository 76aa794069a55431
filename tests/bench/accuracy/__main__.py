"""Prints how far measured times are from the truth, for our prober, plain SDK loops, GuideLLM and AIPerf.

    python -m tests.bench.accuracy [--full] [--way NAME ...] [--streams 1,100] [--json FILE]

Each run is a process of its own against one truth server; all have the same schedule. Errors are in ms, median / p95.
Nothing is asserted: a bench prints. --full takes about a quarter of an hour.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.accuracy import plan
from tests.bench.accuracy.plan import Beside, Case
from tests.bench.accuracy.run import SCHEDULE, Bench, Row
from tests.bench.accuracy.table import document, losses, ratios, table, truth_line, verdicts
from tests.bench.accuracy.tools import TOOLS
from tests.bench.accuracy.truth import NoTruthError, truth_server
from tests.bench.accuracy.ways import IN_THREADS, ON_A_LOOP
from tests.bench.accuracy.web_load import web_role

LIMIT_SECONDS = 14 * 60.0  # of the whole; what is left then is not run, and said so


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--full", action="store_true", help="every row of the README's table")
    parser.add_argument(
        "--way", action="append", choices=[*ON_A_LOOP, *IN_THREADS, *TOOLS], help="only this one; repeatable"
    )
    parser.add_argument("--streams", help="only these, e.g. 1,100")
    parser.add_argument("--beside", action="append", choices=list(Beside), help="only this; repeatable")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    return parser.parse_args(arguments)


def cases(chosen: argparse.Namespace) -> list[Case]:
    streams = {int(number) for number in chosen.streams.split(",")} if chosen.streams else None
    ways = set(chosen.way) if chosen.way else None
    every = plan.full() if chosen.full or chosen.way or chosen.beside else plan.quick()
    return [
        case
        for case in plan.chosen(every, ways, streams)
        if not chosen.beside or case.beside in chosen.beside
    ]


def about() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "load_average": os.getloadavg(),
        "tools": {tool.name: tool.pin for tool in TOOLS.values() if tool.installed()},
    }


def rows(wanted: Sequence[Case], directory: Path) -> Iterator[Row]:
    """One a case, as they come. Raises NoTruthError."""
    deadline = time.monotonic() + LIMIT_SECONDS
    needs_web = any(case.beside is Beside.WEB for case in wanted)
    with contextlib.ExitStack() as stack:
        truth = stack.enter_context(truth_server(directory))
        board = stack.enter_context(web_role(directory)) if needs_web else None
        bench = Bench(truth, board, directory)
        for number, case in enumerate(wanted, start=1):
            if time.monotonic() > deadline:
                print(f"out of time: {len(wanted) - number + 1} runs left out", file=sys.stderr)
                return
            print(f"[{number}/{len(wanted)}] {case.title}", file=sys.stderr, flush=True)
            yield bench.run(case, number)


def report(made: Sequence[Row], facts: dict[str, Any]) -> str:
    absent = [f"{tool.name}: not installed (tests/bench/accuracy/setup)" for tool in TOOLS.values()]
    installed = facts["tools"]
    first, fifteen = facts["load_average"][0], facts["load_average"][2]
    return "\n".join(
        (
            f"{facts['at']}, {facts['cores']} cores, Python {facts['python']}, "
            f"load average {first:.1f} at the start (15 min: {fifteen:.1f}); {', '.join(installed.values())}",
            f"schedule: {SCHEDULE.tokens} tokens, the first after {SCHEDULE.first_ms} ms, "
            f"then one each {SCHEDULE.gap_ms} ms; errors in ms, median / p95; CPU in ms a stream, µs a token",
            truth_line(made),
            "",
            table(made),
            "",
            *verdicts(made),
            *losses(made),
            "",
            "other : ours",
            *ratios(made),
            *(line for line, name in zip(absent, TOOLS, strict=True) if name not in installed),
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = options(arguments)
    facts, made = about(), []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what there is by then is printed
    try:
        with tempfile.TemporaryDirectory() as directory:
            for one in rows(cases(chosen), Path(directory)):
                made.append(one)
    except (NoTruthError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; this is what there is", file=sys.stderr)
    print(report(made, facts))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(document(made, facts), indent=1, default=str) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
