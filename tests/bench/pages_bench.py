"""Prints what the pages cost at 1,000,000 records, 200 targets, 90 days: `python -m tests.bench.pages_bench`.

The budget is 50 ms at p95. Each page is asked as a browser does, gzip included, on a real store; wall time and
processor time stand side by side, for a busy machine measures its neighbours. Nothing here fails on a clock.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median, quantiles

from flask.testing import FlaskClient

from probes.domain.state import Reason, State, Verdict
from probes.log import Redactor
from probes.settings.model import WebSettings
from probes.store.base import Store
from probes.store.sqlite import open_sqlite
from probes.verdicts.rules import ReasonKey
from probes.web.context import WebDependencies
from probes.web.factory import create_app
from tests.bench.history import NOW, Size, a_probe, database_of, target_ids
from tests.fakes import FakeClock

RECORDS = 1_000_000
TARGETS = target_ids(Size(RECORDS))
ROUNDS = 100
PAGES = (
    "/",
    "/kanban",
    "/stats",
    "/stats?window=90d&sort=-ttft_p95",
    "/result",
    "/result?outcome=server_error",
    "/methodology",
    "/api/v1/statistics?window=90d",
    "/api/v1/results?limit=50",
)


@dataclass(frozen=True, slots=True)
class Board:
    client: FlaskClient
    store: Store
    clock: FakeClock
    chance: Random


def asked(board: Board, path: str) -> tuple[list[float], list[float], int]:
    """Wall and processor milliseconds of each round, and the answer's bytes."""
    wall, processor, size = [], [], 0
    client, clock = board.client, board.clock
    for number in range(ROUNDS):
        target = TARGETS[number % len(TARGETS)]
        board.store.add_results([a_probe(target, clock.now(), board.chance)])
        clock.advance(1.1)  # past the snapshot's age: each round reads what changed
        began, began_cpu = time.perf_counter(), time.process_time()
        response = client.get(path, headers={"Accept-Encoding": "gzip"})
        size = len(response.get_data())
        wall.append((time.perf_counter() - began) * 1000)
        processor.append((time.process_time() - began_cpu) * 1000)
        assert response.status_code == 200, (path, response.status_code)
    return wall, processor, size


def shown(name: str, wall: Sequence[float], processor: Sequence[float], size: int) -> None:
    print(
        f"{name:42} {median(wall):8.1f} {quantiles(wall, n=20)[-1]:8.1f} "
        f"{median(processor):8.1f} {quantiles(processor, n=20)[-1]:8.1f} {size / 1000:8.1f}",
        flush=True,
    )


def middle_page(client: FlaskClient) -> str:
    """The address of a page 200 pages down."""
    cursor = None
    for _ in range(20):
        path = "/api/v1/results?limit=500" + (f"&cursor={cursor}" if cursor else "")
        cursor = client.get(path).get_json()["older_cursor"]
    return f"/result?cursor={cursor}"


def main() -> None:
    clock = FakeClock(NOW)
    store = open_sqlite(database_of(Size(RECORDS)), clock)
    for target in TARGETS:
        store.set_verdict(target, Verdict(State.OPERATIONAL, Reason(ReasonKey.HEALTHY), NOW, NOW))
    app = create_app(WebDependencies(store, clock, WebSettings(), Redactor(), "bench"))
    client = app.test_client()
    began = time.perf_counter()
    client.get("/")
    print(f"first reading of the store: {time.perf_counter() - began:.2f} s\n", flush=True)
    clock.advance(600)  # the database was written "now": without this all of it would count as just changed
    print(f"{'page':42} {'wall p50':>8} {'p95':>8} {'cpu p50':>8} {'p95':>8} {'kB gzip':>8}   (ms)")
    for path in (*PAGES, middle_page(client)):
        shown(path[:42], *asked(Board(client, store, clock, Random(1)), path))
    store.close()


if __name__ == "__main__":
    main()
