"""Health: the process, the store, the agents and the configuration, for people and for machines."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from probes.domain.plan import Problem
from probes.domain.result import Stamps
from tests.examples import NOON, a_result
from tests.web.serving import Board, a_board, a_plan, an_agent, an_empty_board


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def health_of(board: Board) -> dict[str, Any]:
    answer = board.client.get("/api/v1/health")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json  # type: ignore[assignment]
    return told


def test_the_process_is_alive_even_without_a_store(board: Board) -> None:
    board.store_goes_away()
    answer = board.client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "version": "0.1.0-test"})


def test_ready_with_store_plan_and_agent(board: Board) -> None:
    answer = board.client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"is_ready": True, "troubles": []})
    assert answer.headers["Cache-Control"] == "no-store"


def test_not_ready_before_any_agent(tmp_path: Path) -> None:
    answer = an_empty_board(tmp_path).client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"is_ready": False, "troubles": ["no_plan", "no_agent"]}


def test_not_ready_once_the_agent_is_silent(board: Board) -> None:
    board.clock.advance(31)
    answer = board.client.get("/readyz")
    assert (answer.status_code, answer.json["troubles"]) == (503, ["no_agent"])  # type: ignore[index]


def test_not_ready_while_the_store_is_away(board: Board) -> None:
    board.client.get("/readyz")
    board.store_goes_away()
    answer = board.client.get("/readyz")
    assert (answer.status_code, answer.json["troubles"]) == (503, ["store_unavailable"])  # type: ignore[index]


def test_health_tells_of_every_agent(board: Board) -> None:
    board.store.beat(
        an_agent(
            NOON - timedelta(minutes=3), agent="there@test-2", location="there", is_active=False, missed=4
        )
    )
    board.clock.advance(10)
    agents = {agent["location"]: agent for agent in health_of(board)["agents"]}
    assert (agents["here"]["is_alive"], agents["here"]["is_active"]) == (True, True)
    assert agents["here"]["beat_age_seconds"] == 10.0
    assert (agents["there"]["is_alive"], agents["there"]["missed"]) == (False, 4)


def row_of(board: Board, agent: str) -> str:
    """The agent's row of the table of self-checks, the last one that names it."""
    return [row for row in board.client.get("/health").text.split("<tr") if agent in row][-1]


def test_an_agent_tells_how_true_its_own_times_are(board: Board) -> None:
    unchecked = health_of(board)["agents"][0]
    assert (unchecked["self_check_at"], unchecked["self_check_ttft_error_seconds"]) == (None, None)
    assert (unchecked["workers"], unchecked["workers_running"], unchecked["worker_deaths"]) == (1, 1, 0)
    assert row_of(board, "here@test-1").count("–") == 3, "two errors and a time that nobody knows yet"

    checked = {
        "self_check_at": NOON,
        "self_check_gap_error_seconds": 0.00001,
        "self_check_stamps": Stamps.KERNEL,
    }
    board.store.beat(an_agent(**checked, self_check_ttft_error_seconds=0.000041))
    board.tick()
    row = row_of(board, "here@test-1")
    assert "+0.04\N{NO-BREAK SPACE}ms" in row
    assert "kernel" in row
    assert "#i-degraded" not in row
    assert health_of(board)["agents"][0]["self_check_ttft_error_seconds"] == 0.000041

    board.store.beat(an_agent(**checked, self_check_ttft_error_seconds=-0.0021))
    board.tick()
    row = row_of(board, "here@test-1")
    assert "-2.10\N{NO-BREAK SPACE}ms" in row
    assert "#i-degraded" in row


def test_an_agent_tells_of_the_processes_that_it_lost(board: Board) -> None:
    board.store.beat(an_agent(workers=4, workers_running=3, worker_deaths=2))
    board.tick()
    row = row_of(board, "here@test-1")
    assert "3 of 4" in row
    assert row.count("#i-degraded") == 2


def test_health_tells_of_the_store_and_the_plan(board: Board) -> None:
    board.store.add_results([a_result(), a_result()])
    problem = Problem("unknown key", "Did you mean models?", line=3)
    board.store.put_plan(a_plan(problems=(problem,)))
    told = health_of(board)
    assert (told["store"]["kind"], told["store"]["is_reachable"]) == ("sqlite", True)
    assert told["store"]["results"] == 2
    assert told["store"]["bytes"] > 0
    assert (told["plan"]["version"], told["plan"]["targets"], told["plan"]["ready"]) == ("v1", 3, 3)
    assert told["plan"]["problems"][0]["line"] == 3


def test_health_answers_while_the_store_is_away(board: Board) -> None:
    health_of(board)
    board.store_goes_away()
    board.clock.advance(5)
    told = health_of(board)
    assert (told["is_ready"], told["troubles"]) == (False, ["store_unavailable"])
    assert told["store"]["is_reachable"] is False
    assert told["plan"]["version"] == "v1", "from the last reading"


def test_the_stores_health_is_not_asked_for_by_each_request(board: Board) -> None:
    assert health_of(board)["store"]["results"] == 0
    board.store.add_results([a_result()])
    assert health_of(board)["store"]["results"] == 0
    board.clock.advance(6)
    assert health_of(board)["store"]["results"] == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shows_good_and_bad_days(board: Board, language: str) -> None:
    good = board.client.get(f"/health?lang={language}")
    assert good.status_code == 200
    assert "here@test-1" in good.text
    board.store_goes_away()
    board.clock.advance(60)
    bad = board.client.get(f"/health?lang={language}")
    assert bad.status_code == 200
    assert "#i-down" in bad.text.split("<main")[1]


def test_the_page_stands_without_any_agent_or_plan(tmp_path: Path) -> None:
    page = an_empty_board(tmp_path).client.get("/health")
    assert page.status_code == 200
    assert "No agent was seen in the last 24 hours." in page.text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (31_760_384, "31.8 MB"),
        (2 * 10**12, "2.0 TB"),
    ],
)
def test_sizes_are_told_in_their_unit(board: Board, amount: int | None, text: str) -> None:
    assert board.app.jinja_env.filters["size"](amount) == text
