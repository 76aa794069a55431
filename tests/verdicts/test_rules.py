from datetime import timedelta

import pytest

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import ProbeResult
from probes.domain.state import State, Verdict
from probes.domain.target import Readiness
from probes.verdicts.rules import (
    DOWN_AFTER,
    Freshness,
    ReasonKey,
    Subject,
    freshness,
    judge,
    present,
)
from tests.examples import NOON, a_result

OK, FAIL, AUTH, LIMITED = Outcome.OK, Outcome.SERVER_ERROR, Outcome.AUTH, Outcome.RATE_LIMITED
SUBJECT = Subject(Readiness.READY, "", interval_seconds=60)


def history(*outcomes: Outcome, response_seconds: float = 1.0) -> list[ProbeResult]:
    """Results newest first, a minute apart; the newest at noon."""
    return [
        a_result(
            outcome,
            NOON - timedelta(minutes=age),
            response_seconds=response_seconds if outcome is OK else None,
        )
        for age, outcome in enumerate(outcomes)
    ]


@pytest.mark.parametrize(
    ("outcomes", "state", "reason"),
    [
        pytest.param([], State.UNKNOWN, ReasonKey.NEVER_SEEN, id="never seen is not green"),
        pytest.param([OK], State.OPERATIONAL, ReasonKey.HEALTHY, id="one good answer"),
        pytest.param([FAIL, OK, OK], State.OPERATIONAL, ReasonKey.SINGLE_FAILURE, id="one failure is noise"),
        pytest.param([FAIL], State.DEGRADED, ReasonKey.ONLY_FAILURES, id="never seen working"),
        pytest.param([FAIL, FAIL, OK, OK], State.DEGRADED, ReasonKey.PARTIAL_FAILURES, id="two of four"),
        pytest.param([FAIL, FAIL, FAIL, OK], State.DOWN, ReasonKey.CONSECUTIVE_FAILURES, id="three in a row"),
        pytest.param(
            [OK, FAIL, FAIL, FAIL], State.DEGRADED, ReasonKey.PARTIAL_FAILURES, id="recovery is gradual"
        ),
        pytest.param([OK, OK, OK, OK, FAIL, FAIL], State.OPERATIONAL, ReasonKey.HEALTHY, id="old news"),
        pytest.param([AUTH, OK, OK], State.ATTENTION, ReasonKey.OURS, id="our key is not their outage"),
        pytest.param([LIMITED, OK], State.OPERATIONAL, ReasonKey.SINGLE_FAILURE, id="throttled once"),
        pytest.param([OK, LIMITED, LIMITED, OK], State.DEGRADED, ReasonKey.THROTTLED, id="throttled often"),
        pytest.param([LIMITED], State.DEGRADED, ReasonKey.THROTTLED, id="only ever throttled"),
        pytest.param(
            [Outcome.REASONING_ONLY, OK], State.OPERATIONAL, ReasonKey.ANSWER_UNUSABLE, id="up, no use"
        ),
        pytest.param(
            [Outcome.MISSED, OK], State.OPERATIONAL, ReasonKey.HEALTHY, id="a missed slot says nothing"
        ),
    ],
)
def test_outcomes_give_the_documented_state(outcomes: list[Outcome], state: State, reason: ReasonKey) -> None:
    verdict = judge(SUBJECT, history(*outcomes), NOON)
    assert (verdict.state, verdict.reason.key) == (state, reason)


def test_slow_answers_degrade_only_when_they_repeat() -> None:
    slow = history(OK, OK, response_seconds=40.0)
    quick = history(OK, OK, OK)
    assert judge(SUBJECT, slow, NOON).reason.key == ReasonKey.SLOW
    assert judge(SUBJECT, [slow[0], *quick[1:]], NOON).state is State.OPERATIONAL


def test_an_outage_begins_with_its_first_failing_slot() -> None:
    verdict = judge(SUBJECT, history(*[FAIL] * DOWN_AFTER, OK), NOON)
    assert verdict.since == NOON - timedelta(minutes=DOWN_AFTER - 1)


def test_an_unchanged_state_keeps_its_beginning() -> None:
    long_ago = NOON - timedelta(days=2)
    before = Verdict(State.OPERATIONAL, judge(SUBJECT, history(OK), NOON).reason, long_ago, NOON)
    assert judge(SUBJECT, history(OK, OK), NOON, before).since == long_ago


def test_silence_turns_a_shown_verdict_into_unknown() -> None:
    results = history(OK)
    verdict = judge(SUBJECT, results, NOON)
    assert present(verdict, SUBJECT, results[0], NOON + timedelta(minutes=4)).state is State.OPERATIONAL
    later = present(verdict, SUBJECT, results[0], NOON + timedelta(minutes=6))
    assert (later.state, later.reason.key) == (State.UNKNOWN, ReasonKey.STALE)


def test_a_paused_target_is_paused_whatever_it_last_said() -> None:
    paused = Subject(Readiness.PAUSED, "", 60)
    assert judge(paused, history(FAIL, FAIL, FAIL), NOON).state is State.PAUSED
    assert present(None, paused, None, NOON).state is State.PAUSED


def test_freshness_follows_the_targets_own_interval() -> None:
    ages = {
        Freshness.FRESH: timedelta(minutes=2),
        Freshness.STALE: timedelta(minutes=4),
        Freshness.EXPIRED: timedelta(minutes=6),
    }
    assert {freshness(NOON - age, 60, NOON) for age in ages.values()} == set(ages)
    assert freshness(None, 60, NOON) is Freshness.EXPIRED


def test_every_outcome_is_judged() -> None:
    states = {outcome: judge(SUBJECT, history(outcome), NOON).state for outcome in Outcome}
    green = {outcome for outcome, state in states.items() if state is State.OPERATIONAL}
    assert green == {o for o in Outcome if o.fault in (Fault.NONE, Fault.ANSWER)}
