"""Prints what / and /kanban cost with 200 targets and 90 days, gzip included: `python -m tests.bench.board_bench`.

The budget is 50 ms at p95. Processor time is measured, for a busy machine would measure its neighbours. Building the
store takes half a minute; it is kept for the next run when a file is given as argument.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from flask import Flask

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.domain.target import Target
from probes.log import Redactor
from probes.settings.model import WebSettings
from probes.store.base import Store
from probes.store.sqlite import open_sqlite
from probes.verdicts.rules import Subject, judge
from probes.web.factory import WebDependencies, create_app
from tests.examples import NOON, a_result, a_target
from tests.fakes import FakeClock
from tests.web.serving import a_plan, an_agent

TARGETS = 200
DAYS = 90
PER_DAY = 4
ROUNDS = 200


def targets() -> tuple[Target, ...]:
    return tuple(
        a_target(f"model-{n}", id=f"provider-{n % 20}/main/model-{n}", provider=f"provider-{n % 20}")
        for n in range(TARGETS)
    )


def results(of: tuple[Target, ...], chance: random.Random) -> Iterator[ProbeResult]:
    for target in of:
        speed = chance.uniform(0.2, 3)
        for slot in range(DAYS * PER_DAY + 24 * 6):
            minutes = 10 * slot if slot < 24 * 6 else 1440 + (slot - 24 * 6) * 1440 // PER_DAY
            is_ok = chance.random() < 0.98
            yield a_result(
                Outcome.OK if is_ok else Outcome.SERVER_ERROR,
                NOON - timedelta(minutes=minutes),
                target.id,
                ttft_seconds=speed * chance.uniform(0.5, 2) if is_ok else None,
                response_seconds=speed * chance.uniform(2, 8) if is_ok else None,
            )


def fill(store: Store) -> None:
    every, chance, batch = targets(), random.Random(1), []
    for n, result in enumerate(results(every, chance), 1):
        batch.append(result)
        if len(batch) == 2000:
            store.add_results(batch)
            batch = []
            print(f"\r{n} results", end="", file=sys.stderr)
    store.add_results(batch)
    store.put_plan(a_plan(every))
    store.beat(an_agent(NOON + timedelta(minutes=10)))
    for target in every:
        subject = Subject(target.readiness, "", target.interval_seconds)
        store.set_verdict(target.id, judge(subject, store.recent([target.id], 10)[target.id], NOON))
    print(file=sys.stderr)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(app: Flask, clock: FakeClock, path: str, *, reads_store: bool) -> None:
    """Each request in turn; with `reads_store` each one also reads the store anew, as the first of a second does."""
    client, times, size = app.test_client(), [], 0
    client.get(path)
    for _ in range(ROUNDS):
        if reads_store:
            clock.advance(1.5 / ROUNDS + 1)
        started = time.process_time()
        response = client.get(path, headers={"Accept-Encoding": "gzip"})
        times.append((time.process_time() - started) * 1000)
        assert response.status_code == 200
        size = len(response.data)
    label = "reading the store" if reads_store else "from the snapshot"
    print(
        f"{path:22} {label}: p50 {percentile(times, 0.5):6.1f} ms, p95 {percentile(times, 0.95):6.1f} ms, "
        f"max {max(times):6.1f} ms, {size / 1000:.0f} kB gzipped"
    )


def main(path: Path) -> None:
    is_new = not path.exists()
    clock = FakeClock(NOON)
    store = open_sqlite(path, clock)
    if is_new:
        fill(store)
    clock.advance(600)
    app = create_app(WebDependencies(store, clock, WebSettings(), Redactor(), "bench"))
    started = time.process_time()
    app.test_client().get("/")
    print(
        f"processor time of the first page, everything read and drawn: {(time.process_time() - started) * 1000:.0f} ms"
    )
    for page in ("/", "/kanban", "/?fragment=1&id=none"):
        measure(app, clock, page, reads_store=False)
        measure(app, clock, page, reads_store=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder) / "bench.sqlite3")
