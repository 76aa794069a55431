"""Prints what the SQLite store costs at 10,000 and at 1,000,000 results: `python -m tests.bench.store_bench`.

The budget: a page of results <= 50 ms, a write at a million within 1.3 times of one at ten thousand.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from probes.domain.outcome import Outcome
from probes.domain.result import Category, ProbeResult, Trigger
from probes.domain.rollup import Period
from probes.store.base import ResultQuery, Store
from probes.store.cursor import Position, cursor_of
from probes.store.records import milliseconds
from probes.store.sqlite import open_sqlite
from tests.bench.history import NOW, Size, a_probe, database_of, target_ids
from tests.fakes import FakeClock

WRITES = 3000
READS = 15

FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "one target": {"targets": ["provider-03/main/model-043"]},
    "one provider": {"providers": ["provider-03"]},
    "rarer location": {"locations": ["tokyo"]},
    "common outcome": {"outcomes": [Outcome.OK]},
    "rare outcome": {"outcomes": [Outcome.AUTH]},
    "all failures": {"outcomes": [o for o in Outcome if o is not Outcome.OK]},
    "rare category": {"categories": [Category.LAGGING]},
    "manual": {"triggers": [Trigger.MANUAL]},
    "provider + rare outcome": {"providers": ["provider-03"], "outcomes": [Outcome.AUTH]},
    "provider + failures": {
        "providers": ["provider-03"],
        "outcomes": [Outcome.STALLED, Outcome.SERVER_ERROR],
    },
    "target + outcome + trigger": {
        "targets": ["provider-03/main/model-043"],
        "outcomes": [Outcome.STALLED],
        "triggers": [Trigger.MANUAL],
    },
    "ok + rare category": {"outcomes": [Outcome.OK], "categories": [Category.LAGGING]},
    "location + manual + ok": {
        "locations": ["tokyo"],
        "triggers": [Trigger.MANUAL],
        "outcomes": [Outcome.OK],
    },
    "nothing matches": {
        "providers": ["provider-03"],
        "categories": [Category.LAGGING],
        "locations": ["oslo"],
    },
    "20 targets": {"targets": [f"provider-{n % 20:02d}/main/model-{n:03d}" for n in range(0, 200, 10)]},
}


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def shown(name: str, times: Sequence[float]) -> None:
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    mean = statistics.fmean(ordered)
    print(f"{name:<44}{statistics.median(ordered):9.2f}{p95:9.2f}{mean:9.2f}{ordered[-1]:9.2f}")


def bench_writes(small: Path, large: Path) -> None:
    """One probe a transaction, in turns into copies of both databases, so that noise hits both alike."""
    with tempfile.TemporaryDirectory(dir=large.parent.parent) as directory:
        stores: list[Store] = []
        for path in (small, large):
            copy = Path(directory, f"{path.parent.name}.sqlite3")
            shutil.copyfile(path, copy)
            stores.append(open_sqlite(copy, FakeClock(NOW)))
        times: tuple[list[float], list[float]] = ([], [])
        for number, result in enumerate(new_probes(WRITES)):
            for store, into in sorted(zip(stores, times, strict=True), key=lambda _: number % 2):
                into.append(timed(lambda store=store, result=result: store.add_results([result])))  # type: ignore[misc]
        for store in stores:
            store.close()
    shown("write one probe, 10k results", times[0])
    shown("write one probe, 1M results", times[1])
    medians, means = [statistics.median(t) for t in times], [statistics.fmean(t) for t in times]
    print(f"ratio of medians {medians[1] / medians[0]:.2f}, of means {means[1] / means[0]:.2f}")


def new_probes(count: int) -> list[ProbeResult]:
    random = Random(99)
    targets = target_ids(Size(0))
    step = timedelta(seconds=3)
    return [a_probe(targets[n % len(targets)], NOW + n * step, random) for n in range(count)]


def bench_pages(store: Store) -> None:
    middle = Position(milliseconds(NOW - timedelta(days=45)), "8")
    for name, given in FILTERS.items():
        for place, cursor in (("first", None), ("middle", cursor_of(middle, oldest_first=False))):
            query = replace(ResultQuery(**given), cursor=cursor)
            shown(f"page, {name}: {place}", [timed(lambda q=query: store.results(q)) for _ in range(READS)])  # type: ignore[misc]
        count = ResultQuery(**given)
        shown(
            f"count to 1000, {name}",
            [timed(lambda q=count: store.count_results(q, 1000)) for _ in range(READS)],
        )  # type: ignore[misc]
    for name in ("none", "rarer location"):
        query = ResultQuery(**FILTERS[name], limit=1000)
        shown(f"page of 1000, {name}", [timed(lambda q=query: store.results(q)) for _ in range(READS)])  # type: ignore[misc]


def bench_board(store: Store) -> None:
    targets = target_ids(Size(0))
    quarter, day = NOW - timedelta(days=90), NOW - timedelta(days=1)
    soon = NOW + timedelta(days=1)
    reads: dict[str, Callable[[], object]] = {
        "statistics(), 200 targets": store.statistics,
        "recent(), 200 targets x 20": lambda: store.recent(targets, 20),
        "rollups(day, 90 days), 200 targets": lambda: store.rollups(Period.DAY, quarter, soon),
        "rollups(day, 90 days), 10 targets": lambda: store.rollups(Period.DAY, quarter, soon, targets[:10]),
        "rollups(hour, 90 days), 1 target": lambda: store.rollups(Period.HOUR, quarter, soon, targets[:1]),
        "rollups(hour, 24 h), 200 targets": lambda: store.rollups(Period.HOUR, day, soon),
        "rollups_changed, nothing new": lambda: store.rollups_changed(Period.DAY, quarter, soon),
        "plan(), 200 targets": store.plan,
        "health()": store.health,
    }
    for name, read in reads.items():
        shown(name, [timed(read) for _ in range(READS)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=1_000_000)
    arguments = parser.parse_args()
    small, large = database_of(Size(10_000)), database_of(Size(arguments.results))
    print(
        f"{large.stat().st_size / 1e6:.0f} MB at {arguments.results:,} results; milliseconds", file=sys.stdout
    )
    print(f"{'':<44}{'median':>9}{'p95':>9}{'mean':>9}{'max':>9}")
    store = open_sqlite(large, FakeClock(NOW))
    bench_board(store)
    bench_pages(store)
    store.close()
    bench_writes(small, large)


if __name__ == "__main__":
    main()
