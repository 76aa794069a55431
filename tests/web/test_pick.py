"""/api/v1/pick: what can be relied on now, and why the rest cannot."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from probes.domain.outcome import Outcome
from probes.domain.state import Reason, State, Verdict
from probes.domain.target import Prices, Protocol
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan

FAST, CHEAP, NEW, DOWN = "acme/main/fast", "zeta/main/cheap", "acme/main/new", "acme/main/down"
TARGETS = (
    a_target("down"),
    a_target(
        "cheap", id=CHEAP, provider="zeta", protocol=Protocol.ANTHROPIC_MESSAGES, prices=Prices(0.1, 0.4)
    ),
    a_target("fast", prices=Prices(1.0, 4.0), labels={"tier": "prod"}),
    a_target("new"),
)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """`fast` and `cheap` are good, `down` is down, `new` was never probed."""
    board = a_board(tmp_path)
    board.store.put_plan(a_plan(TARGETS))
    for target, ttft, throughput in ((FAST, 0.2, 40.0), (CHEAP, 0.9, 90.0)):
        probed(board, target, ttft_seconds=ttft, throughput=throughput)
        judged(board, target, State.OPERATIONAL)
    board.store.add_results([a_result(Outcome.STALLED, NOON - timedelta(minutes=n), DOWN) for n in range(30)])
    judged(board, DOWN, State.DOWN, "consecutive_failures", (("n", 3), ("outcome", "stalled")))
    return board


def probed(board: Board, target: str, count: int = 30, **figures: float) -> None:
    board.store.add_results(
        [a_result(due_at=NOON - timedelta(minutes=n), target=target, **figures) for n in range(count)]
    )


def judged(board: Board, target: str, state: State, key: str = "healthy", params: Any = ()) -> None:
    board.store.set_verdict(target, Verdict(state, Reason(key, params), NOON, NOON))


def picked(board: Board, query: str = "") -> dict[str, Any]:
    board.tick()
    answer = board.client.get(f"/api/v1/pick{query}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json  # type: ignore[assignment]
    assert {t["id"] for t in told["candidates"] + told["rejected"]} == {target.id for target in TARGETS}
    assert told["best"] == (told["candidates"][0]["id"] if told["candidates"] else None)
    return told


def candidates(board: Board, query: str = "") -> list[str]:
    return [target["id"] for target in picked(board, query)["candidates"]]


def why_not(board: Board, target: str, query: str = "") -> list[tuple[str, str]]:
    (found,) = [told for told in picked(board, query)["rejected"] if told["id"] == target]
    return [(reason["key"], reason["text"]) for reason in found["reasons"]]


def test_the_soonest_reliable_one_is_first_with_its_reasons(board: Board) -> None:
    told = picked(board)
    assert [target["id"] for target in told["candidates"]] == [FAST, CHEAP]
    best = told["candidates"][0]
    assert best["reasons"][0] == {"key": "state", "text": f"operational: {best['state_reason']['text']}"}
    assert [reason["key"] for reason in best["reasons"][1:]] == ["max_ttft_p95", "min_availability"]
    assert best["reasons"][1]["text"].endswith("s (n 30)")
    assert best["figures"]["n"] == 30
    assert told["since"] == "2026-11-20T13:00:00Z"


def test_down_and_never_seen_are_rejected_with_the_reason(board: Board) -> None:
    (reason,) = why_not(board, DOWN)
    assert reason[0] == "state"
    assert reason[1].startswith("down: ")
    assert why_not(board, NEW) == [("state", "unknown: not probed yet")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?needs=max_ttft_p95:0.5", [FAST]),
        ("?needs=max_ttft_p50:0.5", [FAST]),
        ("?needs=max_response_p95:1", []),
        ("?needs=min_availability:0.99", [FAST, CHEAP]),
        ("?needs=min_throughput:60", [CHEAP]),
        ("?needs=max_price:1", [CHEAP]),
        ("?needs=provider:zeta", [CHEAP]),
        ("?needs=provider:zeta,provider:acme", [FAST, CHEAP]),
        ("?needs=provider:zeta&needs=provider:acme", [FAST, CHEAP]),
        ("?needs=protocol:anthropic_messages", [CHEAP]),
        ("?needs=label:tier=prod", [FAST]),
        ("?needs=label:tier=dev", []),
        ("?needs=exclude:acme", [CHEAP]),
        (f"?needs=exclude:{FAST}", [CHEAP]),
        ("?needs=max_ttft_p95:0.5,provider:zeta", []),
        ("?needs=", [FAST, CHEAP]),
        ("?prefer=throughput", [CHEAP, FAST]),
        ("?prefer=price", [CHEAP, FAST]),
        ("?window=1h", [FAST, CHEAP]),
    ],
)
def test_needs_and_preferences(board: Board, query: str, expected: list[str]) -> None:
    assert candidates(board, query) == expected


def test_a_figure_that_misses_a_need_is_told_with_its_n(board: Board) -> None:
    ((key, text),) = why_not(board, CHEAP, "?needs=max_ttft_p95:0.5")
    assert key == "max_ttft_p95"
    assert text.startswith(("TTFT p95 0.8", "TTFT p95 0.9"))
    assert text.endswith("s (n 30), more than 0.5")


def test_a_figure_that_nobody_observed_meets_no_need(board: Board) -> None:
    board.store.put_plan(a_plan((*TARGETS[:2], a_target("fast"), TARGETS[3])))
    ((key, text),) = why_not(board, FAST, "?needs=max_price:1000")
    assert (key, text) == ("max_price", "price per million output tokens unknown, so it meets no need")


def test_every_reason_against_is_told(board: Board) -> None:
    keys = [
        key for key, _ in why_not(board, DOWN, "?needs=max_ttft_p95:1,min_availability:0.5,provider:zeta")
    ]
    assert keys == ["state", "max_ttft_p95", "min_availability", "provider"]


def test_a_degraded_one_comes_after_every_operational_one(board: Board) -> None:
    judged(board, FAST, State.DEGRADED, "throttled")
    assert candidates(board) == [CHEAP, FAST]


def test_few_probes_do_not_win_and_say_so(board: Board) -> None:
    probed(board, NEW, count=3, ttft_seconds=0.05)
    judged(board, NEW, State.OPERATIONAL)
    told = picked(board)
    assert [target["id"] for target in told["candidates"]] == [FAST, CHEAP, NEW]
    assert "few_probes" in [reason["key"] for reason in told["candidates"][-1]["reasons"]]


def test_nothing_is_picked_from_silence(board: Board) -> None:
    board.clock.advance(3600)
    assert picked(board)["best"] is None


def test_nothing_is_picked_once_the_store_has_been_away_for_long(board: Board) -> None:
    picked(board)
    board.store_goes_away()
    board.clock.advance(3600)
    told = picked(board)
    assert (told["best"], told["is_stale"]) == (None, True)


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("needs=fast", "Allowed: provider, protocol,"),
        ("needs=max_ttft_p9:1", "Did you mean max_ttft_p95?"),
        ("needs=max_ttft_p95", "Correct it"),
        ("needs=max_ttft_p95:soon", "Correct it"),
        ("needs=max_ttft_p95:nan", "Correct it"),
        ("needs=max_ttft_p95:-1", "Correct it"),
        ("needs=protocol:soap", "Allowed: openai_chat,"),
        ("needs=label:prod", "Correct it"),
        ("need=provider:acme", "Did you mean needs?"),
        ("prefer=luck", "Allowed: ttft,"),
        ("needs=" + ",".join(["exclude:x"] * 51), "longer than"),
        ("&".join([f"needs=exclude:{n},exclude:x{n}" for n in range(26)]), "more than 50"),
    ],
)
def test_a_need_that_cannot_be_read_is_refused_with_its_cure(board: Board, query: str, part: str) -> None:
    answer = board.client.get(f"/api/v1/pick?{query}")
    assert answer.status_code == 400
    assert answer.json is not None
    error = answer.json["error"]
    assert error["code"] == "bad_parameter"
    assert part in f"{error['message']} {error['cure']}"
