"""Announced windows and pauses, as a whole agent heeds them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probes.agent.announced import Announced
from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Slot, Trigger
from probes.domain.rollup import Period
from probes.domain.state import State, Verdict
from probes.domain.upkeep import Announcer, Maintenance, Pause
from probes.stats.tally import merge
from probes.store.base import IncidentQuery, ResultQuery, Store
from probes.store.sqlite import open_sqlite
from probes.verdicts.rules import ReasonKey
from tests.agent.conftest import World
from tests.agent.test_agent import finished_refresh, request_refresh
from tests.examples import NOON, a_target
from tests.fakes import FakeClock
from tests.waiting import wait_until

QUICK, BROKEN = "fast", "error-500"
HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


def a_window(start: datetime, length: timedelta, **changes: object) -> Maintenance:
    return Maintenance(
        id=str(changes.pop("id", "w1")),
        title="GPU swap",
        first_start=start.astimezone(UTC).replace(tzinfo=None),
        duration_seconds=length.total_seconds(),
        timezone="UTC",
        announcer=Announcer.OPERATOR,
        **changes,  # type: ignore[arg-type]
    )


def verdict(store: Store, model: str) -> Verdict | None:
    statistics = store.statistics().get(f"acme/main/{model}")
    return statistics.verdict if statistics is not None else None


def state(store: Store, model: str) -> State | None:
    found = verdict(store, model)
    return found.state if found is not None else None


def wait_for(store: Store, model: str, wanted: State) -> None:
    wait_until(f"{model} to be {wanted.value}", lambda: state(store, model) is wanted)


def results(store: Store, trigger: Trigger) -> tuple[ProbeResult, ...]:
    return store.results(ResultQuery(triggers=[trigger])).results


def counted(store: Store) -> int:
    rollups = store.rollups(Period.DAY, now() - timedelta(days=2), now() + timedelta(days=1))
    return sum(merge(rollup.tally for rollup in rollups).outcomes.values())


def test_in_a_window_probes_are_marked_and_its_end_is_seen_at_once(world: World) -> None:
    world.write_config(QUICK)
    store = world.open_store()
    store.put_maintenance(a_window(now() - HOUR, HOUR + timedelta(seconds=6)))
    with world.running_agent():
        wait_for(store, QUICK, State.MAINTENANCE)
        wait_until("a probe in the window", lambda: results(store, Trigger.MAINTENANCE))
        assert counted(store) == 0
        wait_for(store, QUICK, State.OPERATIONAL)
    (outside,) = results(store, Trigger.SCHEDULED)
    assert outside.outcome is Outcome.OK
    assert counted(store) == 1


def test_what_fails_in_a_window_accuses_nobody_even_when_somebody_presses_refresh(world: World) -> None:
    world.write_config(BROKEN)
    store = world.open_store()
    window = a_window(now() - HOUR, 2 * HOUR, providers=("Acme",))
    store.put_maintenance(window)
    with world.running_agent():
        wait_for(store, BROKEN, State.MAINTENANCE)
        finished_refresh(store, request_refresh(store))
        finished_refresh(store, request_refresh(store))
        wait_until("the failures", lambda: len(results(store, Trigger.MAINTENANCE)) >= 3)
        assert state(store, BROKEN) is State.MAINTENANCE
    found = verdict(store, BROKEN)
    assert found is not None
    assert found.reason.key == ReasonKey.MAINTENANCE
    told = dict(found.reason.params)
    assert told["title"] == "GPU swap"
    assert datetime.fromisoformat(str(told["until"])) > now()
    assert not results(store, Trigger.MANUAL)
    assert not store.incidents(IncidentQuery()).incidents
    assert counted(store) == 0


def test_a_window_announced_while_the_agent_runs_holds_within_seconds_and_can_be_taken_back(
    world: World,
) -> None:
    world.write_config(QUICK, "short")
    store = world.open_store()
    with world.running_agent():
        wait_for(store, QUICK, State.OPERATIONAL)
        wait_for(store, "short", State.OPERATIONAL)
        store.put_maintenance(a_window(now() - HOUR, 2 * HOUR, targets=(QUICK,)))
        wait_for(store, QUICK, State.MAINTENANCE)
        assert state(store, "short") is State.OPERATIONAL
        assert store.delete_maintenance("w1")
        wait_for(store, QUICK, State.OPERATIONAL)


def test_the_files_windows_are_published_for_the_web(world: World) -> None:
    starts = (now() - HOUR).strftime("%Y-%m-%d %H:%M")
    rules = f'maintenance: [{{title: Move, starts: "{starts}", duration: 3h}}]\n'
    world.write_config(QUICK, extra=rules)
    store = world.open_store()
    with world.running_agent():
        wait_for(store, QUICK, State.MAINTENANCE)
        plan = wait_until("the plan", store.plan)
        assert [rule.title for rule in plan.maintenance] == ["Move"]
        world.write_config(QUICK)
        wait_for(store, QUICK, State.OPERATIONAL)
        wait_until("the plan without it", lambda: (p := store.plan()) and not p.maintenance)


def test_a_paused_target_is_left_alone_until_somebody_resumes_it(world: World) -> None:
    world.write_config(QUICK)
    store = world.open_store()
    with world.running_agent():
        wait_for(store, QUICK, State.OPERATIONAL)
        store.put_pause(Pause(f"acme/main/{QUICK}", now(), note="moving house"))
        wait_for(store, QUICK, State.PAUSED)
        before = len(store.results(ResultQuery()).results)
        assert finished_refresh(store, request_refresh(store)).total == 0
        assert len(store.results(ResultQuery()).results) == before
        store.delete_pause(f"acme/main/{QUICK}")
        wait_for(store, QUICK, State.OPERATIONAL)
        wait_until("a new probe", lambda: len(store.results(ResultQuery()).results) > before)


def test_a_pause_ends_by_itself(world: World) -> None:
    world.write_config(QUICK)
    store = world.open_store()
    store.put_pause(Pause(f"acme/main/{QUICK}", now(), until=now() + timedelta(seconds=5)))
    with world.running_agent():
        wait_for(store, QUICK, State.PAUSED)
        assert not store.results(ResultQuery()).results
        wait_for(store, QUICK, State.OPERATIONAL)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_sqlite(tmp_path / "announced.sqlite3", FakeClock())


TARGET = a_target("quick")


@pytest.mark.parametrize(
    ("due_in", "trigger"),
    [
        (timedelta(seconds=-1), Trigger.SCHEDULED),
        (timedelta(0), Trigger.MAINTENANCE),
        (HOUR - timedelta(milliseconds=1), Trigger.MAINTENANCE),
        (HOUR, Trigger.SCHEDULED),
    ],
    ids=["just before", "at its start", "just before its end", "at its end"],
)
def test_a_slot_belongs_to_the_window_that_it_is_due_in(
    store: Store, due_in: timedelta, trigger: Trigger
) -> None:
    announced = Announced(store, FakeClock())
    announced.set_rules((a_window(NOON, HOUR),))
    placed = announced.placed(Slot(TARGET.id, NOON + due_in))
    assert placed is not None
    assert (placed.trigger, placed.due_at) == (trigger, NOON + due_in)


def test_a_paused_slot_does_not_run_even_inside_a_window(store: Store) -> None:
    store.put_maintenance(a_window(NOON, HOUR))
    store.put_pause(Pause(TARGET.id, NOON, until=NOON + HOUR))
    announced = Announced(store, FakeClock())
    announced.read()
    assert announced.placed(Slot(TARGET.id, NOON)) is None
    assert announced.placed(Slot(TARGET.id, NOON + HOUR)) == Slot(TARGET.id, NOON + HOUR)


def test_who_is_freed_is_told_once_and_what_was_read_outlives_the_store(store: Store) -> None:
    clock = FakeClock()
    store.put_maintenance(a_window(NOON, HOUR, targets=("quick",)))
    announced = Announced(store, clock)
    announced.read()
    others = a_target("slow")
    assert announced.freed([TARGET, others], ()) == []
    store.close()
    clock.advance(3600)
    assert announced.freed([TARGET, others], {TARGET.id}) == [], "its last probe of maintenance still runs"
    assert announced.freed([TARGET, others], ()) == [TARGET]
    assert announced.freed([TARGET, others], ()) == []
