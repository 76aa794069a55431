"""The page that explains everything is made from what the code uses, and so are its figures."""

import re
from pathlib import Path

import pytest

from probes.domain.outcome import Fault, Outcome
from probes.domain.plan import SELF_CHECK_LIMIT_SECONDS
from probes.domain.result import RESULT_FIELDS, Category
from probes.domain.state import State
from probes.domain.target import Deadlines, RequestOptions, Thresholds
from probes.prober.prompts import PROMPT_VERSION
from probes.stats import slo
from probes.stats.baseline import LEARNT_SPAN, MAD_TO_SIGMA, MIN_DAYS, MIN_N, SPREAD_FLOOR, Scope
from probes.verdicts.deviation import SLOWER_AFTER, SLOWER_FACTOR, SLOWER_SIGMAS, USUAL_AGAIN_AFTER
from probes.verdicts.drift import DECISION, DRIFT_FACTOR, SLACK
from probes.web.queries.methodology import category_limits, outcomes_of
from tests.examples import a_target
from tests.web.serving import Board, a_board, a_plan


@pytest.fixture
def served(tmp_path: Path) -> Board:
    return a_board(tmp_path)


@pytest.fixture
def text(served: Board) -> str:
    return served.client.get("/methodology").text


def section(text: str, name: str) -> str:
    match = re.search(rf'<section id="{name}".*?</section>', text, re.DOTALL)
    assert match is not None, name
    return match[0]


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_stands_under_its_fault(text: str, outcome: Outcome) -> None:
    under = section(text, "outcomes").split(f'id="fault-{outcome.fault.value}"')[1].split("<h3")[0]
    assert f'id="outcome-{outcome.value}"' in under


def test_the_outcomes_of_all_faults_are_all_outcomes() -> None:
    assert sorted(outcome for fault in Fault for outcome in outcomes_of(fault)) == sorted(Outcome)


def test_each_state_is_explained(text: str) -> None:
    assert section(text, "states").count("<tr>") == len(State)


def test_each_category_is_explained_with_the_limits_of_the_code(text: str) -> None:
    assert list(category_limits(Thresholds())) == list(Category)
    told = section(text, "categories")
    for limit in ("below 8.5\xa0s", "up to 35\xa0s", "up to 50\xa0s", "up to 1\xa0min 40\xa0s"):
        assert limit in told


def test_the_rule_of_burning_is_that_of_the_code(text: str) -> None:
    told = section(text, "objectives").replace("\xa0", " ")
    assert "95.00 % of the answers" in told
    assert (slo.BURN_RATE, slo.LEAST_FAILURES, slo.CHANCE) == (1.0, 3, 1e-4)
    assert "at least 1.0 both over the last 3 d (UTC days) and over the last 6 h (whole hours)" in told
    assert "at least 3 failures" in told
    assert "once in 10\u202f000 times" in told


def test_the_limit_of_the_self_check_is_that_of_the_code(text: str) -> None:
    told = section(text, "figures").split('id="self-check"')[1]
    assert SELF_CHECK_LIMIT_SECONDS == 0.002
    assert "2.0\N{NO-BREAK SPACE}ms" in told
    assert 'href="/health"' in told


def test_the_deadlines_are_those_of_the_code(text: str) -> None:
    told = section(text, "measuring")
    assert Deadlines() == Deadlines(5, 5, 60, 30, 100)
    for limit in (">5\xa0s<", ">1\xa0min<", ">30\xa0s<", ">1\xa0min 40\xa0s<"):
        assert limit in told


def test_the_prompt_is_shown_with_its_version_and_limit(text: str) -> None:
    told = section(text, "measuring")
    assert f"version {PROMPT_VERSION}, {RequestOptions().max_tokens} tokens" in told
    assert "Count upward in words" in told


@pytest.mark.parametrize("name", RESULT_FIELDS)
def test_each_field_of_a_record_is_explained(text: str, name: str) -> None:
    assert f"<code>{name}</code>" in section(text, "fields")


def test_models_with_limits_of_their_own_are_named(served: Board) -> None:
    odd = a_target("odd", thresholds=Thresholds(smooth_seconds=1), deadlines=Deadlines(total_seconds=300))
    served.store.put_plan(a_plan((odd, a_target("usual"))))
    served.tick()
    text = served.client.get("/methodology").text
    assert "Limits of their own have: odd." in section(text, "categories")
    assert "Deadlines of their own have: odd." in section(text, "measuring")


def test_every_link_inside_the_page_leads_somewhere(text: str) -> None:
    for anchor in re.findall(r'href="#([^"]+)"', text):
        assert f'id="{anchor}"' in text, anchor


def test_it_stands_without_a_configuration_and_without_a_store(served: Board) -> None:
    served.store_goes_away()
    assert served.client.get("/methodology").status_code == 200


def test_what_is_usual_and_slower_than_usual_is_told_with_the_codes_own_limits(text: str) -> None:
    usual, rules = section(text, "figures").split('id="usual"')[1], section(text, "states")
    assert (LEARNT_SPAN.days, MIN_DAYS, SPREAD_FLOOR, MAD_TO_SIGMA) == (28, 14, 0.1, 1.4826)
    for limit in ("last 28 days", "Before 14 different days", "not below 0.1", "times 1.4826"):
        assert limit in usual
    assert [f"{MIN_N[scope]}" in usual for scope in Scope] == [True] * 3
    assert f"Slower than usual: {SLOWER_AFTER} scheduled answers in a row" in rules
    assert f"at least {SLOWER_FACTOR:g} times the usual of their hour" in rules
    assert f"{SLOWER_SIGMAS:g} robust standard deviations or more" in rules
    assert f"It ends with {USUAL_AGAIN_AFTER} in a row" in rules
    assert f"at least {DRIFT_FACTOR:g} times that of the same hours" in rules
    assert f"each less {SLACK:g} standard deviations or half of that factor, exceeds {DECISION:g}" in rules
