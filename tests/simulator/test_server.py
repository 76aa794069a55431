"""Connections, truth records, own pages, keys, TLS, IPv6, and the process of its own."""

import contextlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.simulator import Outcome, RunningSimulator, SimulatorConfig, serve_in_thread
from probes.simulator.behaviour import always
from probes.simulator.catalogue import scenario_named

from ..waiting import wait_until
from .wire import ANTHROPIC, OPENAI, PATHS, exchange, request_body, request_bytes

KEY = "sk-simulated-secret-1234"


@pytest.fixture
def own_simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


def post(
    connection: http.client.HTTPConnection, path: str, body: object, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection.request("POST", path, json.dumps(body), headers or {})
    response = connection.getresponse()
    return response.status, response.read()


def read_to_the_end(connection: socket.socket) -> bytes:
    raw = b""
    while data := connection.recv(65536):
        raw += data
    return raw


def client_of(simulator: RunningSimulator) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=5)


def test_a_connection_serves_one_request_after_another(own_simulator: RunningSimulator) -> None:
    connection = client_of(own_simulator)
    statuses = [
        post(connection, PATHS[OPENAI], request_body("500-500-200-connection", 2))[0] for _ in range(3)
    ]
    connection.close()
    assert statuses == [500, 500, 200]
    places = [
        (record.connection_number, record.request_on_connection, record.model_request_number)
        for record in own_simulator.truth.records()
    ]
    assert places == [(1, 1, 1), (1, 2, 2), (1, 3, 3)]


def test_requests_sent_ahead_wait_for_their_turn(own_simulator: RunningSimulator) -> None:
    ahead = request_bytes(PATHS[OPENAI], request_body("fast", 2)) * 2
    with socket.create_connection(("127.0.0.1", own_simulator.port), timeout=5) as connection:
        connection.sendall(ahead)
        raw = b""
        while raw.count(b"\r\n0\r\n\r\n") < 2:
            raw += connection.recv(65536)
    assert raw.count(b"HTTP/1.1 200 OK") == 2


def test_a_client_that_asks_to_close_is_closed(own_simulator: RunningSimulator) -> None:
    body = request_bytes(PATHS[OPENAI], request_body("fast", 2), {"Connection": "close"})
    with socket.create_connection(("127.0.0.1", own_simulator.port), timeout=5) as connection:
        connection.sendall(body)
        raw = read_to_the_end(connection)
    assert raw.endswith(b"\r\n0\r\n\r\n")


def test_a_body_is_invited_when_the_client_waits_for_it(own_simulator: RunningSimulator) -> None:
    head, _, body = request_bytes(
        PATHS[OPENAI], request_body("error-500"), {"Expect": "100-continue"}
    ).partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", own_simulator.port), timeout=5) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 500 ")


def test_what_is_no_http_gets_a_400_and_the_end(own_simulator: RunningSimulator) -> None:
    with socket.create_connection(("127.0.0.1", own_simulator.port), timeout=5) as connection:
        connection.sendall(b"hello\r\n\r\n")
        raw = read_to_the_end(connection)
    assert raw.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/embeddings", b"{}", 404),
        ("POST", "/v1/responses", b"{}", 400),
        ("POST", "/v1/responses", b'{"model":"ok","input":[]}', 400),
        ("POST", "/v1/responses", b'{"input":"x"}', 400),
        ("GET", "/v1/chat/completions", b"", 404),
        ("POST", "/v1/chat/completions", b"{", 400),
        ("POST", "/v1/chat/completions", b"[]", 400),
        ("POST", "/v1/chat/completions", b'{"messages":[{}]}', 400),
        ("POST", "/v1/chat/completions", b'{"model":"ok"}', 400),
        ("POST", "/v1/chat/completions", b'{"model":"ok","messages":[{}],"max_tokens":0}', 400),
        ("POST", "/v1/messages", b'{"model":"ok","messages":[{}]}', 400),
        ("GET", "/_simulator/nothing", b"", 404),
    ],
)
def test_a_wrong_request_gets_a_json_error(
    own_simulator: RunningSimulator, method: str, path: str, body: bytes, status: int
) -> None:
    connection = client_of(own_simulator)
    connection.request(method, path, body)
    response = connection.getresponse()
    document = json.loads(response.read())
    connection.close()
    assert response.status == status
    assert document["error"]


def test_a_client_that_leaves_is_noted(own_simulator: RunningSimulator) -> None:
    with socket.create_connection(("127.0.0.1", own_simulator.port), timeout=5) as connection:
        connection.sendall(request_bytes(PATHS[OPENAI], request_body("never-answers")))
        assert own_simulator.truth.wait_received(1, 5)
    assert own_simulator.truth.wait_finished(1, 5)
    assert own_simulator.truth.records()[0].outcome is Outcome.CLIENT_LEFT


def test_stopping_ends_what_still_runs() -> None:
    with serve_in_thread() as running:
        connection = socket.create_connection(("127.0.0.1", running.port), timeout=5)
        connection.sendall(request_bytes(PATHS[OPENAI], request_body("stalled-pings")))
        assert running.truth.wait_received(1, 5)
    connection.close()
    assert running.truth.records()[0].outcome is Outcome.SERVER_STOPPED
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), timeout=5)


@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        ("ok", Outcome.COMPLETE),
        ("cut", Outcome.FIN),
        ("reset", Outcome.RESET),
        ("error-500", Outcome.COMPLETE),
    ],
)
def test_the_truth_knows_how_it_ended(own_simulator: RunningSimulator, model: str, outcome: Outcome) -> None:
    exchange(own_simulator.port, OPENAI, request_body(model, 4))
    assert own_simulator.truth.wait_finished(1, 5)
    assert own_simulator.truth.records()[0].outcome is outcome


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": f"Bearer {KEY}"}, {"X-Api-Key": KEY}, {"Api-Key": KEY}, {"X-Goog-Api-Key": KEY}],
)
def test_no_key_is_kept_or_shown(own_simulator: RunningSimulator, headers: dict[str, str]) -> None:
    connection = client_of(own_simulator)
    body = request_body("echoes-key", 2) | ({"user": KEY} if "Authorization" in headers else {})
    _, answer = post(connection, f"{PATHS[OPENAI]}?key={KEY}", body, headers)
    connection.request("GET", "/_simulator/requests")
    page = connection.getresponse().read().decode()
    connection.close()
    assert KEY not in page
    assert "[redacted]" in page
    assert KEY in answer.decode()
    assert KEY not in repr(own_simulator.truth.records())


def test_the_requests_page_serves_other_processes(own_simulator: RunningSimulator) -> None:
    for protocol in (OPENAI, ANTHROPIC, OPENAI):
        exchange(own_simulator.port, protocol, request_body("fast", 4))
    exchange(own_simulator.port, OPENAI, request_body("error-500"))
    assert own_simulator.truth.wait_finished(4, 5)
    connection = client_of(own_simulator)
    connection.request("GET", "/_simulator/requests?last=2&model=fast")
    page = json.loads(connection.getresponse().read())
    connection.close()
    assert page["requests_total"] == 4
    assert [record["protocol"] for record in page["requests"]] == ["anthropic_messages", "openai_chat"]
    record = page["requests"][-1]
    assert (record["outcome"], record["generated_total"], record["body"]["model"]) == ("complete", 4, "fast")
    assert [write["kinds"] for write in record["writes"]][:3] == [["head"], ["preamble"], ["text"]]


def test_only_the_last_requests_are_kept() -> None:
    with serve_in_thread(SimulatorConfig(truth_limit=2)) as running:
        for _ in range(3):
            exchange(running.port, OPENAI, request_body("error-500"))
        assert [record.number for record in running.truth.records()] == [2, 3]
        assert running.truth.requests_total == 3


def test_a_set_key_is_demanded() -> None:
    with serve_in_thread(SimulatorConfig(api_key=KEY)) as running:
        connection = client_of(running)
        body = request_body("fast", 2)
        assert post(connection, PATHS[OPENAI], body)[0] == 401
        assert post(connection, PATHS[OPENAI], body, {"Authorization": "Bearer other"})[0] == 401
        assert post(connection, PATHS[ANTHROPIC], body, {"X-Api-Key": KEY})[0] == 200
        connection.close()


def test_configured_models_come_before_the_catalogue() -> None:
    models = {"ok": always(scenario_named("error-503")), "mine": always(scenario_named("fast"))}
    with serve_in_thread(SimulatorConfig(models=models)) as running:
        assert exchange(running.port, OPENAI, request_body("ok")).status == 503
        assert exchange(running.port, OPENAI, request_body("mine", 2)).said() == "one two"
        assert exchange(running.port, OPENAI, request_body("short")).status == 200
        connection = client_of(running)
        connection.request("GET", "/v1/models")
        listed = json.loads(connection.getresponse().read())
        connection.close()
        assert [model["id"] for model in listed["data"]] == ["ok", "mine"]


def test_ipv6_is_served_when_asked() -> None:
    with serve_in_thread(SimulatorConfig(host="::1")) as running:
        assert running.base_url == f"http://[::1]:{running.port}"
        connection = http.client.HTTPConnection("::1", running.port, timeout=5)
        assert post(connection, PATHS[OPENAI], request_body("fast", 2))[0] == 200
        connection.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return key, cert


@pytest.fixture
def tls_simulator(certificate: tuple[Path, Path]) -> Iterator[tuple[RunningSimulator, ssl.SSLContext]]:
    key, cert = certificate
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(cert, key)
    with serve_in_thread(SimulatorConfig(ssl_context=server_side)) as running:
        yield running, ssl.create_default_context(cafile=str(cert))


def test_tls_is_spoken_with_a_given_certificate(
    tls_simulator: tuple[RunningSimulator, ssl.SSLContext],
) -> None:
    running, trust = tls_simulator
    connection = http.client.HTTPSConnection("127.0.0.1", running.port, timeout=5, context=trust)
    status, body = post(connection, PATHS[ANTHROPIC], request_body("fast", 3))
    connection.close()
    assert running.base_url.startswith("https://")
    assert (status, body.count(b"content_block_delta")) == (200, 6)


def test_a_failed_handshake_leaves_nothing_that_the_stop_would_trip_over(
    tls_simulator: tuple[RunningSimulator, ssl.SSLContext],
) -> None:
    running, _ = tls_simulator  # stopped by its fixture, which raises what the stop raises
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nhost: nobody\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert not plain.recv(4096).startswith(b"HTTP/")


@contextlib.contextmanager
def tls_connection(running: RunningSimulator, trust: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", running.port), timeout=5) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as connection,
    ):
        yield connection


def test_a_tls_stream_is_cut_without_a_goodbye(
    tls_simulator: tuple[RunningSimulator, ssl.SSLContext],
) -> None:
    with tls_connection(*tls_simulator) as connection:
        connection.sendall(request_bytes(PATHS[OPENAI], request_body("cut")))
        with pytest.raises(ssl.SSLEOFError):
            read_to_the_end(connection)


def test_a_tls_stream_is_reset_below_tls(tls_simulator: tuple[RunningSimulator, ssl.SSLContext]) -> None:
    with tls_connection(*tls_simulator) as connection:
        connection.sendall(request_bytes(PATHS[OPENAI], request_body("reset")))
        with pytest.raises(ConnectionResetError):
            read_raw_to_the_end(connection)


def read_raw_to_the_end(connection: ssl.SSLSocket) -> None:
    """Past the TLS layer, which reports a reset as an end of file."""
    while socket.socket.recv(connection, 65536):
        pass


PROGRAM = (
    "import sys; from pathlib import Path; from probes.simulator import RunOptions, run_simulator; "
    "sys.exit(run_simulator(RunOptions({})))"
)


def start(arguments: str = "") -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on http://127.0.0.1:")
    return process, int(line.rsplit(":", 1)[1])


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_by_signal_while_a_stream_runs(signal_number: signal.Signals) -> None:
    process, port = start()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request_bytes(PATHS[OPENAI], request_body("stalled-pings")))
        assert connection.recv(12) == b"HTTP/1.1 200"
        process.send_signal(signal_number)
        _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")


def test_the_process_ends_when_its_parent_lets_go_of_stdin() -> None:
    process, _ = start("exit_when_stdin_closes=True")
    _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")


def test_the_process_serves_a_scenario_file(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text("models: {mine: fast}")
    process, port = start(f"scenarios=Path({str(path)!r})")
    answer = exchange(port, OPENAI, request_body("mine", 2))
    process.terminate()
    process.communicate(timeout=5)
    assert answer.said() == "one two"


def test_the_process_says_what_is_wrong_with_a_scenario_file(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text("models: {mine: nothing}")
    program = PROGRAM.format(f"scenarios=Path({str(path)!r})")
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"{path}: models.mine: no scenario named 'nothing'")


def test_a_client_that_does_not_read_is_waited_for(own_simulator: RunningSimulator) -> None:
    body = request_body("hostile-long-word;ttft=0;gap=0", 200)
    with socket.create_connection(("127.0.0.1", own_simulator.port), timeout=10) as connection:
        connection.sendall(request_bytes(PATHS[OPENAI], body))
        assert own_simulator.truth.wait_received(1, 5)
        record = own_simulator.truth.records()[0]
        wait_until("a write that had to queue", lambda: any(write.is_queued for write in list(record.writes)))
        assert len(record.generated) < 200
        seen = b""
        while not seen.endswith(b"0\r\n\r\n"):
            seen = seen[-5:] + connection.recv(1 << 20)
    assert own_simulator.truth.wait_finished(1, 5)
    assert record.text.count("w" * 100_000) == 200
