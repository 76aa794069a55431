"""Objectives on the model's page, in the API and in /metrics: what is known, what is spent, what nobody can tell."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from probes.domain.outcome import Outcome
from probes.domain.result import Trigger
from probes.domain.target import Objectives
from probes.stats.slo import BURN_LONG, BURN_SHORT, Burning
from probes.web.history import RECENT_DAYS
from probes.web.queries.slo import BURN_HOURS
from tests.examples import NOON, a_result
from tests.web.serving import TARGETS, Board, a_board, a_plan

WANTED = Objectives(availability=0.99, ttft_p95_seconds=2.0)
QUICK = "acme/main/quick"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """Only the first of three targets has objectives."""
    board = a_board(tmp_path)
    first, *others = TARGETS
    board.store.put_plan(a_plan((replace(first, objectives=WANTED), *others)))
    return board


def probed(board: Board, n: int, since: datetime, outcome: Outcome = Outcome.OK, **changes: Any) -> None:
    """One probe a minute from `since` on."""
    board.store.add_results(
        [a_result(outcome, due_at=since + timedelta(minutes=minute), **changes) for minute in range(n)]
    )
    board.tick()


def slo_of(board: Board) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = board.client.get(f"/api/v1/targets/{QUICK}").json["slo"]  # type: ignore[index]
    return told


def page(board: Board, language: str = "en") -> str:
    text = board.client.get(f"/models/{QUICK}", headers={"Accept-Language": language}).text
    return text.replace("\xa0", " ")


def samples(board: Board) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(board.client.get("/metrics").text)
    return {
        (sample.name, *(sample.labels[name] for name in ("objective", "window") if name in sample.labels)): (
            sample.value
        )
        for family in families
        for sample in family.samples
        if sample.name.startswith("llm_slo")
    }


def test_the_windows_are_those_of_the_rule() -> None:
    assert timedelta(days=RECENT_DAYS) == BURN_LONG
    assert timedelta(hours=BURN_HOURS) == BURN_SHORT


def test_a_budget_is_told_with_what_it_is_made_of(board: Board) -> None:
    probed(board, 197, NOON - timedelta(days=40))
    probed(board, 1, NOON - timedelta(days=39), Outcome.STALLED)
    probed(board, 1, NOON - timedelta(days=38), Outcome.AUTH)
    probed(board, 2, NOON - timedelta(minutes=5), ttft_seconds=2.5)
    availability, ttft = slo_of(board)
    month, quarter = availability["budgets"]
    assert (month["window"], month["n"], month["left"], month["needed"]) == ("30d", 2, None, 100)
    assert (quarter["window"], quarter["n"], quarter["bad"]) == ("90d", 200, 1)
    assert quarter["left"] == pytest.approx(0.5)
    assert (ttft["limit_seconds"], ttft["objective"]) == (2.0, 0.95)
    assert (ttft["budgets"][1]["n"], ttft["budgets"][1]["bad"]) == (199, 2)


def test_todays_failures_count_at_once(board: Board) -> None:
    probed(board, 100, NOON - timedelta(days=2))
    assert slo_of(board)[0]["budgets"][0]["left"] == 1.0
    probed(board, 2, NOON - timedelta(minutes=2), Outcome.STALLED)
    assert slo_of(board)[0]["budgets"][0]["left"] == pytest.approx(1 - 2 / 1.02)
    assert "spent" in page(board)


def test_probes_that_nobody_scheduled_do_not_spend_it(board: Board) -> None:
    probed(board, 100, NOON - timedelta(hours=3))
    probed(board, 5, NOON - timedelta(minutes=9), Outcome.STALLED, trigger=Trigger.CONFIRM)
    assert slo_of(board)[0]["budgets"][0]["bad"] == 0


def test_before_the_first_probe_everything_is_unknown(board: Board) -> None:
    for view in slo_of(board):
        assert view["burning"] == "unknown"
        assert view["burn_rate_3d"] is None
        assert all(budget["left"] is None for budget in view["budgets"])
    assert {name for name, *_ in samples(board)} == {"llm_slo_objective_ratio"}


def test_a_burn_is_told_on_the_page_in_the_api_and_in_metrics(board: Board) -> None:
    probed(board, 600, NOON - timedelta(hours=23))
    probed(board, 40, NOON - timedelta(hours=2), Outcome.STALLED)
    probed(board, 10, NOON - timedelta(minutes=10))
    assert [view["burning"] for view in slo_of(board)] == ["burning", "steady"]
    told = samples(board)
    assert told["llm_slo_burning", "availability"] == 1
    assert told["llm_slo_burning", "ttft_p95"] == 0
    assert told["llm_slo_objective_ratio", "availability"] == 0.99
    assert told["llm_slo_burn_rate", "availability", "6h"] == pytest.approx(80)
    assert told["llm_slo_burn_rate", "availability", "3d"] == pytest.approx(40 / 6.5)
    assert told["llm_slo_budget_left_ratio", "availability", "30d"] == pytest.approx(1 - 40 / 6.5)
    assert "too fast" in page(board)


def test_a_burn_of_yesterday_is_over_but_not_forgiven(board: Board) -> None:
    probed(board, 40, NOON - timedelta(hours=30), Outcome.STALLED)
    probed(board, 300, NOON - timedelta(hours=5))
    view = slo_of(board)[0]
    assert Burning(view["burning"]) is Burning.STEADY
    assert view["budgets"][0]["left"] < 0


def test_a_burn_of_last_week_is_in_no_rate(board: Board) -> None:
    probed(board, 40, NOON - timedelta(days=3), Outcome.STALLED)
    probed(board, 300, NOON - timedelta(hours=5))
    assert slo_of(board)[0]["burn_rate_3d"] == 0


def test_the_page_says_what_is_wanted_and_what_is_left(board: Board) -> None:
    probed(board, 200, NOON - timedelta(hours=4))
    shown = page(board)
    assert "99 % of the probes are answered" in shown
    assert "95 % of the answers begin within" in shown
    assert "0 failed of 2.0 allowed; n 200" in shown
    assert "steady" in shown


def test_the_board_marks_a_spent_budget_and_nothing_else(board: Board) -> None:
    probed(board, 100, NOON - timedelta(hours=4))
    assert "budget spent" not in board.client.get("/").text
    probed(board, 2, NOON - timedelta(minutes=2), Outcome.STALLED)
    assert board.client.get("/").text.count("budget spent") == 1


def test_the_page_says_how_many_are_needed_to_tell(board: Board) -> None:
    probed(board, 30, NOON - timedelta(hours=4))
    assert "30 judged; at least 100 are needed to tell" in page(board)


def test_a_model_without_an_objective_shows_none(board: Board) -> None:
    board.store.add_results([a_result(target="acme/main/slow")])
    board.tick()
    assert "Objectives" not in board.client.get("/models/acme/main/slow").text
    assert board.client.get("/api/v1/targets/acme/main/slow").json["slo"] == []  # type: ignore[index]


def test_the_list_has_only_targets_with_objectives(board: Board) -> None:
    told = board.client.get("/api/v1/slo").json
    assert told is not None
    assert [target["target"] for target in told["targets"]] == [QUICK]
    assert [view["indicator"] for view in told["targets"][0]["slo"]] == ["availability", "ttft_p95"]
    assert told["is_stale"] is False


def test_the_list_says_when_it_is_stale(board: Board) -> None:
    board.client.get("/api/v1/slo")
    board.store_goes_away()
    told = board.client.get("/api/v1/slo").json
    assert told is not None
    assert told["is_stale"] is True
