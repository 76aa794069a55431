"""Servers that nobody here wrote, started once for a test session; their logs stay in pytest's temporary directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.absence import pytest_terminal_summary
from tests.peers.probed_targets import Peers
from tests.peers.seen import Seen, probe_and_ask
from tests.peers.servers import Relay, aimock_server, litellm_relay, llamacpp_server

__all__ = ["pytest_terminal_summary"]


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("peers")


@pytest.fixture(scope="session")
def aimock(logs: Path) -> Iterator[str]:
    """Root URL of a running aimock."""
    with aimock_server(logs) as url:
        yield url


@pytest.fixture(scope="session")
def litellm(logs: Path, aimock: str) -> Iterator[Relay]:
    """A running LiteLLM proxy in front of aimock."""
    with litellm_relay(logs, chat=f"{aimock}/v1", messages=aimock) as relay:
        yield relay


@pytest.fixture(scope="session")
def llamacpp(logs: Path) -> Iterator[str]:
    """Root URL of a running llama.cpp server, whose model is `tiny-llama`."""
    with llamacpp_server(logs) as url:
        yield url


@pytest.fixture(scope="session")
def peers(aimock: str, litellm: Relay, llamacpp: str) -> Peers:
    return Peers(aimock, litellm, llamacpp)


@pytest.fixture(scope="session")
def seen(peers: Peers, logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What several rounds of probes of all of them brought, taken once."""
    return probe_and_ask(peers, logs, tmp_path_factory.mktemp("rounds"))
