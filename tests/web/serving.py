"""The web role for tests: real application, real SQLite store, and a real waitress server where sockets matter."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient

from probes.clock import Clock
from probes.domain.plan import AgentStatus, Plan, PlannedTarget
from probes.domain.target import Target
from probes.log import Redactor
from probes.settings.model import WebSettings
from probes.store.base import Store
from probes.store.sqlite import open_sqlite
from probes.web.factory import WebDependencies, create_app
from probes.web.server import WebServer
from tests.examples import NOON, a_target
from tests.fakes import FakeClock

TARGETS = (a_target("quick"), a_target("slow"), a_target("vision/large"))


@dataclass
class Board:
    """An application over a store that a test can write to."""

    app: Flask
    store: Store
    clock: FakeClock

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def tick(self) -> None:
        """Let the web read the store again."""
        self.clock.advance(2)

    def store_goes_away(self) -> None:
        self.store.close()
        self.tick()


def a_plan(targets: tuple[Target, ...] = TARGETS, **changes: Any) -> Plan:
    plan = Plan(
        version="v1",
        loaded_at=NOON - timedelta(hours=1),
        source="config/local.yaml",
        is_demo=False,
        targets=tuple(PlannedTarget.of(target) for target in targets),
        alert_channels=("ops",),
    )
    return replace(plan, **changes)


def an_agent(beat_at: datetime = NOON, **changes: Any) -> AgentStatus:
    status = AgentStatus(
        agent="here@test-1",
        location="here",
        started_at=NOON - timedelta(hours=2),
        beat_at=beat_at,
        is_active=True,
        targets=3,
        in_flight=1,
        queued=0,
        lag_seconds=0.012,
        missed=0,
        spooled=0,
        next_due_at=NOON + timedelta(seconds=20),
        version="0.1.0",
    )
    return replace(status, **changes)


def an_empty_board(tmp_path: Path, settings: WebSettings | None = None, clock: Clock | None = None) -> Board:
    """No agent has ever run."""
    used = clock or FakeClock()
    store = open_sqlite(tmp_path / "board.sqlite3", used)
    app = create_app(WebDependencies(store, used, settings or WebSettings(), Redactor(), "0.1.0-test"))
    return Board(app, store, used)  # type: ignore[arg-type]


def a_board(tmp_path: Path, settings: WebSettings | None = None, clock: Clock | None = None) -> Board:
    """Three targets, one living agent, no results yet."""
    board = an_empty_board(tmp_path, settings, clock)
    board.store.put_plan(a_plan())
    board.store.beat(an_agent(board.clock.now()))
    return board


@contextmanager
def running(app: Flask, threads: int = 4, port: int = 0) -> Iterator[WebServer]:
    """The application behind waitress, on a free port of this machine unless one is named."""
    server = WebServer(app, "127.0.0.1", port, threads)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
    assert not thread.is_alive(), "the server did not stop"


def connect(server: WebServer, timeout_seconds: float = 10.0) -> http.client.HTTPConnection:
    address = urlsplit(server.url)
    assert address.hostname is not None
    return http.client.HTTPConnection(address.hostname, address.port, timeout=timeout_seconds)


@dataclass
class Event:
    kind: str
    id: str
    data: dict[str, Any]


class Listener:
    """A browser's EventSource, as far as tests need it; reads on demand."""

    def __init__(self, server: WebServer, path: str = "/live", headers: dict[str, str] | None = None) -> None:
        self._connection = connect(server)
        self._connection.request("GET", path, headers=headers or {})
        self.response = self._connection.getresponse()
        self.status = self.response.status

    def next(self) -> Event:
        """The next event that is no ping; fails when the stream ends first."""
        while (event := self.next_of_any_kind()).kind == "ping":
            pass
        return event

    def next_of_any_kind(self) -> Event:
        fields = {"event": "", "id": "", "data": ""}
        while True:
            line = self.response.readline().decode()
            assert line, "the stream has ended"
            if line == "\n" and fields["event"]:
                return Event(fields["event"], fields["id"], json.loads(fields["data"]))
            name, _, value = line.rstrip("\n").partition(": ")
            if name in fields:
                fields[name] = value

    def rest(self) -> bytes:
        """Everything up to the end of the stream."""
        return self.response.read()

    def close(self) -> None:
        self._connection.close()
        self.response.close()
