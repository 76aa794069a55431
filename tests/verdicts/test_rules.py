from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.domain.state import State, Verdict
from probes.domain.target import Readiness
from probes.verdicts.evidence import DOWN_AFTER, DOWN_AFTER_CONFIRMED, RECOVERED_AFTER, STEADY_AFTER, WINDOW
from probes.verdicts.network import Loss
from probes.verdicts.rules import (
    PARTIAL_AT,
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
        pytest.param([FAIL, FAIL, OK], State.OPERATIONAL, ReasonKey.CONSECUTIVE_FAILURES, id="two are few"),
        pytest.param(
            [FAIL, OK, FAIL, OK] * 3, State.DEGRADED, ReasonKey.PARTIAL_FAILURES, id="every second one"
        ),
        pytest.param([FAIL, FAIL, FAIL, OK], State.DOWN, ReasonKey.CONSECUTIVE_FAILURES, id="three in a row"),
        pytest.param(
            [OK, OK, FAIL, FAIL, FAIL], State.DEGRADED, ReasonKey.RECOVERING, id="recovery is gradual"
        ),
        pytest.param(
            [FAIL, OK, FAIL, FAIL, FAIL], State.DOWN, ReasonKey.PARTIAL_FAILURES, id="one good is no recovery"
        ),
        pytest.param([OK, OK, OK, FAIL, FAIL, FAIL], State.OPERATIONAL, ReasonKey.HEALTHY, id="recovered"),
        pytest.param(
            [LIMITED, FAIL, FAIL, FAIL],
            State.DOWN,
            ReasonKey.CONSECUTIVE_FAILURES,
            id="a throttled probe is no answer",
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


def test_confirming_failures_count_with_the_first_one() -> None:
    confirmed = [replace(result, trigger=Trigger.CONFIRM) for result in history(*[FAIL] * DOWN_AFTER)]
    first = history(*[OK] * DOWN_AFTER, FAIL, OK)[DOWN_AFTER:]
    assert judge(SUBJECT, [*confirmed, *first], NOON).state is State.DOWN
    assert judge(SUBJECT, [*confirmed[1:], *first], NOON).state is State.OPERATIONAL
    assert len(confirmed) + 1 == DOWN_AFTER_CONFIRMED


def test_confirming_probes_do_not_push_failures_out_of_the_window() -> None:
    confirming = [replace(result, trigger=Trigger.CONFIRM) for result in history(OK, OK)]
    seen = history(*[OK, FAIL] * PARTIAL_AT)
    assert judge(SUBJECT, [*confirming, *seen], NOON).reason.key == ReasonKey.PARTIAL_FAILURES


def test_a_degraded_target_is_harder_to_clear_than_to_accuse() -> None:
    entered = judge(SUBJECT, history(*[FAIL, OK] * PARTIAL_AT), NOON)
    fewer = history(*[OK] * (STEADY_AFTER - 1), *[FAIL, OK] * (PARTIAL_AT - 1))
    assert entered.state is State.DEGRADED
    assert judge(SUBJECT, fewer, NOON).state is State.OPERATIONAL
    assert judge(SUBJECT, fewer, NOON, entered).state is State.DEGRADED
    assert judge(SUBJECT, history(*[OK] * STEADY_AFTER, FAIL, OK), NOON, entered).state is State.OPERATIONAL


def test_a_slow_target_is_clear_when_none_of_its_newest_answers_is_slow() -> None:
    slow, quick = history(OK, OK, response_seconds=40.0), history(OK, OK, OK)
    entered = judge(SUBJECT, slow, NOON)
    assert judge(SUBJECT, [*quick[:2], slow[0]], NOON).state is State.OPERATIONAL
    assert judge(SUBJECT, [*quick[:2], slow[0]], NOON, entered).reason.key == ReasonKey.SLOW
    assert judge(SUBJECT, quick, NOON, entered).state is State.OPERATIONAL


def test_while_our_network_is_lost_nobody_is_accused() -> None:
    cut = Outcome.CONNECT_TIMEOUT
    seen = history(cut, cut, cut, cut, OK)
    lost = Loss(NOON - timedelta(minutes=3))
    held = judge(SUBJECT, seen, NOON, losses=[lost])
    assert judge(SUBJECT, seen, NOON).state is State.DOWN
    assert (held.state, held.reason.key, held.since) == (State.UNKNOWN, ReasonKey.OUR_NETWORK, lost.since)
    refused = judge(SUBJECT, history(FAIL, FAIL, FAIL), NOON, losses=[lost])
    assert refused.state is State.DOWN, "an answer, even a refusal, came over a network that lives"


def test_after_our_network_is_back_its_failures_are_forgotten() -> None:
    cut = Outcome.CONNECT_TIMEOUT
    lost = Loss(NOON - timedelta(minutes=4), NOON - timedelta(seconds=30))
    verdict = judge(SUBJECT, history(cut, cut, cut, cut, OK), NOON + timedelta(seconds=1), losses=[lost])
    assert verdict.state is State.OPERATIONAL


@given(st.lists(st.sampled_from(Outcome), max_size=2 * WINDOW))
def test_whatever_came_before_an_outage_and_a_recovery_are_seen(before: list[Outcome]) -> None:
    down = judge(SUBJECT, history(*[FAIL] * DOWN_AFTER, *before), NOON)
    assert down.state is State.DOWN
    up = judge(SUBJECT, history(*[OK] * max(STEADY_AFTER, RECOVERED_AFTER), *before), NOON)
    assert up.state is State.OPERATIONAL


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
