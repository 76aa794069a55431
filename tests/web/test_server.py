"""The server around the application: listening, refusing to listen, serving many, stopping soon."""

import errno
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from probes.clock import SystemClock
from probes.web.server import ListenError, WebServer, listening_sockets, serve
from tests.examples import a_result
from tests.waiting import wait_until
from tests.web.serving import Board, Listener, a_board, connect, running

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 2.0
EXIT_SECONDS = 5.0  # the interpreter's own end included, on a busy machine

SERVE = """
import sys
from pathlib import Path
from tests.web.serving import a_board
from probes.clock import SystemClock
from probes.web.server import serve

board = a_board(Path(sys.argv[1]), clock=SystemClock())
sys.exit(serve(board.app, "127.0.0.1", int(sys.argv[2]), 4, lambda url: print(url, flush=True)))
"""


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def get(server: WebServer, path: str) -> tuple[int, bytes]:
    connection = connect(server)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_it_tells_its_address_and_answers_there(board: Board) -> None:
    with running(board.app) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert server.port > 0
        assert get(server, "/healthz")[0] == 200


def test_it_does_not_say_what_it_is_made_of(board: Board) -> None:
    with running(board.app) as server:
        connection = connect(server)
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        response.read()
        connection.close()
    assert response.headers["Server"] is None
    assert response.headers["Via"] is None


def test_one_connection_serves_many_requests(board: Board) -> None:
    with running(board.app) as server:
        connection = connect(server)
        for method in ("GET", "HEAD", "GET"):
            connection.request(method, "/health", headers={"Accept-Encoding": "gzip"})
            response = connection.getresponse()
            assert response.status == 200
            response.read()
        connection.close()


def test_a_host_name_of_two_families_is_served_on_one_port() -> None:
    sockets = listening_sockets("localhost", 0)
    try:
        assert len({opened.getsockname()[1] for opened in sockets}) == 1
    finally:
        for opened in sockets:
            opened.close()


def test_a_taken_port_is_told_with_its_cure(board: Board) -> None:
    with running(board.app) as server, pytest.raises(ListenError) as refused:
        WebServer(board.app, "127.0.0.1", server.port, 2)
    assert f"127.0.0.1:{server.port} is in use" in refused.value.message
    assert f"--port {server.port + 1}" in refused.value.cure


def test_a_taken_port_is_an_exit_code(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    with running(board.app) as server:
        assert serve(board.app, "127.0.0.1", server.port, 2) == 3
    assert "is in use" in caplog.text


@pytest.mark.parametrize("host", ["no-such-host.invalid", "203.0.113.1"])
def test_an_address_of_another_machine_is_told_with_its_cure(host: str) -> None:
    with pytest.raises(ListenError) as refused:
        listening_sockets(host, 0)
    assert host in refused.value.message
    assert "127.0.0.1" in refused.value.cure


def test_a_failed_start_leaves_the_port_free(board: Board) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError):
            WebServer(board.app, "127.0.0.1", port, 2)
    with running(board.app, port=port) as server:
        assert get(server, "/healthz")[0] == 200


def test_it_stops_within_two_seconds_though_streams_are_open(board: Board) -> None:
    with running(board.app, threads=8) as server:
        listeners = [Listener(server) for _ in range(4)]
        for listener in listeners:
            listener.next()
        began = time.monotonic()
        server.stop()
        for listener in listeners:
            listener.rest()
            listener.close()
    assert time.monotonic() - began < STOP_SECONDS


def test_it_lets_a_running_request_end(board: Board) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        may_end.wait(10)
        return "done"

    board.app.add_url_rule("/slow", "slow", slow)
    answers: list[tuple[int, bytes]] = []
    with running(board.app) as server:
        reader = threading.Thread(target=lambda: answers.append(get(server, "/slow")))
        reader.start()
        assert begun.wait(10)
        server.stop()
        wait_until("it listens no more", lambda: refuses(server.port))
        may_end.set()
        reader.join(10)
    assert answers == [(200, b"done")]


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


def test_slow_readers_of_exports_leave_pages_answering(board: Board) -> None:
    error = "x" * 300
    board.store.add_results([a_result(error=error) for _ in range(8000)])
    with running(board.app, threads=4) as server:
        lazy = connect(server)
        lazy.request("GET", "/api/v1/results.ndjson")
        unread = lazy.getresponse()
        assert unread.status == 200
        status, body = get(server, "/result.csv")
        assert (status, b"busy" in body) == (503, True), "a quarter of the threads, so one"
        assert get(server, "/")[0] == 200
        unread.close()
        lazy.close()
        wait_until(
            "the export's slot is free again", lambda: get(server, "/api/v1/results.csv?limit=1")[0] != 503
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_a_good_exit_code(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-c", SERVE, str(tmp_path), "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        stream = socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])))
        stream.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert stream.recv(100).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
        stream.close()
    assert process.returncode == 0, errors
    assert time.monotonic() - began < EXIT_SECONDS
    assert "Traceback" not in errors


def test_it_serves_with_the_clock_of_the_machine(tmp_path: Path) -> None:
    with running(a_board(tmp_path, clock=SystemClock()).app) as server:
        assert get(server, "/readyz")[0] == 200
