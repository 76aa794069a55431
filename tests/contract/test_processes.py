"""Several processes on one store: one winner of each race, nothing counted twice, nothing acknowledged lost.

FerretDB's updates are not atomic, so races on it run through a proxy that lets one command run at a time.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing.synchronize import Barrier
from typing import TypeVar

import pytest

from probes.domain.plan import RefreshRequest
from probes.domain.result import ProbeResult
from probes.domain.rollup import Period
from probes.stats.tally import merge
from probes.store.base import IncidentQuery, ResultQuery, Store
from tests.contract.address import Address
from tests.contract.one_at_a_time import one_at_a_time
from tests.contract.test_deliveries import a_delivery
from tests.contract.test_incidents import an_incident
from tests.examples import NOON, a_result
from tests.fakes import FakeClock

PROCESSES = 4
ROUNDS = 10
TTL = timedelta(seconds=30)

_start: Barrier
_Answer = TypeVar("_Answer")


@pytest.fixture
def contested(address: Address) -> Iterator[Address]:
    if not address.is_mongo or "MONGODB_TEST_URI" in os.environ:
        yield address
        return
    with one_at_a_time(address.place) as uri:
        yield replace(address, place=uri)


def remember(barrier: Barrier) -> None:
    global _start
    _start = barrier


def race(contender: Callable[[Address, int], _Answer], address: Address) -> list[_Answer]:
    """What the contender answered in each of several processes that were let go at the same instant."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, context, initializer=remember, initargs=(barrier,)) as pool:
        return list(pool.map(contender, [address] * PROCESSES, range(PROCESSES)))


def opens(address: Address, number: int) -> int:
    _start.wait(30)
    store = address.open(FakeClock())
    added = store.add_results([a_result(id=f"of {number}")])
    store.close()
    return added


def acquires(address: Address, number: int) -> list[int | None]:
    store = address.open()
    epochs: list[int | None] = []
    for turn in range(ROUNDS):
        _start.wait(30)
        epochs.append(store.acquire_lease("location:here", f"agent {number}", NOON + 2 * turn * TTL, TTL))
    store.close()
    return epochs


def files(address: Address, number: int) -> list[bool]:
    store = address.open()
    passed = []
    for turn in range(ROUNDS):
        _start.wait(30)
        request = RefreshRequest(f"{turn} of {number}", NOON + 2 * turn * TTL)
        passed.append(store.request_refresh(request, TTL) is None)
    store.close()
    return passed


def claims(address: Address, number: int) -> list[str]:
    store = address.open()
    _start.wait(30)
    claimed = []
    while (request := store.claim_refresh(f"agent {number}", NOON)) is not None:
        claimed.append(request.id)
    store.close()
    return claimed


def saves(address: Address, number: int) -> list[bool]:
    """Each turn is one version of one incident, with words of its own; the first turn makes it."""
    store = address.open()
    won = []
    for turn in range(ROUNDS):
        _start.wait(30)
        version = replace(an_incident(), version=turn + 1, provider=f"{turn} of {number}")
        won.append(store.save_incident(version))
    store.close()
    return won


def plans(address: Address, number: int) -> int:
    store = address.open()
    _start.wait(30)
    added = sum(store.add_deliveries([a_delivery(n)]) for n in range(ROUNDS))
    store.close()
    return added


def shared(count: int) -> list[ProbeResult]:
    return [a_result(id=f"shared {n}", due_at=NOON - timedelta(minutes=n)) for n in range(count)]


def writes(address: Address, number: int) -> int:
    """Its own results and the shared ones, in batches that overlap with everybody's."""
    store = address.open(FakeClock())
    everyone = shared(15)
    _start.wait(30)
    added = 0
    for n in range(15):
        own = a_result(id=f"{n} of {number}", due_at=NOON - timedelta(minutes=n), cost=0.25)
        added += store.add_results([own, *everyone[n : n + 3]])
    store.close()
    return added


def test_a_new_store_can_be_opened_by_several_processes_at_once(contested: Address) -> None:
    assert race(opens, contested) == [1] * PROCESSES

    store = contested.open(FakeClock())
    assert store.count_results(ResultQuery(), at_most=10) == PROCESSES
    store.close()


def test_only_one_process_gets_a_lease_and_its_epoch_grows_by_one(contested: Address) -> None:
    answers = race(acquires, contested)

    for turn in range(ROUNDS):
        epochs = [answer[turn] for answer in answers if answer[turn] is not None]
        assert len(epochs) == 1
    held = [next(e for answer in answers if (e := answer[turn]) is not None) for turn in range(ROUNDS)]
    assert all(after - before in (0, 1) for before, after in pairwise(held))


def test_only_one_refresh_passes_the_cooldown(contested: Address) -> None:
    answers = race(files, contested)

    assert [sum(answer[turn] for answer in answers) for turn in range(ROUNDS)] == [1] * ROUNDS


def test_each_refresh_is_claimed_once(contested: Address) -> None:
    store = contested.open()
    for n in range(20):
        store.request_refresh(RefreshRequest(f"r{n:02d}", NOON + n * TTL), TTL)
    store.close()

    claimed = [request for answer in race(claims, contested) for request in answer]

    assert sorted(claimed) == [f"r{n:02d}" for n in range(20)]


def test_each_version_of_an_incident_has_one_writer(contested: Address) -> None:
    answers = race(saves, contested)

    assert [sum(answer[turn] for answer in answers) for turn in range(ROUNDS)] == [1] * ROUNDS
    store = contested.open()
    (last,) = store.incidents(IncidentQuery()).incidents
    (winner,) = [number for number, answer in enumerate(answers) if answer[-1]]
    assert (last.version, last.provider) == (ROUNDS, f"{ROUNDS - 1} of {winner}")
    store.close()


def test_what_many_plan_is_planned_once(contested: Address) -> None:
    assert sum(race(plans, contested)) == ROUNDS


def test_results_written_by_many_are_counted_once(contested: Address) -> None:
    added = race(writes, contested)

    store = contested.open(FakeClock())
    assert sum(added) == 15 + 15 * PROCESSES
    assert store.count_results(ResultQuery(), at_most=1000) == sum(added)
    assert_counted_exactly_once(store, sum(added))
    store.close()


def assert_counted_exactly_once(store: Store, results: int) -> None:
    reach = (NOON - timedelta(days=30), NOON + timedelta(days=30))
    counted = {p: {r.key: r.tally for r in store.rollups(p, *reach)} for p in Period}
    assert [merge(tallies.values()).n for tallies in counted.values()] == [results, results]
    assert store.statistics()["acme/main/quick"].total == results
    store.rebuild_rollups()
    assert {p: {r.key: r.tally for r in store.rollups(p, *reach)} for p in Period} == counted


WRITER = """
import sys
from datetime import timedelta
from tests.contract.address import Address
from tests.contract.one_at_a_time import one_at_a_time
from tests.examples import NOON, a_result

store = Address(*sys.argv[1:]).open()
for n in range(1_000_000):
    results = [a_result(id=f"{n}-{k}", due_at=NOON + timedelta(seconds=n), cost=0.25) for k in range(3)]
    store.add_results(results)
    print(n, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_was_acknowledged(address: Address) -> None:
    command = [sys.executable, "-c", WRITER, address.place, address.database][: 5 if address.is_mongo else 4]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(60)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split()]

    store = address.open(
        FakeClock(datetime.now(UTC) + timedelta(hours=1))
    )  # by then the writer counts as dead
    store.add_results([a_result(id="afterwards", due_at=NOON - timedelta(days=1))])
    found = {result.id.partition("-")[0] for result in all_results(store) if result.id != "afterwards"}
    assert {str(n) for n in acknowledged} <= found
    assert_counted_exactly_once(store, len(all_results(store)))
    store.close()


def all_results(store: Store) -> list[ProbeResult]:
    query = ResultQuery(since=NOON - timedelta(days=2), limit=1000)
    page = store.results(query)
    assert page.next_cursor is None, "more than a page: the writer was not stopped in time"
    return list(page.results)
