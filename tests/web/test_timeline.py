"""What changed about a model, on its page and in the API; and what a refusal proposes to the operator."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from probes.domain.event import EventKind, TargetEvent
from probes.domain.outcome import Outcome
from probes.settings.proposals import REASONS
from probes.settings.reference import known_quirks
from probes.stats.changes import WATCHED, Field
from probes.web import proposals
from probes.web.quirk_words import QUIRK_REASONS
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan

QUICK = "acme/main/quick"
REFUSAL = (
    "HTTP 400: Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def serve(board: Board, *models: str, target: str = QUICK) -> None:
    board.store.add_results(
        [
            a_result(due_at=NOON + timedelta(seconds=n), served_model=model, target=target)
            for n, model in enumerate(models)
        ]
    )
    board.tick()


def refuse(board: Board, error: str = REFUSAL) -> None:
    target = a_target()
    board.store.put_plan(a_plan(targets=(target,)))
    board.store.add_results(
        [a_result(Outcome.BAD_REQUEST, error=error, id="refused", spec_version=target.spec_version)]
    )
    board.tick()


def told(board: Board, address: str) -> Any:
    answer = board.client.get(f"/api/v1{address}")
    assert answer.status_code == 200
    return answer.json


def timeline_of(html: str) -> str:
    return html[html.index('data-region="timeline"') : html.index('data-region="recent"')]


def test_a_models_page_tells_its_changes_newest_first_with_their_evidence(board: Board) -> None:
    serve(board, "x-0501", "x-0812", "x-1101")

    timeline = timeline_of(board.client.get(f"/models/{QUICK}").text)

    assert re.findall(r"alias moved from (\S+) to ([\w-]+)", timeline) == [
        ("x-0812", "x-1101"),
        ("x-0501", "x-0812"),
    ]
    for result_id in re.findall(r'href="(/result/[^"]+)"', timeline):
        assert board.client.get(result_id).status_code == 200


def test_each_event_has_its_place_on_the_charts(board: Board) -> None:
    serve(board, "x-1", "x-2")

    timeline = timeline_of(board.client.get(f"/models/{QUICK}").text)

    assert re.findall(r'data-event="(\d+)"', timeline) == [str(int(NOON.timestamp()) + 1)]


def test_a_model_that_never_changed_says_so(board: Board) -> None:
    serve(board, "x-1", "x-1")

    assert "Nothing has changed since it was first probed" in timeline_of(
        board.client.get(f"/models/{QUICK}").text
    )


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_kind_of_event_is_told_in_both_languages(board: Board, kind: EventKind, lang: str) -> None:
    serve(board, "x-1")
    board.store.add_events([TargetEvent.of(QUICK, kind, ("a", "b"), (NOON, "r1"))])

    answer = board.client.get(f"/models/{QUICK}?lang={lang}")

    assert answer.status_code == 200
    assert timeline_of(answer.text).count("<li ") == 1


def test_hostile_names_stay_text(board: Board) -> None:
    serve(board, "x-1", "<script>alert(1)</script>\u202e")

    html = board.client.get(f"/models/{QUICK}").text

    assert "<script>alert" not in html
    assert "\u202e" not in html


def test_the_api_tells_a_targets_timeline(board: Board) -> None:
    serve(board, "x-1", "x-2")

    (event,) = told(board, f"/targets/{QUICK}/events")["events"]

    assert (event["kind"], event["before"], event["after"]) == ("served_model_changed", "x-1", "x-2")
    assert event["text"] == "alias moved from x-1 to x-2"
    assert event["is_ours"] is False
    assert told(board, f"/results/{event['result_id']}")["served_model"] == "x-2"


@pytest.mark.parametrize(
    ("query", "targets"),
    [
        ("", ["acme/main/slow", QUICK]),
        ("?target=acme/main/slow", ["acme/main/slow"]),
        ("?model=quick", [QUICK]),
        ("?provider=acme&model=quick", [QUICK]),
        ("?provider=nobody", []),
        ("?provider=acme&model=none", []),
        ("?kind=model_retired", []),
        ("?kind=model_retired&kind=served_model_changed&limit=1", ["acme/main/slow"]),
        ("?until=2026-11-21T12:00:00Z", []),
    ],
)
def test_all_timelines_in_one_can_be_filtered(board: Board, query: str, targets: list[str]) -> None:
    serve(board, "x-1", "x-2")
    serve(board, "y-1", "y-1", "y-2", target="acme/main/slow")

    assert [event["target"] for event in told(board, f"/events{query}")["events"]] == targets


def test_pages_of_events_lead_to_the_next(board: Board) -> None:
    serve(board, "x-1", "x-2", "x-3", "x-4")

    first = board.client.get("/api/v1/events?limit=2")
    cursor = first.json["older_cursor"]  # type: ignore[index]
    rest = told(board, f"/events?limit=2&cursor={cursor}")

    assert f"cursor={cursor}" in first.headers["Link"]
    assert [event["after"] for event in rest["events"]] == ["x-2"]
    assert rest["older_cursor"] is None


@pytest.mark.parametrize("query", ["kind=moved", "since=yesterday", "cursor=forged", "limit=0", "kinds=x"])
def test_a_query_that_cannot_be_answered_is_refused(board: Board, query: str) -> None:
    assert board.client.get(f"/api/v1/events?{query}").status_code == 400


def test_the_timeline_of_an_unknown_target_is_not_found(board: Board) -> None:
    assert board.client.get("/api/v1/targets/no/such/one/events").status_code == 404


def test_a_refusal_proposes_its_cure_where_the_operator_looks(board: Board) -> None:
    refuse(board)
    line, place = "token_parameter: max_completion_tokens", "apis.acme.main.models[quick]"

    (proposal,) = told(board, f"/targets/{QUICK}")["proposals"]
    (attention,) = told(board, "/health")["attention"]

    assert (proposal["line"], proposal["place"], proposal["result_id"]) == (line, place, "refused")
    assert attention == {"target": QUICK, "proposals": [proposal]}
    for page in (f"/models/{QUICK}", "/health"):
        assert line in board.client.get(page).text
    assert place in board.client.get(f"/models/{QUICK}").text


def test_a_refusal_that_names_nothing_we_sent_proposes_nothing(board: Board) -> None:
    refuse(board, "HTTP 400: Invalid request.")

    assert told(board, f"/targets/{QUICK}")["proposals"] == []
    assert told(board, "/health")["attention"] == []
    assert "Needs attention" not in board.client.get("/health").text


def test_the_web_says_the_same_reasons_as_the_command_line() -> None:
    assert {refused: reason.source for refused, reason in proposals.REASONS.items()} == REASONS


def test_every_reason_of_a_quirk_is_told_in_the_readers_language(board: Board) -> None:
    assert set(QUIRK_REASONS) == {quirk.reason for quirk in known_quirks()}
    html = board.client.get("/methodology?lang=en").text
    for quirk in known_quirks():
        assert str(escape(quirk.reason)) in html
        assert str(escape(quirk.wording)) in html


def test_every_kind_and_rule_of_the_timeline_is_on_the_methodology_page(board: Board) -> None:
    html = board.client.get("/methodology?lang=en").text
    assert all(f"<code>{kind.value}</code>" in html for kind in EventKind)
    assert f"takes {WATCHED[Field.SERVED_MODEL].back_after} answers in a row" in html
