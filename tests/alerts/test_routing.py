"""Tables: who hears of what, when it is quiet, how long to wait, and words for all there is to say."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.alerts import words
from probes.alerts.heartbeat import Vitals, is_well
from probes.alerts.outbox import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, pause_seconds
from probes.alerts.quiet import passes, quiet_until
from probes.alerts.routing import hears_incident, hears_of
from probes.domain.incident import Cause, Severity
from probes.domain.outcome import Outcome
from probes.domain.result import Category
from probes.domain.state import Reason
from probes.settings.alerts import Language, QuietHours
from probes.verdicts.rules import ReasonKey
from tests.alerts.examples import FAILING, QUICK, SLOW, a_channel, an_incident
from tests.examples import NOON

NIGHT = QuietHours(time(22, 0), time(7, 0), "Europe/Berlin")


@pytest.mark.parametrize(
    ("providers", "targets", "is_heard"),
    [
        pytest.param((), (), True, id="everything"),
        pytest.param(("acme",), (), True, id="the provider"),
        pytest.param(("ACME",), (), True, id="in any case"),
        pytest.param(("zeta",), (), False, id="another provider"),
        pytest.param((), (QUICK,), True, id="the target"),
        pytest.param((), (SLOW,), False, id="another target"),
        pytest.param((), ("acme/*",), True, id="a pattern"),
        pytest.param((), ("*quick",), True, id="a pattern at the end"),
        pytest.param((), ("quick",), False, id="a part is no pattern"),
        pytest.param(("zeta",), (QUICK,), True, id="both add up"),
    ],
)
def test_a_channel_hears_of_what_it_names(
    providers: tuple[str, ...], targets: tuple[str, ...], is_heard: bool
) -> None:
    channel = a_channel(providers=providers, targets=targets)
    assert hears_of(channel, "acme", [QUICK]) is is_heard


@pytest.mark.parametrize("least", Severity)
@pytest.mark.parametrize("severity", Severity)
def test_a_channel_hears_from_its_severity_on(least: Severity, severity: Severity) -> None:
    order = [Severity.ATTENTION, Severity.DEGRADED, Severity.DOWN]
    is_heard = hears_incident(a_channel(min_severity=least), an_incident(severity=severity))
    assert is_heard is (order.index(severity) >= order.index(least))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        pytest.param("2026-11-21 12:00", "2026-11-21 12:00", id="by day"),
        pytest.param("2026-11-21 21:00", "2026-11-22 06:00", id="as the night begins"),
        pytest.param("2026-11-21 20:59", "2026-11-21 20:59", id="just before it"),
        pytest.param("2026-11-22 03:00", "2026-11-22 06:00", id="after midnight"),
        pytest.param("2026-11-22 06:00", "2026-11-22 06:00", id="as it ends"),
        pytest.param("2026-07-01 21:00", "2026-07-02 05:00", id="in summer the hours move with the clock"),
        pytest.param("2026-10-24 23:00", "2026-10-25 06:00", id="the night in which summer time ends"),
    ],
)
def test_quiet_hours_are_those_of_the_local_clock(moment: str, until: str) -> None:
    assert quiet_until(NIGHT, at(moment)) == at(until)


@given(
    st.datetimes(at("2026-01-01").replace(tzinfo=None), at("2027-12-31").replace(tzinfo=None)),
    st.times(),
    st.times(),
)
def test_the_end_of_quiet_hours_is_never_quiet_nor_in_the_past(
    moment: datetime, start: time, end: time
) -> None:
    quiet = QuietHours(start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0), "UTC")
    known = moment.replace(tzinfo=UTC)
    until = quiet_until(quiet, known)
    assert known <= until <= known + timedelta(days=1)
    assert quiet_until(quiet, until) == until


def test_what_is_bad_enough_passes_quiet_hours() -> None:
    assert passes(NIGHT, Severity.DOWN)
    assert not passes(NIGHT, Severity.DEGRADED)
    assert not passes(QuietHours(NIGHT.start, NIGHT.end, unless=None), Severity.DOWN)


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_up_to_a_limit_and_are_spread(attempts: int, chance: float) -> None:
    pause = pause_seconds(attempts, chance)
    assert FIRST_PAUSE_SECONDS / 2 <= pause <= LONGEST_PAUSE_SECONDS * 1.5
    assert pause_seconds(attempts, 0) <= pause_seconds(attempts + 1, 0)


@pytest.mark.parametrize(
    ("vitals", "well"),
    [
        pytest.param(Vitals(True, NOON, NOON, 60.0), True, id="at work"),
        pytest.param(Vitals(True, None, NOON, None), True, id="nothing to probe"),
        pytest.param(Vitals(False, NOON, NOON, 60.0), False, id="standing by"),
        pytest.param(Vitals(True, NOON, None, 60.0), False, id="a store never reached"),
        pytest.param(Vitals(True, NOON, NOON - timedelta(minutes=2), 60.0), False, id="a store that is away"),
        pytest.param(Vitals(True, None, NOON, 60.0), False, id="no result yet"),
        pytest.param(Vitals(True, NOON - timedelta(minutes=2), NOON, 60.0), True, id="a slow round"),
        pytest.param(Vitals(True, NOON - timedelta(minutes=4), NOON, 60.0), False, id="slots do not run"),
        pytest.param(Vitals(True, NOON - timedelta(minutes=25), NOON, 600.0), True, id="a long interval"),
    ],
)
def test_the_heart_beats_only_while_the_agent_works(vitals: Vitals, well: bool) -> None:
    assert is_well(vitals, NOON) is well


def test_there_are_words_for_everything_in_both_languages() -> None:
    tables = [words.SEVERITIES, words.CAUSES, words.OUTCOMES, words.CATEGORIES, words.PHRASES]
    assert [set(table) for table in tables[:4]] == [set(Severity), set(Cause), set(Outcome), set(Category)]
    for table in tables:
        for english, chinese in table.values():
            assert english
            assert not english.isascii() or chinese
            assert "{" not in english or sorted(fields(english)) == sorted(fields(chinese))


def fields(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (FAILING, "3 probes in a row failed: server error"),
        (Reason(ReasonKey.SLOW, (("category", "lagging"),)), "slow answers: lagging"),
        (
            Reason(ReasonKey.SLOWER_THAN_USUAL, (("metric", "ttft"), ("value", 2.5), ("usual", 0.4))),
            "slower than usual: first token 2.5 s, usually 0.4 s",
        ),
        (Reason("of_a_newer_agent", (("x", 1),)), "of a newer agent"),
        (Reason(ReasonKey.OURS, (("outcome", "unheard_of"),)), "our side: unheard_of"),
        (Reason(ReasonKey.PARTIAL_FAILURES), "partial failures"),
    ],
)
def test_reasons_are_told_in_words(reason: Reason, text: str) -> None:
    assert words.Words(Language.EN).reason(reason) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45, "45 s"), (90, "2 min"), (3600, "60 min"), (7500, "2 h 5 min"), (180000, "2 d 2 h")],
)
def test_durations_are_told_as_one_says_them(seconds: float, text: str) -> None:
    assert words.Words(Language.EN).duration(seconds) == text
