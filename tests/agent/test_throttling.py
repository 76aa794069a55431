"""A throttled target is left alone for as long as its provider asked, within a limit; and says so."""

from datetime import timedelta
from pathlib import Path

import pytest

from probes.agent.doubts import Confirmations
from probes.agent.throttling import Throttled, longest_wait
from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.simulator.behaviour import Behaviour, Choice, Phase
from probes.simulator.catalogue import scenario_named
from probes.simulator.run import serve_in_thread
from probes.simulator.server import SimulatorConfig
from probes.store.base import ResultQuery, Store
from tests.agent.conftest import World
from tests.agent.test_agent import request_refresh
from tests.examples import NOON, a_result, a_target
from tests.fakes import FakeClock
from tests.waiting import wait_until

QUICK = "acme/main/quick"


def throttled(retry_after_seconds: float | None, interval_seconds: float = 60.0) -> Throttled:
    found = Throttled()
    found.note(
        a_result(Outcome.RATE_LIMITED, retry_after_seconds=retry_after_seconds), interval_seconds, NOON
    )
    return found


def test_slots_before_the_end_of_the_wait_are_left_out() -> None:
    waits = throttled(90.0)
    assert waits.until(QUICK, NOON + timedelta(seconds=60)) == NOON + timedelta(seconds=90)
    assert waits.until(QUICK, NOON + timedelta(seconds=90)) is None
    assert waits.until("acme/main/other", NOON) is None


@pytest.mark.parametrize("told", [None, 0.0])
def test_without_a_wait_no_slot_is_left_out(told: float | None) -> None:
    assert throttled(told).until(QUICK, NOON) is None


@pytest.mark.parametrize(
    ("interval_seconds", "longest_seconds"),
    [(10, 40), (60, 240), (225, 900), (600, 900), (900, 900), (3600, 3600)],
)
def test_a_hostile_header_silences_no_target(interval_seconds: float, longest_seconds: float) -> None:
    assert longest_wait(interval_seconds) == timedelta(seconds=longest_seconds)
    waits = throttled(86_400.0, interval_seconds)
    assert waits.until(QUICK, NOON) == NOON + timedelta(seconds=longest_seconds)


def test_an_answer_ends_the_wait_and_a_slot_that_did_not_run_does_not() -> None:
    waits = throttled(90.0)
    waits.note(a_result(Outcome.SKIPPED), 60.0, NOON)
    assert waits.until(QUICK, NOON) is not None
    waits.note(a_result(), 60.0, NOON)
    assert waits.until(QUICK, NOON) is None


def test_an_overload_is_measured_on_whatever_it_asks_for() -> None:
    waits = Throttled()
    waits.note(a_result(Outcome.OVERLOADED, retry_after_seconds=90.0), 60.0, NOON)
    assert waits.until(QUICK, NOON) is None, "an outage must not hide itself"


@pytest.mark.parametrize(("waited_seconds", "confirmed"), [(20, []), (70, [QUICK])])
def test_a_confirming_probe_waits_as_long_as_the_provider_asked(
    waited_seconds: int, confirmed: list[str]
) -> None:
    clock, submitted = FakeClock(), []
    waits = Throttled()
    waits.note(a_result(Outcome.RATE_LIMITED, retry_after_seconds=60.0), 60.0, clock.now())
    confirmations = Confirmations(clock, "here", waits)
    confirmations.ask(a_result(Outcome.STALLED))
    clock.advance(waited_seconds)
    confirmations.work({QUICK: a_target()}, 10.0, lambda target, _slot: submitted.append(target.id))
    assert submitted == confirmed


def test_a_witness_that_is_throttled_is_left_alone() -> None:
    clock, submitted = FakeClock(), []
    waits = Throttled()
    waits.note(a_result(Outcome.RATE_LIMITED, retry_after_seconds=60.0), 60.0, clock.now())
    confirmations = Confirmations(clock, "here", waits)
    confirmations.ask(a_result(Outcome.CONNECT_TIMEOUT, target="other/main/slow"), witness=QUICK)
    clock.advance(20)
    targets = {"other/main/slow": a_target("slow", id="other/main/slow"), QUICK: a_target()}
    confirmations.work(targets, 10.0, lambda target, _slot: submitted.append(target.id))
    assert submitted == ["other/main/slow"]


def test_a_confirming_probe_that_is_throttled_silences_the_next_slot(
    tmp_path: Path,
) -> None:
    phases = (("fast", 2), ("error-500", 1), ("rate-limited", 999))
    played = Behaviour(tuple(Phase((Choice(scenario_named(name)),), length) for name, length in phases))
    with serve_in_thread(SimulatorConfig(models={"blip": played})) as upstream:
        world = World(tmp_path, upstream)
        world.write_config("blip", interval="10s", extra="agent: {confirm_after: 1s}\n")
        store = world.open_store()
        with world.running_agent():
            wait_until("a slot just gone, the next one far away", lambda: len(answers(store)) == 2)
            request_refresh(store)
            (skipped,) = wait_until(
                "a slot to be left out",
                lambda: store.results(ResultQuery(outcomes=[Outcome.SKIPPED])).results,
            )
            asked = store.results(ResultQuery(outcomes=[Outcome.RATE_LIMITED])).results
        store.close()
    assert [result.trigger for result in asked] == [Trigger.CONFIRM]
    assert "throttled" in (skipped.error or "")


def answers(store: Store) -> tuple[ProbeResult, ...]:
    return store.results(ResultQuery(outcomes=[Outcome.OK])).results


def test_the_agent_leaves_out_a_throttled_slot_and_records_why(world: World) -> None:
    world.write_config("rate-limited", interval="10s")
    store = world.open_store()
    with world.running_agent():
        skipped = wait_until(
            "a slot to be left out", lambda: store.results(ResultQuery(outcomes=[Outcome.SKIPPED])).results
        )
        (agent,) = store.agents(skipped[0].due_at - timedelta(minutes=1))
    assert skipped[0].error is not None
    assert skipped[0].error.startswith("throttled: the provider asked us to wait until ")
    assert skipped[0].error.endswith(" UTC (Retry-After)")
    assert agent.missed == 0, "left out on purpose is not missed"
