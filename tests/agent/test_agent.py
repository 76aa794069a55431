import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from probes.domain.outcome import Outcome
from probes.domain.plan import RefreshRequest, RefreshState
from probes.domain.result import Category, ProbeResult, Trigger
from probes.domain.state import State
from probes.store.base import ResultQuery, Store
from tests.agent.conftest import World
from tests.waiting import wait_until

QUICK, BROKEN, SLOW = "fast", "error-500", "ok?ttft=20"


def now() -> datetime:
    return datetime.now(UTC)


def request_refresh(store: Store, *targets: str) -> str:
    request = RefreshRequest(id=str(uuid4()), requested_at=now(), targets=targets)
    assert store.request_refresh(request, timedelta(0)) is None
    return request.id


def seen_states(store: Store) -> set[State]:
    return {s.verdict.state for s in store.statistics().values() if s.verdict is not None}


def newest(store: Store, target: str) -> ProbeResult | None:
    statistics = store.statistics().get(target)
    return statistics.newest if statistics is not None else None


def finished_refresh(store: Store, request_id: str) -> RefreshRequest:
    def done() -> RefreshRequest | None:
        request = store.refresh(request_id)
        return request if request is not None and request.state is RefreshState.DONE else None

    return wait_until("the refresh to be done", done)


def test_every_new_target_is_probed_recorded_and_judged_at_once(world: World) -> None:
    world.write_config(QUICK, BROKEN)
    store = world.open_store()
    with world.running_agent():
        wait_until("both to be judged", lambda: seen_states(store) >= {State.OPERATIONAL, State.DEGRADED})
    statistics = store.statistics()
    good, bad = statistics[f"acme/main/{QUICK}"], statistics[f"acme/main/{BROKEN}"]
    assert good.verdict is not None
    assert good.verdict.state is State.OPERATIONAL
    assert good.newest is not None
    assert good.newest.outcome is Outcome.OK
    assert good.newest.category is Category.SMOOTH
    assert good.newest.ttft_seconds is not None
    assert bad.newest is not None
    assert bad.newest.outcome is Outcome.SERVER_ERROR
    assert bad.newest.ttft_seconds is None
    assert bad.verdict is not None
    assert bad.verdict.state is State.DEGRADED


def test_what_the_store_says_is_what_the_simulator_sent(world: World) -> None:
    world.write_config(QUICK)
    store = world.open_store()
    with world.running_agent():
        page = wait_until("a result", lambda: (p := store.results(ResultQuery())).results and p)
    (result,) = page.results
    assert result.output_tokens == 64
    assert result.finish_reason == "length"
    assert result.answer_ok is True
    plan = store.plan()
    assert plan is not None
    assert result.config_version == plan.version


def test_refresh_probes_now_and_reports_its_progress(world: World) -> None:
    world.write_config(QUICK, "ok")
    store = world.open_store()
    with world.running_agent():
        request = finished_refresh(store, request_refresh(store, f"acme/main/{QUICK}"))
    assert (request.total, request.finished) == (1, 1)
    manual = store.results(ResultQuery(triggers=[Trigger.MANUAL])).results
    assert [result.target for result in manual] == [f"acme/main/{QUICK}"]


def test_an_edit_takes_effect_without_restart_and_refresh_tells_what_it_did(world: World) -> None:
    world.write_config(QUICK, BROKEN)
    store = world.open_store()
    with world.running_agent():
        wait_until("the first plan", store.plan)
        world.write_config(QUICK, "short")
        wait_until("the new target's result", lambda: newest(store, "acme/main/short"))
        request = finished_refresh(store, request_refresh(store))
    assert request.diff.added == ("acme/main/short",)
    assert request.diff.removed == (f"acme/main/{BROKEN}",)
    plan = store.plan()
    assert plan is not None
    assert [target.model for target in plan.targets] == [QUICK, "short"]
    assert f"acme/main/{BROKEN}" in store.statistics(), "a removed target keeps its history"


def test_a_broken_edit_keeps_the_old_plan_and_says_which_line(world: World) -> None:
    world.write_config(QUICK)
    store = world.open_store()
    with world.running_agent():
        wait_until("the first plan", store.plan)
        world.write_config(QUICK, extra="intervall: 5m\n")
        plan = wait_until("the problem", lambda: (p := store.plan()) and p.problems and p)
        assert [target.model for target in plan.targets] == [QUICK]
        (problem,) = plan.problems
        assert problem.line is not None
        assert "intervall" in str(problem)
        world.write_config(QUICK)
        wait_until("the cure", lambda: (p := store.plan()) and not p.problems)


def test_agents_of_one_location_stand_by_for_each_other(world: World) -> None:
    world.write_config(QUICK)
    store = world.open_store()

    def active() -> dict[str, bool]:
        return {a.agent: a.is_active for a in store.agents(now() - timedelta(minutes=1))}

    with world.running_agent("second@test"):
        wait_until("the second to be active", lambda: active().get("second@test"))
        with world.running_agent("third@test"):
            wait_until("the third to stand by", lambda: active().get("third@test") is False)
    with world.running_agent("fourth@test"):
        wait_until("a released lease to be free at once", lambda: active().get("fourth@test"))


def test_a_stop_records_the_probe_in_flight_and_ends_in_time(world: World) -> None:
    world.write_config(SLOW)
    store = world.open_store()
    with world.running_agent():
        wait_until(
            "a probe in flight", lambda: any(a.in_flight for a in store.agents(now() - timedelta(minutes=1)))
        )
    (result,) = store.results(ResultQuery()).results
    assert result.outcome is Outcome.SKIPPED


def spooled(world: World) -> int:
    (spool,) = (world.directory / "data").glob("spool-*.sqlite3")
    with closing(sqlite3.connect(spool)) as connection:
        (table,) = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
        count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return count


def test_results_outlive_a_store_that_is_away(world: World) -> None:
    model = "ok?ttft=1"
    world.write_config(model)
    store = world.open_store()
    with world.running_agent():
        wait_until("the first result", lambda: store.results(ResultQuery()).results)
        request_id = request_refresh(store)
        wait_until("the probe's start", lambda: (r := store.refresh(request_id)) and r.total)
        with closing(
            sqlite3.connect(world.directory / "data" / "firsttoken.sqlite3", isolation_level=None)
        ) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            wait_until("the result in the spool", lambda: spooled(world))
            assert not store.results(ResultQuery(triggers=[Trigger.MANUAL])).results
            lock.execute("ROLLBACK")
        wait_until(
            "the result in the store", lambda: store.results(ResultQuery(triggers=[Trigger.MANUAL])).results
        )
        wait_until("an empty spool", lambda: not spooled(world))
