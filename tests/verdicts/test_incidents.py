from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.domain.incident import Cause, Ending, Incident, Severity, UpdateKind
from probes.domain.outcome import Outcome
from probes.domain.state import State
from probes.domain.target import Readiness
from probes.verdicts.drafts import FIRST_EVIDENCE
from probes.verdicts.evidence import STEADY_AFTER
from probes.verdicts.incidents import (
    MAX_RETURNS,
    NEAR_SPAN,
    RELAPSE_INTERVALS,
    gone,
    merged,
    reconciled,
)
from probes.verdicts.standing import OURS_AFTER, Family
from tests.verdicts.incident_days import MINUTE, Days, at, kinds, parts, target_of

OK, FAIL, AUTH, LIMITED = Outcome.OK, Outcome.SERVER_ERROR, Outcome.AUTH, Outcome.RATE_LIMITED
SLOW = 40.0


def only(days: Days) -> Incident:
    (incident,) = days.all
    return incident


def test_an_outage_is_an_incident_from_its_first_failing_slot_to_its_first_good_one() -> None:
    days = Days()
    days.slots(2, a=OK)
    days.slots(3, a=FAIL)
    opened = only(days)
    assert (opened.severity, opened.cause, kinds(opened)) == (
        Severity.DOWN,
        Cause.SERVER_ERROR,
        ["opened"],
    )
    assert (opened.started_at, opened.detected_at) == (at(20), at(40))
    assert opened.time_to_detect_seconds == 1200
    assert opened.time_to_recover_seconds is None
    days.slots(2, a=OK)
    assert only(days).is_open, "two good answers are no recovery"
    days.slot(a=OK)
    over = only(days)
    assert (over.ended_at, over.resolved_at, kinds(over)) == (at(50), at(70), ["opened", "resolved"])
    assert over.time_to_recover_seconds == 1800
    assert over.affected[0].ending is Ending.RECOVERED
    assert len(days.written) == over.version


def test_asking_again_changes_nothing_at_any_moment() -> None:
    days = Days()
    for outcome in (OK, OK, FAIL, FAIL, FAIL, FAIL, OK, FAIL, OK, OK, OK, AUTH, AUTH, OK, SLOW, SLOW, OK):
        days.slot(a=outcome, b=OK)
        days.now -= days.interval
        assert days.judge() == ()
        days.now += days.interval


def test_models_that_fail_together_are_one_incident() -> None:
    days = Days()
    days.slots(2, a=OK, b=OK, c=OK)
    days.slots(3, a=FAIL, b=FAIL, c=OK)
    assert only(days).targets == (target_of("a"), target_of("b"))
    days.slots(3, a=FAIL, b=FAIL, c=FAIL)
    assert (parts(only(days)), kinds(only(days))) == (
        {"a": True, "b": True, "c": True},
        ["opened", "joined"],
    )
    days.slots(3, a=OK, b=FAIL, c=OK)
    left = only(days)
    assert (parts(left), kinds(left)[-1]) == ({"a": False, "b": True, "c": False}, "left")
    assert set(left.updates[-1].targets) == {target_of("a"), target_of("c")}
    days.slots(3, b=OK)
    assert not only(days).is_open
    assert kinds(only(days)) == ["opened", "joined", "left", "resolved"]


def test_a_model_that_begins_much_later_has_an_incident_of_its_own() -> None:
    days = Days()
    days.slots(2, a=OK, b=OK)
    days.slots(10, a=FAIL, b=OK)
    days.slots(3, a=FAIL, b=FAIL)
    first, second = days.open
    assert (first.targets, second.targets) == ((target_of("a"),), (target_of("b"),))
    assert second.started_at - first.started_at > NEAR_SPAN


@pytest.mark.parametrize(
    ("outcomes", "family", "severity", "cause"),
    [
        pytest.param([FAIL] * 3, Family.THEIRS, Severity.DOWN, Cause.SERVER_ERROR, id="down"),
        pytest.param([FAIL, OK] * 5, Family.THEIRS, Severity.DEGRADED, Cause.SERVER_ERROR, id="partial"),
        pytest.param([SLOW] * 2, Family.THEIRS, Severity.DEGRADED, Cause.SLOW, id="slow"),
        pytest.param([AUTH] * OURS_AFTER, Family.OURS, Severity.ATTENTION, Cause.OURS, id="our key"),
        pytest.param([LIMITED] * 3, Family.OURS, Severity.ATTENTION, Cause.THROTTLED, id="throttled"),
        pytest.param(
            [Outcome.DNS_ERROR] * 3, Family.THEIRS, Severity.DOWN, Cause.UNREACHABLE, id="unreachable"
        ),
        pytest.param(
            [Outcome.FIRST_TOKEN_TIMEOUT] * 3, Family.THEIRS, Severity.DOWN, Cause.TIMEOUT, id="silent"
        ),
        pytest.param(
            [Outcome.STALLED, Outcome.NOT_SSE, Outcome.TRUNCATED_STREAM],
            Family.THEIRS,
            Severity.DOWN,
            Cause.BROKEN_STREAM,
            id="broken streams",
        ),
        pytest.param(
            [FAIL, Outcome.STALLED, Outcome.DNS_ERROR], Family.THEIRS, Severity.DOWN, Cause.MIXED, id="mixed"
        ),
    ],
)
def test_troubles_open_incidents_of_their_family_severity_and_cause(
    outcomes: list[Outcome | float], family: Family, severity: Severity, cause: Cause
) -> None:
    days = Days()
    days.slots(3, a=OK)
    for outcome in outcomes:
        days.slot(a=outcome)
    opened = only(days)
    assert (Family.of(opened.severity), opened.severity, opened.cause) == (family, severity, cause)
    assert opened.is_public is (family is Family.THEIRS)
    assert opened.started_at == at(30)


@pytest.mark.parametrize(
    "outcomes",
    [
        pytest.param([FAIL, OK, OK], id="a blip"),
        pytest.param([FAIL, FAIL, OK], id="two failures"),
        pytest.param([AUTH, OK], id="a lone refusal"),
        pytest.param([LIMITED, OK, OK, LIMITED, OK], id="throttled now and then"),
        pytest.param([SLOW, OK, OK], id="slow once"),
        pytest.param([Outcome.MISSED] * 20, id="slots that were missed"),
        pytest.param([Outcome.SKIPPED] * 20, id="slots that were skipped"),
    ],
)
def test_noise_opens_nothing(outcomes: list[Outcome | float]) -> None:
    days = Days()
    days.slots(3, a=OK)
    for outcome in outcomes:
        days.slot(a=outcome)
    assert days.all == []


def test_a_model_that_was_always_slow_is_slow_and_not_in_trouble() -> None:
    days = Days()
    days.slots(10, a=SLOW)
    assert days.verdicts[target_of("a")].state is State.DEGRADED
    assert days.all == []
    days.slots(3, a=FAIL)
    days.slots(3, a=SLOW)
    assert not only(days).is_open, "it is as it was before"


def test_throttling_is_over_when_it_has_stayed_away_for_a_while() -> None:
    days = Days()
    days.slots(3, a=OK)
    days.slots(3, a=LIMITED)
    days.slots(STEADY_AFTER - 1, a=OK)
    assert days.verdicts[target_of("a")].state is State.OPERATIONAL
    assert only(days).is_open
    days.slot(a=OK)
    assert only(days).ended_at == at(60)


def test_a_model_that_is_slow_every_now_and_then_has_no_incident_each_time() -> None:
    days = Days()
    days.slots(6, a=OK)
    for _ in range(4):
        days.slots(4, a=SLOW)
        days.slots(8, a=OK)
    assert len(days.all) == 1


def test_an_endpoint_that_never_worked_asks_the_operator_and_accuses_nobody() -> None:
    days = Days()
    days.newcomers.add(target_of("a"))
    days.slots(2, a=FAIL)
    assert days.all == []
    days.slot(a=FAIL)
    assert only(days).severity is Severity.ATTENTION
    days.newcomers.clear()
    days.slots(3, a=OK)
    assert not only(days).is_open
    days.slots(3, a=FAIL)
    assert days.open[0].severity is Severity.DOWN


def test_our_key_fails_while_the_provider_is_down_and_neither_ends_the_other() -> None:
    days = Days()
    days.slots(2, a=OK)
    days.slots(3, a=FAIL)
    days.slots(2, a=AUTH)
    assert {(i.severity, i.is_open) for i in days.all} == {
        (Severity.DOWN, True),
        (Severity.ATTENTION, True),
    }
    days.slot(a=OK)
    assert [incident.severity for incident in days.open] == [Severity.DOWN], "the key works again"
    days.slots(2, a=OK)
    assert days.open == []


def test_severity_worsens_and_eases_on_the_timeline() -> None:
    days = Days()
    days.slots(2, a=OK, b=OK)
    days.slots(2, a=SLOW, b=OK)
    assert only(days).severity is Severity.DEGRADED
    days.slots(3, a=SLOW, b=FAIL)
    assert kinds(only(days)) == ["opened", "joined", "worsened"]
    days.slots(3, a=SLOW, b=OK)
    eased = only(days)
    assert (eased.severity, kinds(eased)[-2:]) == (Severity.DEGRADED, ["left", "eased"])
    days.slots(3, a=1.0, b=OK)
    assert (only(days).severity, only(days).is_open) == (Severity.DOWN, False), "the worst of all"


@pytest.mark.parametrize("readiness", [Readiness.PAUSED, Readiness.NOT_CONFIGURED])
def test_a_model_that_nobody_watches_any_more_leaves_unwatched(readiness: Readiness) -> None:
    days = Days()
    days.slots(2, a=OK, b=OK)
    days.slots(3, a=FAIL, b=FAIL)
    days.readiness[target_of("a")] = readiness
    days.judge()
    assert parts(only(days)) == {"a": False, "b": True}
    days.readiness[target_of("b")] = readiness
    days.judge()
    over = only(days)
    assert not over.is_open
    assert {part.ending for part in over.affected} == {Ending.UNWATCHED}
    assert over.time_to_recover_seconds is None, "nobody saw the end"


def test_what_failed_before_a_pause_opens_nothing_after_it() -> None:
    days = Days()
    days.slots(2, a=OK)
    days.slots(3, a=FAIL)
    days.readiness[target_of("a")] = Readiness.PAUSED
    days.judge()
    days.readiness[target_of("a")] = Readiness.READY
    days.judge()
    assert days.open == []
    days.now += MINUTE
    days.slot(a=FAIL)
    assert [incident.started_at for incident in days.open] == [days.recent[target_of("a")][0].due_at]


def test_a_removed_model_leaves_unwatched() -> None:
    days = Days()
    days.slots(2, a=OK)
    days.slots(3, a=FAIL)
    assert gone(only(days), ["acme/main/other"], days.now) is None
    after = gone(only(days), [target_of("a")], days.now)
    assert after is not None
    assert (after.is_open, after.affected[0].ending, kinds(after)[-1]) == (
        False,
        Ending.UNWATCHED,
        "resolved",
    )
    assert gone(after, [target_of("a")], days.now) is None


def test_silence_neither_opens_nor_resolves() -> None:
    days = Days()
    days.slots(2, a=OK)
    days.slots(3, a=FAIL)
    days.slots(3, a=Outcome.MISSED)
    days.now += timedelta(days=2)
    days.judge()
    assert days.verdicts[target_of("a")].state is State.UNKNOWN
    assert only(days).is_open


def test_targets_that_were_not_judged_stay_as_they_are() -> None:
    days = Days()
    days.slots(2, a=OK, b=OK)
    days.slots(3, a=FAIL, b=FAIL)
    days.slots(3, b=OK)
    assert parts(only(days)) == {"a": True, "b": False}


def test_several_incidents_a_day_on_one_target() -> None:
    days = Days()
    for _ in range(4):
        days.slots(3, a=FAIL) if days.recent else days.slots(3, a=OK)
        days.slots(3 + 2 * RELAPSE_INTERVALS, a=OK)
    days.slots(3, a=FAIL)
    assert len(days.all) == 4
    assert [incident.is_open for incident in days.all] == [False, False, False, True]
    assert len({incident.started_at for incident in days.all}) == 4


def test_a_relapse_soon_after_the_end_reopens_the_incident() -> None:
    days = Days()
    days.slots(2, a=OK)
    days.slots(3, a=FAIL)
    days.slots(3, a=OK)
    days.slots(3, a=FAIL)
    back = only(days)
    assert (back.is_open, back.ended_at, kinds(back)) == (True, None, ["opened", "resolved", "reopened"])
    assert back.started_at == at(20)


def test_flapping_neither_floods_nor_hides_in_one_endless_incident() -> None:
    days = Days()
    days.slots(2, a=OK)
    for _ in range(3 * (MAX_RETURNS + 1)):
        days.slots(3, a=FAIL)
        days.slots(3, a=OK)
    assert len(days.all) == 3
    assert kinds(days.all[0]).count("reopened") == MAX_RETURNS


def test_evidence_is_the_first_failures_and_the_newest_and_quiet_versions_say_nothing() -> None:
    days = Days()
    days.slots(2, a=OK)
    days.slots(20, a=FAIL)
    (part,) = only(days).affected
    failures = [result.id for result in reversed(days.recent[target_of("a")]) if result.outcome is FAIL]
    assert list(part.evidence) == failures[:FIRST_EVIDENCE]
    assert kinds(only(days)) == ["opened"]
    assert only(days).version <= 1 + FIRST_EVIDENCE, "an outage does not write with each probe"


def two_that_turn_out_to_be_one() -> tuple[Days, Incident, Incident]:
    days = Days()
    days.slots(2, a=OK, b=OK)
    days.slots(5, a=FAIL, b=OK)
    days.slots(3, a=FAIL, b=FAIL)
    older, younger = days.all
    assert older.started_at < younger.started_at
    return days, older, younger


def test_two_that_turn_out_to_have_begun_together_become_one() -> None:
    days, older, younger = two_that_turn_out_to_be_one()
    part = replace(younger.affected[0], started_at=older.started_at + MINUTE)
    days.incidents[younger.id] = replace(younger, affected=(part,), handed_over=1)
    days.judge()
    into, other = days.incidents[older.id], days.incidents[younger.id]
    assert (other.merged_into, other.is_open, kinds(other)[-1]) == (into.id, False, "merged")
    assert parts(into) == {"a": True, "b": True}
    assert kinds(into) == ["opened", "opened", "merged"]
    assert (into.updates[-1].text, other.updates[-1].text) == (other.id, into.id)
    assert into.handed_over == 1, "what the outbox knows comes first"
    assert into.updates[0].id == younger.updates[0].id
    assert days.judge() == ()


def test_an_interrupted_merge_is_finished_by_asking_again() -> None:
    days, older, younger = two_that_turn_out_to_be_one()
    into, other = merged(older, younger, days.now)
    days.incidents[older.id] = into
    writes = reconciled(days.open, [], days.now)
    assert [incident.id for incident in writes] == [younger.id]
    assert writes[0].merged_into == older.id
    assert writes[0].version == other.version


def test_a_merge_by_hand_keeps_the_later_state_of_each_model() -> None:
    days = Days()
    days.slots(2, a=OK, b=OK)
    days.slots(3, a=FAIL, b=OK)
    days.slots(20, a=OK, b=OK)
    days.slots(3, a=FAIL, b=OK)
    first, second = days.all
    into, other = merged(first, second, days.now)
    (part,) = into.affected
    assert (part.is_open, part.started_at) == (True, first.started_at)
    assert (into.is_open, into.ended_at, into.version) == (True, None, first.version + 1)
    assert (other.is_open, other.version) == (False, second.version + 1)


def test_incidents_that_cannot_be_one_are_not_merged() -> None:
    _, older, younger = two_that_turn_out_to_be_one()
    ours = replace(younger, severity=Severity.ATTENTION)
    elsewhere = replace(younger, provider="bolt")
    for other in (older, ours, elsewhere, replace(younger, merged_into="another")):
        with pytest.raises(ValueError, match=r"not one|merged"):
            merged(older, other, older.updated_at)


OUTCOMES = st.sampled_from([OK, OK, OK, FAIL, FAIL, AUTH, LIMITED, SLOW, Outcome.MISSED, Outcome.STALLED])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(OUTCOMES, OUTCOMES, OUTCOMES, st.sampled_from([None, None, None, None, "a", "b"])),
        max_size=80,
    )
)
def test_whatever_happens_incidents_stay_sound(
    slots: list[tuple[Outcome | float, Outcome | float, Outcome | float, str | None]],
) -> None:
    days = Days()
    days.slots(3, a=OK, b=OK, c=OK)
    for a, b, c, toggled in slots:
        days.slot(a=a, b=b, c=c)
        if toggled is not None:
            target = target_of(toggled)
            is_paused = days.readiness.get(target) is Readiness.PAUSED
            days.readiness[target] = Readiness.READY if is_paused else Readiness.PAUSED
            days.judge()
        assert days.judge() == ()
        open_parts = [(Family.of(i.severity), target) for i in days.open for target in i.open_targets]
        assert len(open_parts) == len(set(open_parts)), "no target in two open incidents of one family"
        for incident in days.all:
            assert_sound(incident)
    for before, after in pairwise(versions_of(days)):
        if before.id == after.id:
            assert after.version == before.version + 1
            assert {u.id for u in before.updates} <= {u.id for u in after.updates}


def versions_of(days: Days) -> list[Incident]:
    return sorted(days.written, key=lambda incident: (incident.id, incident.version))


def assert_sound(incident: Incident) -> None:
    assert incident.started_at == min(part.started_at for part in incident.affected)
    assert incident.started_at <= incident.detected_at
    assert len(set(incident.targets)) == len(incident.targets)
    assert len({update.id for update in incident.updates}) == len(incident.updates)
    assert incident.updates[0].kind is UpdateKind.OPENED
    assert {Family.of(part.severity) for part in incident.affected} == {Family.of(incident.severity)}
    for part in incident.affected:
        assert part.evidence, "every accusation has a record"
        assert len(part.evidence) <= FIRST_EVIDENCE + 1
        assert part.ended_at is None or part.ended_at >= part.started_at
        assert part.worst.rank >= part.severity.rank
    if incident.merged_into is None:
        assert incident.is_open == any(part.is_open for part in incident.affected)
        assert (incident.ended_at is None) == incident.is_open
    if incident.resolved_at is not None:
        assert incident.ended_at is not None
        assert incident.ended_at <= incident.resolved_at
