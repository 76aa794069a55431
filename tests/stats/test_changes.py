"""Which results make an event, and which are noise."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import cycle, islice
from random import Random
from typing import Any

import pytest

from probes.domain.event import EventKind, TargetEvent
from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult
from probes.stats.changes import MANY, WATCHED, Field, changes_of
from tests.examples import NOON, a_result

MINUTE = timedelta(minutes=1)
GONE = {"outcome": Outcome.MODEL_NOT_FOUND}
WRONG = {"outcome": Outcome.WRONG_ANSWER, "answer_ok": False}
RIGHT = {"answer_ok": True}


def in_a_row(*given: dict[str, Any], step: timedelta = MINUTE) -> list[ProbeResult]:
    """One result each `step`, with these fields."""
    return [
        a_result(
            fields.get("outcome", Outcome.OK),
            due_at=NOON + n * step,
            id=f"r{n}",
            **{name: value for name, value in fields.items() if name != "outcome"},
        )
        for n, fields in enumerate(given)
    ]


def served(*models: str | None, step: timedelta = MINUTE) -> list[ProbeResult]:
    return in_a_row(*({"served_model": model} for model in models), step=step)


def events_of(results: Iterable[ProbeResult]) -> list[TargetEvent]:
    return changes_of({}, results)[1]


def kinds_of(results: Iterable[ProbeResult]) -> list[EventKind]:
    return [event.kind for event in events_of(results)]


def test_an_alias_that_moves_makes_one_event_with_its_evidence() -> None:
    results = served("gpt-x-0501", "gpt-x-0501", "gpt-x-0812", "gpt-x-0812")

    (event,) = events_of(results)

    assert (event.kind, event.before, event.after) == (
        EventKind.SERVED_MODEL_CHANGED,
        "gpt-x-0501",
        "gpt-x-0812",
    )
    assert (event.target, event.at, event.result_id) == ("acme/main/quick", results[2].started_at, "r2")


def test_the_first_value_is_no_change() -> None:
    assert events_of(served(None, "a", "a")) == []


def test_what_was_not_stated_is_no_change() -> None:
    assert events_of(served("a", None, "a", None, None, "a")) == []


def test_a_failure_that_states_nothing_changes_nothing() -> None:
    failed = [{"outcome": outcome} for outcome in Outcome if outcome is not Outcome.MODEL_NOT_FOUND]

    assert events_of(in_a_row({"served_model": "a"}, *failed, {"served_model": "a"})) == []


@pytest.mark.parametrize("field", ["served_model", "fingerprint"])
def test_a_pool_of_two_makes_one_event_however_long_it_alternates(field: str) -> None:
    values = islice(cycle("AB"), 5000)

    assert len(events_of(in_a_row(*({field: value} for value in values)))) == 1


@pytest.mark.parametrize("share_of_b", [0.02, 0.1, 0.5, 0.9])
def test_a_pool_that_draws_by_chance_does_not_flood(share_of_b: float) -> None:
    random = Random(11)
    models = ["B" if random.random() < share_of_b else "A" for _ in range(7 * 24 * 60)]  # a week of minutes

    assert len(events_of(served(*models))) <= 3


def test_a_roll_back_is_told_and_dated_by_its_first_result() -> None:
    results = served(*"AAAB", *"A" * 30)

    moved, back = events_of(results)

    assert (moved.after, back.before, back.after) == ("B", "B", "A")
    assert (back.at, back.result_id) == (results[4].started_at, "r4")


def test_a_value_not_seen_for_a_week_is_news_again() -> None:
    results = served("A", "B", *"B" * 9, "A", step=timedelta(days=1))

    assert [event.after for event in events_of(results)] == ["B", "A"]


def test_a_value_of_its_own_for_each_answer_is_soon_ignored() -> None:
    results = served(*(f"build-{n}" for n in range(500)))

    assert len(events_of(results)) == MANY - 1


def test_one_wrong_answer_is_chance_and_two_are_an_event() -> None:
    assert kinds_of(in_a_row(RIGHT, RIGHT, WRONG, RIGHT, WRONG, RIGHT)) == []
    assert kinds_of(in_a_row(RIGHT, RIGHT, WRONG, WRONG, RIGHT)) == [EventKind.ANSWER_FAILED]


def test_an_answer_check_recovers_after_a_run_of_right_answers() -> None:
    run = WATCHED[Field.ANSWER].back_after

    assert kinds_of(in_a_row(RIGHT, RIGHT, WRONG, WRONG, *[RIGHT] * run)) == [
        EventKind.ANSWER_FAILED,
        EventKind.ANSWER_RECOVERED,
    ]


def test_an_answer_cut_before_it_could_be_right_says_nothing() -> None:
    assert kinds_of(in_a_row(RIGHT, RIGHT, *[{"answer_ok": False}] * 5)) == []


def test_a_model_that_answered_and_is_not_found_twice_was_retired() -> None:
    (event,) = events_of(in_a_row({}, {}, GONE, GONE, GONE))

    assert (event.kind, event.result_id) == (EventKind.MODEL_RETIRED, "r2")


@pytest.mark.parametrize(
    "given", [pytest.param([GONE, GONE, GONE], id="never found"), pytest.param([{}, {}, GONE, {}], id="once")]
)
def test_a_model_that_never_answered_or_was_missed_once_is_not_retired(given: list[dict[str, Any]]) -> None:
    assert kinds_of(in_a_row(*given)) == []


def test_our_own_change_is_an_event_and_starts_anew() -> None:
    results = in_a_row(
        {"spec_version": "s1", "served_model": "a", "answer_ok": True},
        {"spec_version": "s1", "served_model": "a", "answer_ok": True},
        {"spec_version": "s2", "served_model": "b", **WRONG},
        {"spec_version": "s2", "served_model": "b", **WRONG},
    )

    (event,) = events_of(results)

    assert (event.kind, event.before, event.after) == (EventKind.SPEC_CHANGED, "s1", "s2")
    assert event.kind.is_ours


def test_a_new_prompt_is_our_own_change() -> None:
    assert kinds_of(in_a_row({"prompt_version": "count-1"}, {"prompt_version": "count-2"})) == [
        EventKind.PROMPT_CHANGED
    ]


def test_an_edit_taken_back_is_never_read_as_the_providers_change() -> None:
    ours = {"spec_version": "s1", "served_model": "a"}
    other = {"spec_version": "s2", "served_model": "b"}

    kinds = kinds_of(in_a_row(ours, other, other, *[ours] * 6))

    assert kinds == [EventKind.SPEC_CHANGED, EventKind.SPEC_CHANGED]


def test_two_agents_with_different_files_do_not_flood() -> None:
    pair = [{"spec_version": "s1", "served_model": "a"}, {"spec_version": "s2", "served_model": "b"}]

    assert kinds_of(in_a_row(*pair * 200)) == [EventKind.SPEC_CHANGED]


def test_events_have_the_same_ids_when_found_again() -> None:
    results = served("a", "b", "c")

    assert events_of(results) == events_of(results)
    assert len({event.id for event in events_of(results)}) == 2


def test_hostile_values_are_bounded_and_fit_for_any_store() -> None:
    (event,) = events_of(served("a", "\ud83d" + "x" * 5000))

    assert len(event.after) == 200
    assert event.after.encode()


def test_the_memory_stays_small() -> None:
    memory, _ = changes_of({}, served(*(f"build-{n}" for n in range(500))))

    assert len(memory[Field.SERVED_MODEL].held) <= MANY


def test_results_one_by_one_tell_the_same_as_all_at_once() -> None:
    random = Random(3)
    results = served(*(random.choice("ABC") for _ in range(300)))
    memory, one_by_one = changes_of({}, [])
    for result in results:
        memory, found = changes_of(memory, [result])
        one_by_one += found

    assert one_by_one == events_of(results)
