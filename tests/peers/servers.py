"""The LLM servers which the peer tests talk to, each started on a free port of the loopback interface."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.absence import missing
from tests.peers.installed import PEERS, installed
from tests.peers.launch import Launch, running

SETUP = "Run tests/peers/setup (it needs Node.js 20.15 and Python 3.11)."


@contextmanager
def aimock_server(directory: Path) -> Iterator[str]:
    """Yields the root URL of an aimock that plays aimock/fixtures.json: a behaviour for each model name.

    Chat completions, Responses and Azure are under `/v1`, `/v1` and `/openai`; messages and Ollama under the root,
    Gemini under `/v1beta`.
    """
    home = installed("aimock", "aimock/package-lock.json")
    if home is None:
        missing("aimock, an LLM server of others", SETUP)
    program = home / "node_modules/@copilotkit/aimock/dist/cli.js"
    fixtures = PEERS / "aimock" / "fixtures.json"
    launch = Launch(
        ["node", program, "--port", "0", "--fixtures", fixtures, "--strict", "--validate-on-load"],
        announces=re.compile(r"listening on (http://\S+)"),
        patience_seconds=20.0,
    )
    with running(launch, directory / "aimock.log") as url:
        yield url


@dataclass(frozen=True, slots=True)
class Relay:
    url: str
    """Root URL; chat completions are under `/v1`, messages under the root."""
    api_key: str
    """The only key that it takes; it answers any other with status 400, as it has no database to look it up in."""


@contextmanager
def litellm_relay(directory: Path, chat: str, messages: str) -> Iterator[Relay]:
    """Yields a LiteLLM proxy, which asks the chat and messages servers at these base URLs.

    litellm/relay.yaml lists the models. The base URL for chat ends in `/v1`, that for messages does not.
    """
    home = installed("litellm", "litellm/requirements.txt")
    if home is None:
        missing("LiteLLM, an LLM relay of others", SETUP)
    settings = directory / "relay.yaml"
    template = (PEERS / "litellm" / "relay.yaml").read_text("utf-8")
    settings.write_text(template.replace("{chat}", chat).replace("{messages}", messages), "utf-8")
    api_key = f"sk-{secrets.token_hex(32)}"
    address = ["--host", "127.0.0.1", "--port", "0"]
    launch = Launch(
        [home / "bin/litellm", "--config", settings, *address, "--telemetry", "False"],
        announces=re.compile(r"Uvicorn running on (http://\S+)"),
        environment={
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MASTER_KEY": api_key,
            "NO_PROXY": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
        },
        patience_seconds=90.0,
    )
    with running(launch, directory / "litellm.log") as url:
        yield Relay(url, api_key)


@contextmanager
def llamacpp_server(directory: Path) -> Iterator[str]:
    """Yields the root URL of llama.cpp's own HTTP server, which really infers, with random weights, as `tiny-llama`.

    Chat completions and Responses are under `/v1`, messages under the root. It says any words but the asked ones.
    """
    home = installed("llamacpp", "llamacpp/requirements.txt", "llamacpp/tiny_llama.py")
    if home is None:
        missing("llama.cpp, an inference server of others", SETUP)
    launch = Launch(
        [home / "bin/python", PEERS / "llamacpp" / "serve.py", home / "tiny-llama.gguf"],
        announces=re.compile(r"tiny-llama answers at (http://\S+)"),
        patience_seconds=30.0,
    )
    with running(launch, directory / "llamacpp.log") as url:
        yield url
