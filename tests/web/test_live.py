"""Live updates over real sockets: what is told, to how many, for how long, and that pages never wait for streams."""

import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from probes.domain.state import Reason, State, Verdict
from probes.web.changes import Change
from probes.web.live import QUEUE_LENGTH, Reader, Subscriber, feed_of
from probes.web.server import WebServer
from probes.web.slots import thread_shares
from tests.examples import NOON, a_result
from tests.fakes import FakeClock
from tests.waiting import wait_until
from tests.web.serving import Board, Listener, a_board, a_plan, an_agent, connect, running


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


@contextmanager
def listening(server: WebServer, path: str = "/live", **headers: str) -> Iterator[Listener]:
    listener = Listener(server, path, headers)
    try:
        yield listener
    finally:
        listener.close()


def told_targets(listener: Listener) -> list[str]:
    """Of the first event that names any: the stream's first, or the one after it when another reading was under way."""
    while not (event := listener.next()).data["targets"]:
        pass
    targets: list[str] = event.data["targets"]
    return targets


def free_streams(board: Board) -> int:
    with board.app.app_context():
        live = thread_shares().live
        return live.size - live.taken


def test_a_stream_says_at_once_that_it_stands(board: Board) -> None:
    with running(board.app) as server, listening(server) as listener:
        headers = listener.response.headers
        assert (listener.status, headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")
        assert "Content-Encoding" not in headers
        first = listener.next()
    assert first.kind == "snapshot"
    assert first.data == {"as_of": "2026-11-21T12:00:00Z", "targets": [], "everything": False}


def test_a_new_result_reaches_every_reader_by_its_target(board: Board) -> None:
    with running(board.app, threads=8) as server, listening(server) as one, listening(server) as two:
        for listener in (one, two):
            assert listener.next().kind == "snapshot"
        board.store.add_results([a_result(target="acme/main/slow")])
        board.tick()
        for listener in (one, two):
            event = listener.next()
            assert (event.kind, event.data["targets"]) == ("change", ["acme/main/slow"])
            assert event.data["everything"] is False


def test_silence_is_a_change_too(board: Board) -> None:
    board.store.add_results([a_result()])
    board.store.set_verdict("acme/main/quick", Verdict(State.OPERATIONAL, Reason("healthy"), NOON, NOON))
    with running(board.app) as server, listening(server) as listener:
        listener.next()
        board.clock.advance(400)
        board.store.beat(an_agent(board.clock.now()))
        event = listener.next()
    assert "acme/main/quick" in event.data["targets"], "five intervals without a result: unknown"


@pytest.mark.parametrize("what", ["plan", "agent", "store"])
def test_what_concerns_the_whole_page_is_told_as_everything(board: Board, what: str) -> None:
    with running(board.app) as server, listening(server) as listener:
        listener.next()
        if what == "plan":
            board.store.put_plan(a_plan(version="v2"))
        elif what == "agent":
            board.store.beat(an_agent(board.clock.now(), agent="there@test-2"))
        else:
            board.store.close()
        board.tick()
        assert listener.next().data["everything"] is True


def test_what_was_missed_between_drawing_and_listening_is_told_first(board: Board) -> None:
    drawn_at = board.clock.now()
    board.client.get("/live/changes")
    board.store.add_results([a_result()])
    board.tick()
    with (
        running(board.app) as server,
        listening(server, f"/live?since={drawn_at:%Y-%m-%dT%H:%M:%SZ}") as listener,
    ):
        assert told_targets(listener) == ["acme/main/quick"]


def test_a_reconnecting_browser_is_told_what_it_missed(board: Board) -> None:
    with running(board.app) as server:
        with listening(server) as listener:
            last = listener.next().id
        board.store.add_results([a_result()])
        board.tick()
        with listening(server, "/live?since=2026-11-21", **{"Last-Event-ID": last}) as listener:
            assert told_targets(listener) == ["acme/main/quick"]


def test_a_forged_last_event_id_is_ignored(board: Board) -> None:
    with running(board.app) as server, listening(server, **{"Last-Event-ID": "<x>"}) as listener:
        assert listener.next().kind == "snapshot"


def test_a_quiet_stream_is_kept_open_by_pings(board: Board) -> None:
    with running(board.app) as server, listening(server) as listener:
        listener.next()
        board.clock.advance(15)
        board.store.beat(an_agent(board.clock.now()))
        assert listener.next_of_any_kind().kind == "ping"


def test_a_stream_ends_after_ten_minutes(board: Board) -> None:
    with running(board.app) as server, listening(server) as listener:
        listener.next()
        board.clock.advance(601)
        listener.rest()
        wait_until("the slot is free again", lambda: free_streams(board) == 2)


def test_streams_take_at_most_half_of_the_threads(board: Board) -> None:
    with running(board.app, threads=4) as server, listening(server) as one, listening(server) as two:
        assert (one.status, two.status) == (200, 200)
        with listening(server) as refused:
            assert refused.status == 503
            assert refused.response.headers["Retry-After"] == "60"
            assert json.loads(refused.rest())["error"]["code"] == "busy"


def test_a_reader_who_leaves_frees_the_stream_at_once(board: Board) -> None:
    with running(board.app, threads=2) as server:
        with listening(server) as listener:
            listener.next()
            assert free_streams(board) == 0
        wait_until("the slot is free again", lambda: free_streams(board) == 1, timeout_seconds=3)
        with listening(server) as again:
            assert again.status == 200


def test_forty_readers_on_sixteen_threads_leave_pages_answering(board: Board) -> None:
    with running(board.app, threads=16) as server:
        listeners = [Listener(server) for _ in range(40)]
        try:
            statuses = [listener.status for listener in listeners]
            assert (statuses.count(200), statuses.count(503)) == (8, 32)
            for path in ("/", "/stats", "/api/v1/targets", "/live/changes"):
                page = connect(server, timeout_seconds=5)
                page.request("GET", path)
                assert page.getresponse().status == 200
                page.close()
        finally:
            for listener in listeners:
                listener.close()
        wait_until("all slots are free again", lambda: free_streams(board) == 8)


def test_one_thread_looks_for_all_and_only_while_somebody_listens(board: Board) -> None:
    feed = feed_of(board.app)
    assert not feed.is_looking
    with running(board.app, threads=8) as server:
        with listening(server) as one, listening(server) as two:
            one.next()
            two.next()
            assert (feed.readers, feed.is_looking) == (2, True)
        wait_until("nobody listens", lambda: feed.readers == 0 and not feed.is_looking)
        with listening(server) as again:
            again.next()
            assert feed.is_looking


def test_polling_tells_the_same(board: Board) -> None:
    first = board.client.get("/live/changes").json
    assert first == {"as_of": "2026-11-21T12:00:00Z", "targets": [], "everything": False}
    board.store.add_results([a_result()])
    board.tick()
    path = "/live/changes?since=2026-11-21T12:00:00Z"
    second = board.client.get(path)
    assert second.json == {
        "as_of": "2026-11-21T12:00:02Z",
        "targets": ["acme/main/quick"],
        "everything": False,
    }
    assert second.headers["Cache-Control"] == "no-store"
    assert board.client.get("/live/changes?since=2026-11-21T12:00:02Z").json["targets"] == []  # type: ignore[index]


def test_a_poll_takes_no_news_away_from_the_streams(board: Board) -> None:
    with running(board.app) as server, listening(server) as listener:
        listener.next()
        board.store.add_results([a_result()])
        board.tick()
        assert board.client.get("/live/changes?since=2026-11-21T12:00:00Z").json["targets"]  # type: ignore[index]
        assert listener.next().data["targets"] == ["acme/main/quick"]


def test_after_a_restart_changes_are_dated_by_the_agents(board: Board) -> None:
    board.store.add_results([a_result()])
    board.tick()
    an_hour_ago = (board.clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = board.client.get(f"/live/changes?since={an_hour_ago}").json
    assert told is not None
    assert (told["targets"], told["everything"]) == (["acme/main/quick"], False)


def test_a_reader_too_slow_for_its_queue_has_to_draw_everything_again() -> None:
    subscriber = Subscriber()
    for number in range(QUEUE_LENGTH + 1):
        subscriber.offer(Change(NOON, (f"t{number}",)))
    events = Reader(subscriber, lambda: False, FakeClock()).events(Change(NOON))
    assert "event: snapshot" in next(events)
    behind = next(events)
    assert "event: resync" in behind
    assert '"everything":true' in behind
    subscriber.offer(Change(NOON, ("next",)))
    assert "event: change" in next(events), "caught up"


def test_an_ended_subscription_ends_its_stream() -> None:
    subscriber = Subscriber()
    subscriber.offer(Change(NOON, ("t",)))
    subscriber.end()
    assert list(Reader(subscriber, lambda: False, FakeClock()).events(Change(NOON)))[1:] == []
    with pytest.raises(queue.Empty):
        subscriber.take(0)
