"""Scenario texts, mixes and phases, and the scenario file."""

import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.simulator import ScenarioError, load_scenario_file
from probes.simulator.answer import plan_answer
from probes.simulator.behaviour import Behaviour, Moment, chosen
from probes.simulator.catalogue import behaviour_named, list_scenarios, scenario_named
from probes.simulator.scenario import Finish, Reply, Text
from probes.simulator.words import number_words, tokens

DEMO = Path(__file__).parents[2] / "config" / "demo-scenarios.yaml"


def names(behaviour: Behaviour, moments: list[Moment]) -> list[str]:
    return [chosen(behaviour, moment, random.Random(f"0/{moment.request_number}")).name for moment in moments]


def requests(total: int) -> list[Moment]:
    return [Moment(number, 1, 0.0) for number in range(1, total + 1)]


@pytest.mark.parametrize("text", ["ok?ttft=0.2&gap=0.02&tokens=32", "ok;ttft=0.2;gap=0.02;tokens=32"])
def test_parameters_follow_the_name(text: str) -> None:
    scenario = scenario_named(text)
    assert (scenario.timing.ttft_seconds, scenario.timing.gap_seconds) == (0.2, 0.02)
    assert scenario.content.tokens == 32
    assert scenario.name == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("okay", "no scenario named 'okay'; list them with the command: simulate --list"),
        ("ok?tfft=1", "unknown parameter 'tfft'; known: after, body, bom"),
        ("ok?ttft", "parameter 'ttft' has no value; write ttft=VALUE"),
        ("ok?ttft=soon", "parameter ttft_seconds='soon': Input should be a valid number"),
        ("ok?fault=explode", "parameter fault='explode': Input should be 'none', 'stall'"),
    ],
)
def test_a_wrong_text_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        behaviour_named(text)
    assert message in str(caught.value)


def test_every_scenario_has_one_line_of_description() -> None:
    listed = list_scenarios()
    assert len(listed) == len({name for name, _ in listed})
    assert all(description.endswith(".") and "\n" not in description for _, description in listed)


def test_two_500s_come_before_each_ok() -> None:
    assert names(behaviour_named("500-500-200"), requests(6)) == ["error-500", "error-500", "ok"] * 2


def test_two_500s_come_before_ok_on_each_connection() -> None:
    moments = [
        Moment(number, on_connection, 0.0) for number, on_connection in enumerate((1, 2, 3, 1), start=1)
    ]
    found = names(behaviour_named("500-500-200-connection"), moments)
    assert found == ["error-500", "error-500", "ok", "error-500"]


def test_a_mix_keeps_its_weights() -> None:
    found = Counter(names(behaviour_named("flaky"), requests(2000)))
    assert found["error-500"] == pytest.approx(400, abs=80)
    assert found["ok"] + found["error-500"] == 2000


def test_parameters_hold_for_all_scenarios_of_a_sequence() -> None:
    behaviour = behaviour_named("500-500-200;ttft=0.5")
    assert {
        choice.scenario.timing.ttft_seconds for phase in behaviour.phases for choice in phase.choices
    } == {0.5}


def test_phases_follow_the_time_and_repeat(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text(
        "models: {burst: {phases: [{length: 60, scenario: ok}, {length: 30, scenario: error-529}]}}"
    )
    behaviour = load_scenario_file(path)["burst"]
    moments = [Moment(1, 1, seconds) for seconds in (0, 59.9, 60, 89.9, 90, 155)]
    assert names(behaviour, moments) == ["ok", "ok", "error-529", "error-529", "ok", "error-529"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: {a: {mix: {ok: 1}, scenario: ok}}", "models.a.str: Input should be a valid string"),
        ("models: {a: {mix: {ok: 1}, scenario: ok}}", "give one of scenario, mix, phases"),
        ("models: {a: {phases: [{length: 1}]}}", "give either scenario or mix"),
        ("models: {a: {mix: {ok: -1}}}", "Input should be greater than 0"),
        ("models: {a: {speed: 1}}", "Extra inputs are not permitted"),
        ("models: {a: 'nothing'}", "models.a: no scenario named 'nothing'"),
        ("models: [", "not YAML"),
        ("[]", "Input should be a valid dictionary"),
    ],
)
def test_a_wrong_file_says_where_it_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario_file(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="No such file"):
        load_scenario_file(tmp_path / "none.yaml")


def test_numbers_are_counted_without_gaps() -> None:
    spoken = "".join(islice(tokens(Text.COUNT, " "), 134))
    assert spoken.startswith("one two three")
    assert "nineteen twenty twenty-one twenty-two" in spoken
    assert spoken.endswith("one hundred ten one hundred eleven")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (7, "seven"),
        (40, "forty"),
        (99, "ninety-nine"),
        (100, "one hundred"),
        (12_305, "twelve thousand three hundred five"),
    ],
)
def test_a_number_has_its_words(number: int, words: str) -> None:
    assert " ".join(number_words(number)) == words


@given(limit=st.integers(1, 200), reasoning=st.integers(0, 50), wanted=st.none() | st.integers(0, 100))
def test_an_answer_never_passes_its_limit(limit: int, reasoning: int, wanted: int | None) -> None:
    text = f"ok;reasoning={reasoning}" + ("" if wanted is None else f";tokens={wanted}")
    answer = plan_answer(scenario_named(text), limit, 5, random.Random(1))
    assert answer.counts.output_tokens == len(answer.pieces) <= limit
    is_cut = wanted is None or reasoning + wanted > limit
    assert answer.finish is (Finish.LENGTH if is_cut else Finish.STOP)


def test_the_demo_has_six_providers_with_models_of_different_character() -> None:
    models = load_scenario_file(DEMO)
    assert len(models) == 14
    assert len({name.split("-")[0] for name in models}) == 6
    assert all(behaviour.description for behaviour in models.values())
    assert len({repr(behaviour.phases) for behaviour in models.values()}) == 14


def response_seconds(behaviour: Behaviour, number: int) -> float | None:
    """How long the answer to a probe takes; None when the request fails instead."""
    rng = random.Random(f"1/{number}")
    scenario = chosen(behaviour, Moment(number, 1, 0.0), rng)
    is_answer = scenario.opening.reply is Reply.STREAM
    return plan_answer(scenario, 64, 40, rng).finish_seconds if is_answer else None


@pytest.mark.parametrize(
    ("model", "shortest", "longest"),
    [
        ("northwind-swift", 0.3, 1.5),
        ("lumen-atlas", 5, 12),
        ("basalt-base", 8.5, 18),
        ("basalt-deep", 34, 50),
        ("hokusai-ink", 53, 63),
    ],
)
def test_a_demo_model_takes_the_time_it_is_known_for(model: str, shortest: float, longest: float) -> None:
    behaviour = load_scenario_file(DEMO)[model]
    taken = [response_seconds(behaviour, number) for number in range(1, 201)]
    assert shortest < min(taken)
    assert max(taken) < longest


@pytest.mark.parametrize(
    ("model", "share"),
    [("quokka-7b", 0.02), ("hokusai-wave", 0.15), ("paperboat-mini", 1), ("paperboat-legacy", 1)],
)
def test_a_demo_model_fails_as_often_as_it_says(model: str, share: float) -> None:
    behaviour = load_scenario_file(DEMO)[model]
    refused = [response_seconds(behaviour, number) is None for number in range(1, 2001)]
    assert sum(refused) / 2000 == pytest.approx(share, abs=0.02)
