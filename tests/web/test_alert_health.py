"""A channel that does not get through is seen: on /health, in the API and in /metrics."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from probes.domain.delivery import Delivery, DeliveryState
from probes.store.base import DeliveryQuery
from tests.examples import NOON
from tests.web.serving import Board, a_board, a_plan


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = a_board(tmp_path)
    board.store.put_plan(a_plan(alert_channels=("ops", "<b>chat")))
    return board


def add(board: Board, channel: str, state: DeliveryState, at: datetime = NOON, **changes: Any) -> None:
    n = len(board.store.deliveries(query()))
    planned = Delivery.of(channel, "incident", f"update {n}", created_at=at, due_at=at)
    finished_at = None if state is DeliveryState.PENDING else at + timedelta(seconds=30)
    board.store.add_deliveries([replace(planned, state=state, finished_at=finished_at, **changes)])


def query() -> DeliveryQuery:
    return DeliveryQuery(limit=1000)


def channels(board: Board) -> dict[str, dict[str, Any]]:
    board.clock.advance(6)
    told = board.client.get("/api/v1/health").json
    assert told is not None
    return {channel["channel"]: channel for channel in told["channels"]}


def test_a_channel_that_never_sent_is_told_with_zeros(board: Board) -> None:
    ops = channels(board)["ops"]
    assert (ops["pending"], ops["failed"], ops["sent"]) == (0, 0, 0)
    assert (ops["last_sent_at"], ops["last_error"]) == (None, None)


def test_what_waits_what_failed_and_why_is_told_by_channel(board: Board) -> None:
    add(board, "ops", DeliveryState.SENT, NOON - timedelta(hours=2))
    add(board, "ops", DeliveryState.PENDING)
    add(board, "ops", DeliveryState.PENDING, attempts=2, error="HTTP 503")
    add(board, "ops", DeliveryState.FAILED, NOON - timedelta(hours=1), error="HTTP 404")
    add(board, "ops", DeliveryState.DROPPED, error="flapping")
    add(board, "ops", DeliveryState.SENT, NOON - timedelta(hours=30))
    told = channels(board)
    ops = told["ops"]
    assert [ops[name] for name in ("pending", "retrying", "sent", "failed", "dropped")] == [2, 1, 1, 1, 1]
    assert (ops["last_error"], ops["last_sent_at"]) == ("HTTP 503", "2026-11-21T10:00:30Z")
    assert told["<b>chat"]["sent"] == 0


def test_the_last_delivery_is_told_however_old_it_is(board: Board) -> None:
    add(board, "ops", DeliveryState.SENT, NOON - timedelta(days=9))
    ops = channels(board)["ops"]
    assert (ops["sent"], ops["last_sent_at"]) == (0, "2026-11-12T12:00:30Z")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shows_channels_with_their_troubles(board: Board, language: str) -> None:
    add(board, "<b>chat", DeliveryState.FAILED, error="HTTP 503 <script>")
    board.clock.advance(6)
    page = board.client.get(f"/health?lang={language}").text
    row = next(row for row in page.split("<tr") if "&lt;b&gt;chat" in row)
    assert "#i-down" in row
    assert "HTTP 503 &lt;script&gt;" in row


def test_metrics_count_deliveries_by_channel_and_progress(board: Board) -> None:
    add(board, "ops", DeliveryState.PENDING, attempts=1, error="HTTP 503")
    add(board, "ops", DeliveryState.FAILED, error="HTTP 503")
    board.clock.advance(6)
    text = board.client.get("/metrics").text
    assert 'firsttoken_alert_deliveries{channel="ops",progress="retrying"} 1.0' in text
    assert 'firsttoken_alert_deliveries{channel="ops",progress="pending"} 0.0' in text
    assert 'firsttoken_alert_deliveries{channel="ops",progress="failed"} 1.0' in text
    assert "HTTP 503" not in text


def test_without_channels_the_page_says_nothing_of_alerts(board: Board) -> None:
    board.store.put_plan(a_plan(alert_channels=()))
    assert channels(board) == {}
