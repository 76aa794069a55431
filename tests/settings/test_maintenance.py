"""`maintenance:` of the file becomes rules; what is odd is warned of, what is wrong is in bad/maintenance_*."""

from datetime import date, datetime

import pytest

from probes.domain.upkeep import Announcer, Maintenance, Repeat, is_match
from probes.settings.timezones import calendar_day, is_skipped, wall_clock, zone_names
from tests.settings.conftest import Load

MODELS = 'apis: {ollama: {main: {models: [llama, "qwen:7b"]}}}\n'
FULL = """
maintenance:
  - title: GPU swap
    starts: 2026-12-01 02:00
    duration: 2 h
    timezone: Europe/Berlin
    repeat: weekly
    until: 2026-12-31
    providers: [Ollama]
    targets: ["*llama*"]
    note: "Racks 1 and 2."
"""


def test_a_rule_is_read_in_full(load: Load) -> None:
    (rule,) = load(MODELS + FULL).maintenance
    assert rule == Maintenance(
        id=rule.id,
        title="GPU swap",
        first_start=datetime(2026, 12, 1, 2, 0),  # noqa: DTZ001 - wall-clock time
        duration_seconds=7200.0,
        timezone="Europe/Berlin",
        repeat=Repeat.WEEKLY,
        last_day=date(2026, 12, 31),
        providers=("Ollama",),
        targets=("*llama*",),
        note="Racks 1 and 2.",
        announcer=Announcer.FILE,
    )


def test_the_rest_has_defaults_and_everything_is_held(load: Load) -> None:
    text = MODELS + 'maintenance: [{title: a, starts: "2026-12-01T02:00", duration: 3600}]'
    (rule,) = load(text).maintenance
    assert (rule.timezone, rule.repeat, rule.last_day) == ("UTC", Repeat.NEVER, None)
    assert (rule.providers, rule.targets, rule.note) == ((), (), "")


@pytest.mark.parametrize("nothing", ["maintenance:\n", "maintenance: []\n", ""])
def test_none_is_none(load: Load, nothing: str) -> None:
    assert load(MODELS + nothing).maintenance == ()


def test_a_rule_keeps_its_id_while_its_words_and_length_change(load: Load) -> None:
    (before,) = load(MODELS + FULL).maintenance
    edited = FULL.replace("GPU swap", "Moved").replace("2 h", "3h").replace("Racks", "Rows")
    (after,) = load(MODELS + edited).maintenance
    assert after.id == before.id
    (moved,) = load(MODELS + FULL.replace("02:00", "03:00")).maintenance
    assert moved.id != before.id


def test_a_change_of_a_rule_is_a_change_of_the_settings(load: Load) -> None:
    assert load(MODELS + FULL).version != load(MODELS + FULL.replace("2 h", "3 h")).version


def test_a_start_that_summer_time_skips_is_warned_of(load: Load) -> None:
    text = MODELS + (
        'maintenance: [{title: a, starts: "2027-03-28 02:30", duration: 1h, timezone: Europe/Berlin}]'
    )
    (warning,) = load(text).warnings
    assert "skip 02:30 on that day: it begins at 03:30" in warning.message
    assert (warning.line, warning.path) == (2, "maintenance[0].starts")


@pytest.mark.parametrize(
    ("pattern", "target", "is_held"),
    [
        ("openai/main/gpt-4o", "openai/main/gpt-4o", True),
        ("gpt-4o", "openai/main/gpt-4o", True),
        ("GPT-4O", "openai/main/gpt-4o", True),
        ("gpt-4o", "openai/main/gpt-4o-mini", False),
        ("gpt-4o*", "openai/main/gpt-4o-mini", True),
        ("*mini", "openai/main/gpt-4o-mini", True),
        ("openai/*", "openai/main/gpt-4o", True),
        ("openai", "openai/main/gpt-4o", False),
        ("vision/large", "acme/main/vision/large", True),
        ("x[1]", "acme/main/x[1]", True),
    ],
)
def test_a_name_an_id_or_a_pattern_names_a_target(pattern: str, target: str, is_held: bool) -> None:
    assert is_match(pattern, target) is is_held


@pytest.mark.parametrize(
    ("text", "is_time"),
    [
        ("2026-12-01 02:00", True),
        ("2026-12-01T02:00", True),
        (" 2026-12-01 02:00:30 ", True),
        ("2026-12-01", False),
        ("2026-12-01 02:00Z", False),
        ("2026-12-01 02:00+01:00", False),
        ("2026-13-01 02:00", False),
        ("1999-12-01 02:00", False),
        ("9999-12-31 23:59", False),
        ("noon", False),
        ("", False),
    ],
)
def test_a_wall_clock_time_has_a_day_a_time_and_no_zone(text: str, is_time: bool) -> None:
    assert (wall_clock(text) is not None) is is_time
    if is_time:
        assert wall_clock(text) == datetime(2026, 12, 1, 2, 0)  # noqa: DTZ001


def test_days_and_zones_are_those_that_exist() -> None:
    assert calendar_day("2026-12-31") == date(2026, 12, 31)
    assert calendar_day("2026-02-30") is None
    assert {"UTC", "Europe/Berlin", "Asia/Shanghai"} <= set(zone_names())
    assert not {"localtime", "Factory"} & set(zone_names())


def test_only_a_time_that_no_clock_shows_is_skipped() -> None:
    gap = datetime(2027, 3, 28, 2, 30)  # noqa: DTZ001
    assert is_skipped(gap, "Europe/Berlin")
    assert not is_skipped(gap, "UTC")
    assert not is_skipped(datetime(2026, 10, 25, 2, 30), "Europe/Berlin"), "it comes twice"  # noqa: DTZ001
