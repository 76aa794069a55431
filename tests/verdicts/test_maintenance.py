"""Which windows a rule means, over summer time and month ends, and how a state begins and ends with one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.domain.state import State, Verdict
from probes.domain.target import Readiness
from probes.domain.upkeep import Maintenance, Pause, Repeat
from probes.verdicts.confirming import to_confirm
from probes.verdicts.evidence import DOWN_AFTER, RECOVERED_AFTER
from probes.verdicts.maintenance import (
    Occurrence,
    concerns,
    finished,
    next_occurrence,
    occurrences,
    upcoming,
    upkeep_at,
)
from probes.verdicts.network import sighting_of
from probes.verdicts.rules import ReasonKey, Subject, judge, present
from tests.examples import NOON, a_result

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
BERLIN = "Europe/Berlin"


def a_rule(start: str = "2026-11-21 13:00", hours: float = 1.0, **changes: Any) -> Maintenance:
    values: dict[str, Any] = {"id": "r", "title": "Move", "timezone": "UTC"}
    first = datetime.fromisoformat(start)
    return Maintenance(**{**values, "first_start": first, "duration_seconds": hours * 3600, **changes})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(rule: Maintenance, since: str, until: str) -> list[str]:
    found = occurrences(rule, utc(since), utc(until))
    return [window.start.strftime("%m-%d %H:%M") for window in found]


@pytest.mark.parametrize(
    ("rule", "since", "until", "expected"),
    [
        (a_rule(), "2026-11-21 00:00", "2026-11-22 00:00", ["11-21 13:00"]),
        (a_rule(), "2026-11-21 13:30", "2026-11-21 13:40", ["11-21 13:00"]),
        (a_rule(), "2026-11-21 14:01", "2026-12-22 00:00", []),
        (a_rule(repeat=Repeat.DAILY), "2026-11-23 14:30", "2026-11-25 13:00", ["11-24 13:00", "11-25 13:00"]),
        (
            a_rule(repeat=Repeat.DAILY, last_day=date(2026, 11, 22)),
            "2026-11-01 00:00",
            "2026-12-01 00:00",
            ["11-21 13:00", "11-22 13:00"],
        ),
        (
            a_rule(repeat=Repeat.WEEKLY),
            "2026-11-22 00:00",
            "2026-12-06 00:00",
            ["11-28 13:00", "12-05 13:00"],
        ),
        (
            a_rule("2026-10-31 13:00", repeat=Repeat.MONTHLY),
            "2026-10-01 00:00",
            "2027-04-01 00:00",
            ["10-31 13:00", "12-31 13:00", "01-31 13:00", "03-31 13:00"],
        ),
        (
            a_rule("2028-02-29 13:00", repeat=Repeat.MONTHLY),
            "2029-01-01 00:00",
            "2029-04-01 00:00",
            ["01-29 13:00", "03-29 13:00"],
        ),
        (
            a_rule("2026-10-24 02:30", timezone=BERLIN, repeat=Repeat.DAILY),
            "2026-10-24 00:00",
            "2026-10-27 00:00",
            ["10-24 00:30", "10-25 00:30", "10-26 01:30"],
        ),
        (
            a_rule("2027-03-27 02:30", timezone=BERLIN, repeat=Repeat.DAILY),
            "2027-03-27 00:00",
            "2027-03-30 00:00",
            ["03-27 01:30", "03-28 01:30", "03-29 00:30"],
        ),
        (
            a_rule("2026-11-21 01:00", timezone="Pacific/Kiritimati"),
            "2026-11-20 00:00",
            "2026-11-21 00:00",
            ["11-20 11:00"],
        ),
        (
            a_rule("2026-11-20 23:00", timezone="Pacific/Pago_Pago"),
            "2026-11-21 00:00",
            "2026-11-22 00:00",
            ["11-21 10:00"],
        ),
        (a_rule(hours=72), "2026-11-24 12:00", "2026-11-24 12:30", ["11-21 13:00"]),
        (a_rule("2199-12-31 23:00", hours=1), "2026-01-01 00:00", "2030-01-01 00:00", []),
    ],
    ids=[
        "once",
        "once, in the midst of it",
        "once, over",
        "daily",
        "daily with a last day",
        "weekly",
        "on the 31st of the months that have one",
        "from a leap day on",
        "a time that comes twice is the first",
        "a time that is skipped comes as much later",
        "far east of Greenwich",
        "far west of Greenwich",
        "longer than a day",
        "in a far future",
    ],
)
def test_a_rule_means_these_windows(rule: Maintenance, since: str, until: str, expected: list[str]) -> None:
    assert starts(rule, since, until) == expected


def test_a_duration_is_real_time_whatever_the_clock_does() -> None:
    for day in ("2026-10-25", "2027-03-28"):
        (window,) = occurrences(
            a_rule(f"{day} 01:00", 3, timezone=BERLIN), utc(f"{day} 00:00"), utc(f"{day} 03:00")
        )
        assert window.end - window.start == 3 * HOUR


def test_at_two_oclock_each_saturday_stays_at_two_when_summer_time_ends() -> None:
    rule = a_rule("2026-10-17 02:00", timezone=BERLIN, repeat=Repeat.WEEKLY)
    found = list(occurrences(rule, utc("2026-10-01 00:00"), utc("2026-11-30 00:00")))
    assert {window.start.astimezone(ZoneInfo(BERLIN)).strftime("%a %H:%M") for window in found} == {
        "Sat 02:00"
    }
    assert len({window.start.hour for window in found}) == 2


EARLIEST = datetime.fromisoformat("2025-01-01")
ZONES = st.sampled_from(["UTC", BERLIN, "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"])
RULES = st.builds(
    a_rule,
    start=st.datetimes(EARLIEST, datetime.fromisoformat("2027-12-31")).map(
        lambda at: at.isoformat(" ", "minutes")
    ),
    hours=st.sampled_from([0.25, 1, 23.5]),
    timezone=ZONES,
    repeat=st.sampled_from(Repeat),
    last_day=st.none() | st.dates(date(2025, 1, 1), date(2028, 6, 1)),
)
MOMENTS = st.datetimes(EARLIEST, datetime.fromisoformat("2028-01-01"), timezones=st.just(UTC))


@given(RULES, MOMENTS)
@settings(max_examples=150, deadline=None)
def test_looking_from_anywhere_finds_the_same_windows(rule: Maintenance, at: datetime) -> None:
    everything = list(occurrences(rule, at - 400 * DAY, at + 400 * DAY))
    assert [w.start for w in everything] == sorted({w.start for w in everything})
    near = [w for w in everything if w.start <= at + DAY and w.end >= at - DAY]
    assert list(occurrences(rule, at - DAY, at + DAY)) == near
    covering = [w for w in everything if w.covers(at)]
    assert list(upkeep_at([rule], [], at).windows) == covering
    to_come = [w for w in everything if w.end > at]
    coming = next_occurrence(rule, at)
    if to_come:
        assert coming == to_come[0]
    assert all(w.end > at for w in upcoming([rule], at, 30 * DAY))
    assert all(w.end <= at for w in finished([rule], at, 30 * DAY))


@given(RULES)
@settings(max_examples=60, deadline=None)
def test_a_window_begins_at_the_rules_time_of_day_or_as_much_later_as_the_clock_jumps(
    rule: Maintenance,
) -> None:
    first = utc("2025-01-01 00:00")
    for window in list(occurrences(rule, first - 2 * DAY, first + 1200 * DAY))[:40]:
        there = window.start.astimezone(ZoneInfo(rule.timezone)).replace(tzinfo=None)
        late = there - there.replace(hour=rule.first_start.hour, minute=rule.first_start.minute)
        assert timedelta(0) <= late <= HOUR


@pytest.mark.parametrize(
    ("providers", "targets", "is_held"),
    [
        ((), (), True),
        (("ACME",), (), True),
        (("other",), (), False),
        ((), ("quick",), True),
        ((), ("slow",), False),
        (("other",), ("qu*",), True),
    ],
)
def test_whom_a_rule_holds(providers: tuple[str, ...], targets: tuple[str, ...], is_held: bool) -> None:
    assert concerns(a_rule(providers=providers, targets=targets), "acme/main/quick") is is_held


def test_of_several_windows_the_one_that_ends_last_is_told() -> None:
    rules = [a_rule("2026-11-21 11:00", 2, id="short"), a_rule("2026-11-21 10:00", 9, id="long")]
    window = upkeep_at(rules, [], NOON).window("acme/main/quick")
    assert window is not None
    assert window.rule.id == "long"


# What a window does to a state.

INTERVAL = 60.0
TARGET = "acme/main/quick"
FREE = Subject(Readiness.READY, "", INTERVAL)
WINDOW = Occurrence(a_rule("2026-11-21 11:00", 2), NOON - HOUR, NOON + HOUR)
HELD = replace(FREE, window=WINDOW)


def history(
    *outcomes: Outcome, ends: datetime = NOON, trigger: Trigger = Trigger.SCHEDULED
) -> list[ProbeResult]:
    """Oldest first in, newest first out; a minute apart, the newest just before `ends`."""
    count = len(outcomes)
    made = [
        a_result(outcome, due_at=ends - (count - n) * MINUTE, trigger=trigger)
        for n, outcome in enumerate(outcomes)
    ]
    return made[::-1]


OK, FAIL, QUOTA, SLOW = Outcome.OK, Outcome.SERVER_ERROR, Outcome.QUOTA_EXHAUSTED, Outcome.RATE_LIMITED


def test_under_maintenance_the_state_says_so_and_until_when() -> None:
    verdict = judge(HELD, history(*[FAIL] * 9), NOON)
    assert (verdict.state, verdict.reason.key) == (State.MAINTENANCE, ReasonKey.MAINTENANCE)
    assert dict(verdict.reason.params) == {"title": "Move", "until": (NOON + HOUR).isoformat()}
    assert verdict.since == NOON - HOUR


@pytest.mark.parametrize(
    ("readiness", "state"),
    [(Readiness.PAUSED, State.PAUSED), (Readiness.NOT_CONFIGURED, State.NOT_CONFIGURED)],
)
def test_what_is_not_probed_is_not_under_maintenance(readiness: Readiness, state: State) -> None:
    assert judge(replace(HELD, readiness=readiness), [], NOON).state is state


def test_a_pause_of_the_operator_wins_over_a_window_and_has_its_note() -> None:
    pause = Pause(TARGET, NOON - MINUTE, NOON + MINUTE, "moving")
    for verdict in (
        judge(replace(HELD, pause=pause), [], NOON),
        present(None, replace(HELD, pause=pause), None, NOON),
    ):
        assert (verdict.state, verdict.since) == (State.PAUSED, NOON - MINUTE)
        assert dict(verdict.reason.params) == {"note": "moving", "until": (NOON + MINUTE).isoformat()}


@pytest.mark.parametrize(
    "bad", [FAIL, QUOTA, SLOW, Outcome.CONNECT_TIMEOUT], ids=lambda outcome: outcome.value
)
def test_nothing_that_failed_in_a_window_counts_after_it(bad: Outcome) -> None:
    before = history(*[OK] * 5, ends=NOON - HOUR)
    inside = history(*[bad] * 30, ends=NOON, trigger=Trigger.MAINTENANCE)
    after = history(OK, ends=NOON + MINUTE)
    verdict = judge(FREE, [*after, *inside, *before], NOON + MINUTE)
    assert (verdict.state, verdict.reason.key) == (State.OPERATIONAL, ReasonKey.HEALTHY)
    assert to_confirm([*inside, *before], replace(verdict, state=State.OPERATIONAL), NOON) is None


def test_good_answers_in_a_window_end_no_outage() -> None:
    before = history(*[OK] * 5, *[FAIL] * DOWN_AFTER, ends=NOON - HOUR)
    inside = history(*[OK] * 30, ends=NOON, trigger=Trigger.MAINTENANCE)
    down = judge(FREE, [*history(FAIL, ends=NOON + MINUTE), *inside, *before], NOON + MINUTE)
    assert down.state is State.DOWN
    assert down.since == before[DOWN_AFTER - 1].due_at, "since it first failed, before the window"
    good = history(*[OK] * RECOVERED_AFTER, ends=NOON + HOUR)
    assert judge(FREE, [*good, *inside, *before], NOON + HOUR).state is State.OPERATIONAL


HELD_BEFORE = judge(HELD, [], NOON)


def test_after_a_window_nothing_is_said_until_a_probe_outside_tells_something() -> None:
    inside = history(*[OK] * 30, ends=NOON + HOUR, trigger=Trigger.MAINTENANCE)
    verdict = judge(FREE, [*inside, *history(*[OK] * 5, ends=NOON - HOUR)], NOON + HOUR, HELD_BEFORE)
    assert (verdict.state, verdict.reason.key) == (State.UNKNOWN, ReasonKey.RESUMED)
    again = judge(FREE, inside, NOON + HOUR + MINUTE, verdict)
    assert again.reason.key == ReasonKey.RESUMED
    told = judge(FREE, [*history(OK, ends=NOON + HOUR + MINUTE), *inside], NOON + HOUR + MINUTE, verdict)
    assert told.state is State.OPERATIONAL


def test_after_a_short_window_what_was_known_before_still_speaks() -> None:
    before = history(*[OK] * 5, ends=NOON - 2 * MINUTE)
    assert judge(FREE, before, NOON, HELD_BEFORE).state is State.OPERATIONAL


def test_the_web_shows_a_window_on_time_even_when_the_agent_is_slow() -> None:
    operational = Verdict(State.OPERATIONAL, judge(FREE, history(OK), NOON).reason, NOON - DAY, NOON)
    newest = history(OK)[0]
    begun = present(operational, HELD, newest, NOON)
    assert (begun.state, begun.since) == (State.MAINTENANCE, NOON - HOUR)
    over = present(HELD_BEFORE, FREE, newest, NOON + MINUTE)
    assert (over.state, over.reason.key) == (State.UNKNOWN, ReasonKey.RESUMED)


def test_silence_in_a_window_does_not_tell_of_our_network_but_an_answer_does() -> None:
    silent = a_result(Outcome.CONNECT_TIMEOUT, trigger=Trigger.MAINTENANCE)
    assert sighting_of(silent) is None
    seen = sighting_of(replace(silent, outcome=FAIL, fault=FAIL.fault))
    assert seen is not None
    assert seen.reached
