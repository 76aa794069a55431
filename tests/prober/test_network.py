"""Sockets, names, TLS and proxies, for real: each phase is measured, each failure has its name."""

import asyncio
import contextlib
import select
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Phase, Stamps
from probes.domain.target import Protocol, Secret
from probes.prober.connect import Address, connect_fastest, look_up
from probes.simulator import RunningSimulator, SimulatorConfig, serve_in_thread
from tests.prober.asking import (
    ANTHROPIC,
    CHAT_STREAM,
    OPENAI,
    SHORT,
    RunningProber,
    a_target,
    read_request,
    response,
    running_prober,
    says,
    serving,
)

HASTY = replace(SHORT, connect_seconds=0.4, tls_seconds=0.4)
REQUEST_SELF_SIGNED = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split()  # noqa: SIM905
LINUX = sys.platform.startswith("linux")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        [*REQUEST_SELF_SIGNED, "-addext", names, "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.fixture(scope="module")
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture(scope="module")
def tls_url(server_tls: ssl.SSLContext) -> Iterator[str]:
    with serve_in_thread(SimulatorConfig(ssl_context=server_tls)) as running:
        yield f"https://localhost:{running.port}"


@pytest.fixture(scope="module")
def trusting(certificate: tuple[Path, Path]) -> Iterator[RunningProber]:
    """A prober that trusts the test certificate."""
    with running_prober(tls=ssl.create_default_context(cafile=str(certificate[0]))) as running:
        yield running


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port where connections are neither accepted nor refused: its queue is full."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", port))
        yield port


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


# Failures before the request.


def test_a_closed_port_is_a_refusal(prober: RunningProber) -> None:
    result = prober.probe(a_target(f"http://127.0.0.1:{closed_port()}"))
    assert (result.outcome, result.fault, result.phase) == (
        Outcome.CONNECT_REFUSED,
        Fault.NETWORK,
        Phase.CONNECT,
    )
    assert (result.ttft_seconds, result.response_seconds, result.overhead_seconds) == (None, None, None)
    assert result.connection_reused is None


def test_an_unknown_name_is_a_dns_error(prober: RunningProber) -> None:
    result = prober.probe(a_target("http://no-such-host.invalid"))
    assert (result.outcome, result.phase) == (Outcome.DNS_ERROR, Phase.CONNECT)


def test_a_name_that_is_none_is_a_dns_error(prober: RunningProber) -> None:
    assert prober.probe(a_target(f"http://{'a' * 70}.invalid")).outcome is Outcome.DNS_ERROR


def test_silence_on_connect_is_a_connect_timeout(prober: RunningProber) -> None:
    with black_hole() as port:
        result = prober.probe(a_target(f"http://127.0.0.1:{port}", deadlines=HASTY))
    assert (result.outcome, result.phase) == (Outcome.CONNECT_TIMEOUT, Phase.CONNECT)
    assert "connect deadline of 0.4 s" in (result.error or "")


def test_silence_in_the_handshake_is_a_tls_error(prober: RunningProber) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = prober.probe(a_target(f"https://127.0.0.1:{port}", deadlines=HASTY))
    assert (result.outcome, result.phase) == (Outcome.TLS_ERROR, Phase.CONNECT)
    assert "TLS deadline of 0.4 s" in (result.error or "")


def test_an_untrusted_certificate_is_a_tls_error(prober: RunningProber, server_tls: ssl.SSLContext) -> None:
    with serving(says(response(CHAT_STREAM)), server_tls) as server:
        result = prober.probe(a_target(f"https://127.0.0.1:{server.port}"))
        assert server.requests == []
    assert result.outcome is Outcome.TLS_ERROR
    assert "certificate verify failed" in (result.error or "")


def test_plain_text_in_the_handshake_is_a_tls_error(prober: RunningProber) -> None:
    with serving(says(response(CHAT_STREAM))) as server:
        result = prober.probe(a_target(f"https://127.0.0.1:{server.port}", deadlines=HASTY))
    assert result.outcome is Outcome.TLS_ERROR


def test_a_connection_cut_in_the_handshake_is_a_tls_error(prober: RunningProber) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        result = prober.probe(a_target(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        thread.join()
    assert result.outcome is Outcome.TLS_ERROR


# Phases.


def test_a_literal_address_needs_no_look_up(prober: RunningProber, truth_url: str) -> None:
    result = prober.probe(a_target(truth_url, "t10-g1-n3-literal"))
    assert result.outcome is Outcome.OK
    assert (result.dns_seconds, result.tls_seconds) == (None, None)
    assert result.connect_seconds is not None
    assert result.connection_reused is False


def test_a_name_is_looked_up_and_timed(prober: RunningProber, truth_url: str) -> None:
    result = prober.probe(a_target(truth_url.replace("127.0.0.1", "localhost"), "t10-g1-n3-name"))
    assert result.outcome is Outcome.OK
    assert result.dns_seconds is not None
    assert result.dns_seconds > 0


@pytest.mark.parametrize("protocol", [OPENAI, ANTHROPIC])
def test_tls_is_a_phase_of_its_own(protocol: Protocol, trusting: RunningProber, tls_url: str) -> None:
    result = trusting.probe(a_target(tls_url, "fast", protocol))
    assert result.outcome is Outcome.OK, result.error
    assert result.tls_seconds is not None
    assert result.tls_seconds > 0
    assert result.ttft_seconds is not None
    assert result.dns_seconds is not None
    assert result.connect_seconds is not None
    before = result.dns_seconds + result.connect_seconds + result.tls_seconds
    assert result.req_ttft_seconds == pytest.approx(before + result.ttft_seconds)


@pytest.mark.skipif(not LINUX, reason="only Linux stamps in the kernel")
def test_arrivals_are_stamped_by_the_kernel(
    prober: RunningProber, trusting: RunningProber, truth_url: str, tls_url: str
) -> None:
    plain = prober.probe(a_target(truth_url, "t50-g10-n5-kernel"))
    assert plain.stamps is Stamps.KERNEL
    assert plain.rx_lag_seconds is not None
    assert trusting.probe(a_target(tls_url, "ok?tokens=5")).stamps is Stamps.KERNEL


@pytest.mark.parametrize("scenario", ["cut", "reset", "huge-event", "split-utf8-chunks", "truncated"])
def test_tls_changes_no_outcome(
    scenario: str, trusting: RunningProber, prober: RunningProber, tls_url: str, simulator: RunningSimulator
) -> None:
    plain = prober.probe(a_target(simulator.base_url, scenario))
    assert trusting.probe(a_target(tls_url, scenario)).outcome is plain.outcome


# Addresses.


def test_the_second_address_is_tried_when_the_first_is_silent() -> None:
    async def connect(silent: int, listening: int) -> int:
        addresses = [Address(socket.AF_INET, ("127.0.0.1", port)) for port in (silent, listening)]
        with await connect_fastest(addresses) as sock:
            port: int = sock.getpeername()[1]
            return port

    with black_hole() as silent, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert asyncio.run(asyncio.wait_for(connect(silent, port), 10)) == port


def test_a_refusing_address_does_not_delay_the_next() -> None:
    async def connect(listening: int) -> int:
        addresses = [Address(socket.AF_INET, ("127.0.0.1", port)) for port in (closed_port(), listening)]
        with await connect_fastest(addresses) as sock:
            port: int = sock.getpeername()[1]
            return port

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert asyncio.run(asyncio.wait_for(connect(port), 10)) == port


def test_when_no_address_connects_the_first_error_is_told() -> None:
    addresses = [Address(socket.AF_INET, ("127.0.0.1", closed_port())) for _ in range(3)]
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(connect_fastest(addresses))
    with pytest.raises(OSError, match="no address"):
        asyncio.run(connect_fastest([]))


def test_a_look_up_that_is_given_up_leaves_nothing_behind() -> None:
    async def give_up() -> None:
        task = asyncio.create_task(look_up("localhost", 80, lambda: 0))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(give_up())


# Proxies.


@contextlib.contextmanager
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """An HTTP proxy that tunnels CONNECT and answers plain requests itself; what it was asked."""
    asked: list[bytes] = []

    def answer(sock: socket.socket, request: bytes) -> None:
        asked.append(request)
        method, target, _ = request.split(b"\r\n")[0].split(b" ")
        if method != b"CONNECT":
            sock.sendall(response(CHAT_STREAM))
            return
        host, _, port = target.decode().partition(":")
        if host == "forbidden.example":
            sock.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection((host, int(port))) as upstream:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            relay(sock, upstream)

    with serving(answer) as server:
        yield f"http://user:pass-word@127.0.0.1:{server.port}", asked


def relay(left: socket.socket, right: socket.socket) -> None:
    while True:
        for source in select.select([left, right], [], [], 20)[0]:
            part = source.recv(65536)
            if not part:
                return
            (right if source is left else left).sendall(part)


def test_a_plain_request_goes_through_the_proxy(prober: RunningProber) -> None:
    with proxy() as (url, asked):
        result = prober.probe(a_target("http://upstream.example", proxy=Secret(url)))
    assert result.outcome is Outcome.OK, result.error
    assert asked[0].startswith(b"POST http://upstream.example/v1/chat/completions HTTP/1.1\r\n")
    assert b"proxy-authorization: basic" in asked[0].lower()


def test_a_tls_request_goes_through_the_proxys_tunnel(trusting: RunningProber, tls_url: str) -> None:
    with proxy() as (url, asked):
        result = trusting.probe(a_target(tls_url, "fast", proxy=Secret(url)))
    assert result.outcome is Outcome.OK, result.error
    assert asked[0].startswith(b"CONNECT localhost:")
    assert result.tls_seconds is not None


def test_a_proxy_that_refuses_is_a_connect_error(trusting: RunningProber) -> None:
    with proxy() as (url, _asked):
        result = trusting.probe(a_target("https://forbidden.example", proxy=Secret(url)))
    assert result.outcome is Outcome.CONNECT_ERROR
    assert "403" in (result.error or "")


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:9", "nonsense", "ftp://user:pass-word@127.0.0.1"])
@pytest.mark.parametrize("protocol", [OPENAI, ANTHROPIC])
def test_a_proxy_of_another_kind_is_our_mistake(url: str, protocol: Protocol, prober: RunningProber) -> None:
    result = prober.probe(a_target("http://upstream.example", protocol=protocol, proxy=Secret(url)))
    assert result.outcome is Outcome.BAD_REQUEST
    assert "pass-word" not in (result.error or "")


# Reuse.


def test_a_tls_connection_is_reused_too(trusting: RunningProber, server_tls: ssl.SSLContext) -> None:
    with serving(says(response(CHAT_STREAM)), server_tls) as server:
        target = a_target(f"https://127.0.0.1:{server.port}", reuse_connection=True)
        kept = [trusting.probe(target) for _ in range(2)]
        assert [result.connection_reused for result in kept] == [False, True]
        assert kept[1].tls_seconds is None
        trusting.run(trusting.prober.close_idle())


def test_connections_are_fresh_unless_the_target_asks_for_reuse(prober: RunningProber) -> None:
    with serving(says(response(CHAT_STREAM))) as server:
        fresh = [prober.probe(a_target(server.base_url)) for _ in range(2)]
        assert [result.connection_reused for result in fresh] == [False, False]
        assert server.connections == 2
        target = a_target(server.base_url, "kept", reuse_connection=True)
        kept = [prober.probe(target) for _ in range(3)]
        assert [result.connection_reused for result in kept] == [False, True, True]
        assert [result.outcome for result in kept] == [Outcome.OK] * 3
        assert server.connections == 3
        assert kept[1].connect_seconds is None
        assert kept[1].ttft_seconds is not None
        assert kept[1].req_ttft_seconds == kept[1].ttft_seconds
        prober.run(prober.prober.close_idle())


def test_a_kept_connection_that_the_server_closed_is_replaced(prober: RunningProber) -> None:
    def answer_and_leave(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(response(CHAT_STREAM))
        sock.shutdown(socket.SHUT_RDWR)

    with serving(answer_and_leave) as server:
        target = a_target(server.base_url, "leaves", reuse_connection=True)
        outcomes = [prober.probe(target).outcome for _ in range(2)]
        assert outcomes == [Outcome.OK, Outcome.OK]
        assert server.connections == 2
        prober.run(prober.prober.close_idle())


def test_the_requests_reader_reads_whole_bodies() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd")
        assert read_request(right).endswith(b"abcd")
