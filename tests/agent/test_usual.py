"""The usual behaviour of targets as the agent keeps it: read from a real store, once an hour, one after the other."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from probes.agent.announced import Announced
from probes.agent.recorder import Recorder
from probes.agent.usual import LEARN_EVERY_SECONDS, SPACING_SECONDS, UsualBehaviour
from probes.domain.incident import Affected, Cause, Incident, Severity, incident_id
from probes.domain.result import ProbeResult
from probes.domain.state import Reason, State
from probes.stats.baseline import Metric
from probes.store.base import Store
from probes.store.spool import SpoolingWriter
from probes.store.sqlite import open_sqlite
from probes.verdicts.deviation import SLOWER_AFTER, Known
from probes.verdicts.rules import ReasonKey
from tests.examples import NOON, a_result, a_target
from tests.fakes import FakeClock
from tests.waiting import wait_until

QUICK, OTHER = "acme/main/quick", "acme/main/other"
SERIES = {"spec_version": "5f1d7a90", "prompt_version": "2"}
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    store = open_sqlite(tmp_path / "store.sqlite3", clock)
    yield store
    store.close()


def history(target: str, days: int = 20, ttft_seconds: float = 0.25, **changes: str) -> list[ProbeResult]:
    """Two an hour up to noon."""
    return [
        a_result(
            due_at=NOON - HOUR / 2 * n, target=target, ttft_seconds=ttft_seconds, **{**SERIES, **changes}
        )
        for n in range(days * 48, 0, -1)
    ]


def newest(store: Store, target: str = QUICK) -> Sequence[ProbeResult]:
    return store.recent((target,), 20)[target]


def usual_seconds(known: Known | None) -> float | None:
    assert known is not None
    if not known.baselines:
        return None
    found = known.baselines["here"].usual(Metric.TTFT, NOON)
    return found.value if found is not None else None


def test_two_weeks_of_results_make_a_usual(store: Store, clock: FakeClock) -> None:
    store.add_results(history(QUICK))
    known = UsualBehaviour(store, clock).of(QUICK, newest(store))
    assert usual_seconds(known) == pytest.approx(0.25, rel=0.011)


def test_one_target_is_read_at_a_time_and_none_again_within_the_hour(store: Store, clock: FakeClock) -> None:
    store.add_results(history(QUICK) + history(OTHER))
    behaviour = UsualBehaviour(store, clock)
    first = behaviour.of(QUICK, newest(store))
    assert behaviour.of(OTHER, newest(store, OTHER)) is None, "not known now: its turn comes"
    clock.advance(SPACING_SECONDS)
    assert behaviour.of(OTHER, newest(store, OTHER)) is not None
    clock.advance(LEARN_EVERY_SECONDS - 2 * SPACING_SECONDS)
    assert behaviour.of(QUICK, newest(store)) is first
    clock.advance(2 * SPACING_SECONDS)
    assert behaviour.of(QUICK, newest(store)) is not first


def test_a_change_of_our_settings_is_a_new_series_at_once(store: Store, clock: FakeClock) -> None:
    store.add_results(history(QUICK))
    behaviour = UsualBehaviour(store, clock)
    behaviour.of(QUICK, newest(store))
    store.add_results([a_result(due_at=NOON, **{**SERIES, "spec_version": "0badcafe"})])
    assert usual_seconds(behaviour.of(QUICK, newest(store))) is None
    clock.advance(LEARN_EVERY_SECONDS)
    assert usual_seconds(behaviour.of(QUICK, newest(store))) is None, (
        "nor is it learnt again from the old one"
    )


def test_a_restarted_agent_knows_of_a_change_of_ours(store: Store, clock: FakeClock) -> None:
    store.add_results([*history(QUICK), a_result(due_at=NOON, **{**SERIES, "prompt_version": "3"})])
    assert usual_seconds(UsualBehaviour(store, clock).of(QUICK, newest(store))) is None


def an_incident(start: datetime, end: datetime | None) -> Incident:
    part = Affected(QUICK, start, start, Severity.DOWN, Reason("x"), Severity.DOWN, ended_at=end)
    return Incident(
        id=incident_id(QUICK, start, Severity.DOWN),
        provider="acme",
        started_at=start,
        detected_at=start,
        severity=Severity.DOWN,
        cause=Cause.MIXED,
        affected=(part,),
        updates=(),
        updated_at=start,
        ended_at=end,
        resolved_at=end,
    )


def test_incidents_teach_nothing(store: Store, clock: FakeClock) -> None:
    store.add_results(history(QUICK))
    assert store.save_incident(an_incident(NOON - timedelta(days=19), NOON - timedelta(days=1)))
    assert usual_seconds(UsualBehaviour(store, clock).of(QUICK, newest(store))) is None, "one day is left"


def test_a_store_that_cannot_be_read_leaves_what_was_known_and_is_asked_again(
    store: Store, clock: FakeClock
) -> None:
    store.add_results(history(QUICK) + history(OTHER))
    behaviour, recent = UsualBehaviour(store, clock), newest(store)
    known = behaviour.of(QUICK, recent)
    clock.advance(LEARN_EVERY_SECONDS)
    store.close()
    assert behaviour.of(QUICK, recent) is known
    clock.advance(SPACING_SECONDS)
    assert behaviour.of(OTHER, recent) is None


def test_slow_answers_of_a_model_that_has_a_usual_degrade_it(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    store.add_results(history(QUICK))
    with closing(SpoolingWriter(store, tmp_path / "spool.sqlite3")) as writer:
        recorder = Recorder(store, writer, clock, lambda _failed, _witness: None, Announced(store, clock))
        recorder.start()
        recorder.set_targets([a_target(interval_seconds=1800.0)])
        for n in range(SLOWER_AFTER):
            due_at = NOON - timedelta(minutes=SLOWER_AFTER - n)
            recorder.record(a_result(due_at=due_at, ttft_seconds=1.0, **SERIES))
        wait_until("the model to be degraded", lambda: state(store) is State.DEGRADED)
        assert recorder.close(5.0)
    verdict = store.statistics()[QUICK].verdict
    assert verdict is not None
    assert verdict.reason.key == ReasonKey.SLOWER_THAN_USUAL
    assert dict(verdict.reason.params)["usual"] == pytest.approx(0.25, rel=0.011)
    assert verdict.since == NOON - timedelta(minutes=SLOWER_AFTER)


def state(store: Store) -> State | None:
    verdict = store.statistics()[QUICK].verdict
    return verdict.state if verdict is not None else None
