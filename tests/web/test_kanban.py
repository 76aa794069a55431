"""The kanban: every model in the column that its newest result earned."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import Category
from probes.domain.state import State
from probes.domain.target import Readiness, Target
from probes.web.context import installed
from probes.web.queries.board import BoardFilter
from probes.web.queries.kanban import Card, Kanban, kanban
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan
from tests.web.test_board import judged

SPEEDS = {"smooth": 2.0, "available": 20.0, "congestion": 40.0, "lagging": 70.0}
TARGETS: dict[str, Target] = {
    **{name: a_target(name) for name in SPEEDS},
    "failed": a_target("failed", id="zenith/main/failed", provider="zenith"),
    "paused": a_target("paused", readiness=Readiness.PAUSED),
    "unset": a_target("unset", readiness=Readiness.NOT_CONFIGURED),
    "new": a_target("new"),
}


@pytest.fixture
def served(tmp_path: Path) -> Board:
    served = a_board(tmp_path)
    served.store.put_plan(a_plan(tuple(TARGETS.values())))
    for name, speed in SPEEDS.items():
        served.store.add_results([a_result(target=TARGETS[name].id, response_seconds=speed)])
    served.store.add_results([a_result(Outcome.STALLED, target=TARGETS["failed"].id)])
    judged(served, *TARGETS.values())
    return served


def view_of(served: Board, *, with_lanes: bool = False, **wanted: object) -> Kanban:
    with served.app.test_request_context("/kanban"):
        here = installed()
        wanted_filter = BoardFilter(**wanted)  # type: ignore[arg-type]
        return kanban(here.snapshots.current(), wanted_filter, here.memo, with_lanes=with_lanes)


def placed(view: Kanban) -> dict[str, list[str]]:
    """Column -> models in it."""
    return {
        f"{type(column.member).__name__}.{column.member.name}": [card.target.model for card in column.cards]
        for column in view.columns
    }


def card_of(view: Kanban, name: str) -> Card:
    return next(card for card in view.cards if card.target.model == name)


def test_each_model_lies_in_the_column_that_it_earned(served: Board) -> None:
    assert placed(view_of(served)) == {
        "Category.SMOOTH": ["smooth"],
        "Category.AVAILABLE": ["available"],
        "Category.CONGESTION": ["congestion"],
        "Category.LAGGING": ["lagging"],
        "Category.UNKNOWN": ["failed", "new"],
        "State.PAUSED": ["paused"],
        "State.NOT_CONFIGURED": ["unset"],
    }


def test_columns_for_what_is_not_probed_exist_only_when_used(served: Board) -> None:
    served.store.put_plan(a_plan((TARGETS["smooth"],)))
    served.tick()
    assert [column.member for column in view_of(served).columns] == list(Category)


def test_silence_moves_a_card_to_unknown(served: Board) -> None:
    served.clock.advance(3600)
    view = view_of(served)
    assert card_of(view, "smooth").column is Category.UNKNOWN
    assert card_of(view, "smooth").since == NOON


def test_a_card_tells_how_long_it_has_been_in_its_column(served: Board) -> None:
    target = TARGETS["smooth"]
    served.store.add_results(
        [a_result(target=target.id, due_at=NOON + timedelta(minutes=1), response_seconds=2.5)]
    )
    served.tick()
    assert card_of(view_of(served), "smooth").since == NOON
    served.store.add_results(
        [a_result(target=target.id, due_at=NOON + timedelta(minutes=2), response_seconds=20)]
    )
    served.tick()
    moved = card_of(view_of(served), "smooth")
    assert (moved.column, moved.since) == (Category.AVAILABLE, NOON + timedelta(minutes=2))


def test_a_failed_probe_shows_no_times_but_its_reason(served: Board) -> None:
    text = served.client.get("/kanban").text
    card = re.search(r'<li [^>]*data-card="zenith/main/failed".*?</li>', text, re.DOTALL)
    assert card is not None
    assert "card__figures" not in card[0]
    assert "stalled" in card[0]


def test_cards_are_links_to_their_models(served: Board) -> None:
    text = served.client.get("/kanban").text
    assert set(re.findall(r'<a class="card[^"]*" href="([^"]+)"', text)) == {
        f"/models/{target.id}" for target in TARGETS.values()
    }


def test_an_empty_column_shrinks_to_its_count(served: Board) -> None:
    served.store.put_plan(a_plan((TARGETS["smooth"],)))
    served.tick()
    text = served.client.get("/kanban").text
    assert text.count("column--empty") == 4
    assert re.findall(r"data-count>(\d+)<", text) == ["1", "0", "0", "0", "0"]


def test_a_filter_counts_what_it_admits_and_keeps_the_rest_hidden(served: Board) -> None:
    view = view_of(served, states=(State.PAUSED,))
    assert view.shown == 1
    assert sum(column.shown for column in view.columns) == 1
    text = served.client.get("/kanban?state=paused").text
    assert len(re.findall(r'<li hidden class="card-slot"', text)) == len(TARGETS) - 1


def test_lanes_hold_each_provider_and_lose_no_card(served: Board) -> None:
    view = view_of(served, with_lanes=True)
    assert [lane.provider for lane in view.lanes] == ["acme", "zenith"]
    cards = [card.target.id for lane in view.lanes for column in lane.columns for card in column.cards]
    assert sorted(cards) == sorted(target.id for target in TARGETS.values())
    assert len({tuple(column.member for column in lane.columns) for lane in view.lanes}) == 1


def test_without_lanes_there_is_one_for_all(served: Board) -> None:
    assert [lane.provider for lane in view_of(served).lanes] == [""]


def test_the_wall_has_no_controls(served: Board) -> None:
    text = served.client.get("/kanban?wall=1").text
    assert '<html class="wall"' in text
    main = text[text.index("<main") : text.index("</main>")]
    for control in ("<form", "<input", "<select", "<details"):
        assert control not in main


def test_a_live_kanban_gets_the_cards_it_asks_for(served: Board) -> None:
    text = served.client.get("/kanban", query_string={"fragment": 1, "id": TARGETS["smooth"].id}).text
    assert re.findall(r'data-card="([^"]+)"', text) == [TARGETS["smooth"].id]
    assert "<html" not in text


def test_the_order_mark_changes_when_a_card_has_to_move(served: Board) -> None:
    before = view_of(served).order
    target = TARGETS["smooth"]
    served.store.add_results(
        [a_result(target=target.id, due_at=NOON + timedelta(minutes=1), response_seconds=3)]
    )
    served.tick()
    assert view_of(served).order == before
    served.store.add_results(
        [a_result(target=target.id, due_at=NOON + timedelta(minutes=2), response_seconds=45)]
    )
    served.tick()
    assert view_of(served).order != before


def test_without_models_the_kanban_tells_how_to_add_one(tmp_path: Path) -> None:
    served = a_board(tmp_path)
    served.store.put_plan(a_plan(()))
    served.tick()
    assert "Add your first model" in served.client.get("/kanban").text
