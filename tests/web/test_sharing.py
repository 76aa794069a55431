"""The model page's boxes: what is left of rate limits, and how to show the model elsewhere."""

from pathlib import Path

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import RateLimit
from probes.web.queries.rate_limits import LimitLeft
from probes.web.sharing import sharing
from tests.examples import a_result, a_target
from tests.web.serving import Board, a_board, a_plan

QUICK = "acme/main/quick"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def page(board: Board, query: str = "") -> str:
    answer = board.client.get(f"/models/{QUICK}{query}")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("told", "share", "is_low"),
    [
        (RateLimit("requests", 100, 10), 0.1, False),
        (RateLimit("requests", 100, 9), 0.09, True),
        (RateLimit("requests", 100, 0), 0.0, True),
        (RateLimit("requests", 100, 250), 1.0, False),
        (RateLimit("requests", None, 5), None, False),
        (RateLimit("requests", 100, None), None, False),
        (RateLimit("requests", 0, 0), None, False),
    ],
)
def test_a_share_is_known_only_with_both_numbers_and_low_below_ten_percent(
    told: RateLimit, share: float | None, is_low: bool
) -> None:
    left = LimitLeft.of(told)
    assert (left.share, left.is_low) == (share, is_low)


def test_limits_of_the_newest_record_are_shown_and_a_low_one_is_marked(board: Board) -> None:
    limits = (RateLimit("requests", 100, 4, 30.0), RateLimit("tokens", 10_000, 9_000))
    board.store.add_results([a_result(rate_limits=limits)])
    shown = page(board)
    assert shown.count('class="limits__low"') == 1
    assert "nearly used up" in shown
    assert "9\N{NARROW NO-BREAK SPACE}000" in shown


def test_nothing_is_said_of_limits_that_nobody_told(board: Board) -> None:
    board.store.add_results([a_result()])
    assert "Rate limits" not in page(board)


def test_a_wait_is_told_even_without_limits(board: Board) -> None:
    board.store.add_results([a_result(Outcome.RATE_LIMITED, retry_after_seconds=90.0)])
    assert "The provider asked us to wait 90.0\N{NO-BREAK SPACE}s." in page(board)


def test_every_address_of_the_box_leads_somewhere(tmp_path: Path) -> None:
    board = a_board(tmp_path)
    model = "vision (v2) 'large'/100%"
    board.store.put_plan(a_plan((a_target(model, id=f"acme/main/{model}"),)))
    with board.app.test_request_context():
        view = sharing(f"acme/main/{model}", model, "http://localhost")
    for address in (
        *(badge.path for badge in view.badges),
        view.endpoint_url,
        view.api_url,
        view.metrics_url,
    ):
        assert not set("()' <>\"") & set(address), (
            "would end a Markdown link, a shell's quote or an attribute"
        )
        assert board.client.get(address.removeprefix("http://localhost")).status_code == 200, address


def test_a_removed_model_has_no_badges_to_share(board: Board) -> None:
    board.store.add_results([a_result()])
    board.store.put_plan(a_plan((a_target("slow"),)))
    assert "sharing__badge" not in page(board)
