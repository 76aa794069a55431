"""Live updates: server-sent events for as many readers as threads allow, and the same answer by polling for the rest.

event       data
snapshot    first of a stream: what changed since the moment that the page was drawn (`?since=`)
change      {"as_of": ..., "targets": [ids], "everything": false}
resync      the reader was too slow; draw everything again
ping        keeps the line open, every 15 seconds
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from flask import Blueprint, Flask, Response, current_app, request

from probes.clock import Clock
from probes.web.changes import Change, ChangeLog
from probes.web.context import EXTENSION as INSTALLED
from probes.web.context import Installed, current_snapshot
from probes.web.errors import ErrorCode, Failure, RefusedError
from probes.web.i18n import lazy
from probes.web.params import ParameterError, Parameters, moment_of
from probes.web.serialize import json_response, to_json
from probes.web.slots import thread_shares
from probes.web.snapshot import Snapshots

log = logging.getLogger(__name__)
blueprint = Blueprint("live", __name__)

EXTENSION: Final = "firsttoken.live"
LOOK_SECONDS: Final = 1.0  # between two looks at the store
PING_SECONDS: Final = 15.0
STREAM_SECONDS: Final = 600.0
WAKE_SECONDS: Final = 0.5  # how soon a stream notices that its reader went away
RECONNECT_MILLISECONDS: Final = 3000
QUEUE_LENGTH: Final = 16
PING: Final = ": ping\nevent: ping\ndata: {}\n\n"  # the event lets scripts see it, which comments do not
BUSY: Final = Failure(
    503,
    ErrorCode.BUSY,
    lazy("No live stream is free."),
    cure=lazy("Poll /live/changes instead, and try again in a minute."),
    headers={"Retry-After": "60"},
)


class Subscriber:
    """One reader's bounded queue."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Change | None] = queue.Queue(QUEUE_LENGTH)
        self.is_behind = False

    def offer(self, change: Change) -> None:
        """Never waits: a reader whose queue is full loses it and has to draw everything again."""
        try:
            self._queue.put_nowait(change)
        except queue.Full:
            self._empty()
            self.is_behind = True
            self._queue.put_nowait(change)

    def end(self) -> None:
        self._empty()
        self._queue.put_nowait(None)

    def take(self, timeout_seconds: float) -> Change | None:
        """The next change, None for the end. Raises queue.Empty."""
        return self._queue.get(timeout=timeout_seconds)

    def _empty(self) -> None:
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                return


class Feed:
    """Looks at the store for all readers at once, in one thread that lives as long as there are any."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self.changes = ChangeLog()
        self._subscribers: set[Subscriber] = set()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def readers(self) -> int:
        return len(self._subscribers)

    @property
    def is_looking(self) -> bool:
        return self._thread is not None

    def subscribe(self) -> Subscriber:
        subscriber = Subscriber()
        with self._news:
            self._subscribers.add(subscriber)
            if self._is_closed:
                subscriber.end()
            elif self._thread is None:
                self._thread = threading.Thread(target=self._look_on, name="live", daemon=True)
                self._thread.start()
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        with self._news:
            self._subscribers.discard(subscriber)
            self._news.notify_all()

    def close(self) -> None:
        """End every stream, now and from now on."""
        with self._news:
            self._is_closed = True
            for subscriber in self._subscribers:
                subscriber.end()
            self._news.notify_all()

    def look(self) -> None:
        """Read the store, or what was read of it within the last second, and tell every reader what is new."""
        change = self.changes.observe(self._snapshots.current())
        if change.is_empty:
            return
        with self._news:
            for subscriber in self._subscribers:
                subscriber.offer(change)

    def _look_on(self) -> None:
        while True:
            try:
                self.look()
            except Exception:  # the boundary of the job: the next look may succeed
                log.exception("looking for changes failed")
            with self._news:
                self._news.wait_for(self._is_idle, timeout=LOOK_SECONDS)
                if self._is_idle():
                    self._thread = None
                    return

    def _is_idle(self) -> bool:
        return self._is_closed or not self._subscribers


def feed_of(app: Flask) -> Feed:
    """The application's one feed."""
    installed = cast(Installed, app.extensions[INSTALLED])
    return cast(Feed, app.extensions.setdefault(EXTENSION, Feed(installed.snapshots)))


def _feed() -> Feed:
    return feed_of(current_app)


@blueprint.get("/live/changes")
def changes() -> Response:
    """What changed since `?since=`, for readers without a stream."""
    response = json_response(_missed())
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/live")
def stream() -> Response:
    """The event stream; 503 when the threads' share for it is used up."""
    if request.method == "HEAD":
        return _event_response(iter(()))
    feed, share = _feed(), thread_shares().live
    if not share.take():
        raise RefusedError(BUSY)
    subscriber = feed.subscribe()
    installed = cast(Installed, current_app.extensions[INSTALLED])
    reader = Reader(
        subscriber=subscriber,
        is_gone=request.environ.get("waitress.client_disconnected", lambda: False),
        clock=installed.dependencies.clock,
    )
    response = _event_response(reader.events(_missed()))
    response.call_on_close(share.release)
    response.call_on_close(lambda: feed.unsubscribe(subscriber))
    return response


def _missed() -> Change:
    """What changed since the reader's last word from us; nothing for one who does not say."""
    known_at, feed = _known_at(), _feed()
    feed.look()
    return feed.changes.since(known_at) if known_at is not None else Change(current_snapshot().now)


def _known_at() -> datetime | None:
    """A reconnecting browser repeats the last id it heard, which is newer than its URL."""
    try:
        heard_at = moment_of("Last-Event-ID", request.headers.get("Last-Event-ID", ""))
    except ParameterError:
        heard_at = None
    return heard_at or Parameters(request.args).moment("since")


def _event_response(events: Iterator[str]) -> Response:
    response = Response(events, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


@dataclass(frozen=True, slots=True)
class Reader:
    """One open stream. Runs in a server thread, outside of any request context."""

    subscriber: Subscriber
    is_gone: Callable[[], bool]
    clock: Clock

    def events(self, missed: Change) -> Iterator[str]:
        opened = pinged = self._now()
        yield f"retry: {RECONNECT_MILLISECONDS}\n{_event('snapshot', missed)}"
        while self._now() - opened < STREAM_SECONDS and not self.is_gone():
            if self._now() - pinged >= PING_SECONDS:
                pinged = self._now()
                yield PING
            try:
                change = self.subscriber.take(WAKE_SECONDS)
            except queue.Empty:
                continue
            if change is None:
                return
            yield self._told(change)

    def _told(self, change: Change) -> str:
        if not self.subscriber.is_behind:
            return _event("change", change)
        self.subscriber.is_behind = False
        return _event("resync", Change(change.as_of, everything=True))

    def _now(self) -> float:
        return self.clock.monotonic_ns() / 1e9


def _event(kind: str, change: Change) -> str:
    body = to_json(change).decode()
    return f"id: {change.as_of.isoformat()}\nevent: {kind}\ndata: {body}\n\n"
