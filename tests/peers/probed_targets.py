"""What the agent probes on the servers of others, and what each of their answers is documented to mean."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import yaml

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Category
from probes.domain.state import State
from tests.peers.servers import Relay

KEY: Final = f"sk-{secrets.token_hex(16)}"  # for those who take any; it must show up nowhere
ANYTHING: Final = "Say whatever comes to your mind."


@dataclass(frozen=True, slots=True)
class Answer:
    outcome: Outcome
    http_status: int | None


GOOD: Final = Answer(Outcome.OK, 200)
# aimock hangs up 250 ms after the request; on a starved machine that is before its first frame.
_CUT_BEFORE_HEADERS: Final = Answer(Outcome.CONNECTION_RESET, None)


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds in seconds that put a known delay into a category."""

    smooth: float
    available: float
    congestion: float
    lagging: float = 100.0


@dataclass(frozen=True, slots=True)
class Model:
    """`answers` has several where the server itself does not always answer alike. None is not looked at."""

    name: str
    answers: tuple[Answer, ...] = (GOOD,)
    category: Category = Category.SMOOTH  # of a good answer
    limits: Limits | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    prompt: str | None = None
    id: str | None = None

    @property
    def is_good(self) -> bool:
        return self.answers == (GOOD,)

    @property
    def shown_category(self) -> Category:
        return self.category if self.is_good else Category.UNKNOWN

    @property
    def state(self) -> State:
        """After three probes or more."""
        if self.is_good:
            is_slow = self.category in (Category.CONGESTION, Category.LAGGING)
            return State.DEGRADED if is_slow else State.OPERATIONAL
        by_fault = {Fault.OURS: State.ATTENTION, Fault.THROTTLING: State.DEGRADED}
        return by_fault.get(self.answers[0].outcome.fault, State.DOWN)

    def settings(self) -> dict[str, object]:
        """The model's entry in the configuration file."""
        limits = self.limits
        thresholds = None if limits is None else {name: getattr(limits, name) for name in Limits.__slots__}
        given = {"model": self.name, "id": self.id, "prompt": self.prompt, "thresholds": thresholds}
        return {key: value for key, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Account:
    """A client of the configuration file; `address` follows the server's root URL."""

    provider: str
    client: str
    protocol: str
    address: str
    models: tuple[Model, ...]

    def target(self, model: Model) -> str:
        return f"{self.provider}/{self.client}/{model.id or model.name}"


def _of_aimock(finish_reason: str) -> tuple[Model, ...]:
    """Its behaviours are aimock/fixtures.json: 120 ms to the first frame, or 600."""
    lagging, congestion, available = Limits(0.1, 0.2, 0.3), Limits(0.05, 0.1, 99), Limits(0.1, 98, 99)
    return (
        Model("counting", output_tokens=20, finish_reason=finish_reason),
        Model("counting-slowly", (GOOD,), Category.LAGGING, lagging, 10, finish_reason),
        Model("reasoning", (GOOD,), Category.CONGESTION, congestion, 25, finish_reason),
        Model("counting-without-usage", (GOOD,), Category.AVAILABLE, available, None, finish_reason),
        Model("calling-a-tool", (Answer(Outcome.EMPTY_RESPONSE, 200),)),
        Model("rate-limited", (Answer(Outcome.RATE_LIMITED, 429),)),
        Model("out-of-quota", (Answer(Outcome.QUOTA_EXHAUSTED, 429),)),
        Model("overloaded", (Answer(Outcome.OVERLOADED, 529),)),
        Model("unauthorized", (Answer(Outcome.AUTH, 401),)),
        Model("unknown-model", (Answer(Outcome.MODEL_NOT_FOUND, 404),)),
        Model("failing", (Answer(Outcome.SERVER_ERROR, 500),)),
        # It cuts the line in both, which is no clean end without a terminal marker.
        Model("truncated", (Answer(Outcome.CONNECTION_RESET, 200),)),
        Model("disconnecting", (Answer(Outcome.CONNECTION_RESET, 200), _CUT_BEFORE_HEADERS)),
        Model("dropping-at-once", (_CUT_BEFORE_HEADERS,)),
        Model("malformed", (Answer(Outcome.NOT_SSE, 200),)),
    )


_REFUSED_BY_LITELLM: Final = (
    Model("relayed-rate-limited", (Answer(Outcome.RATE_LIMITED, 429),)),
    Model("relayed-unauthorized", (Answer(Outcome.AUTH, 401),)),
    Model("relayed-overloaded", (Answer(Outcome.SERVER_ERROR, 500),)),  # it makes a 500 of a 529
    Model("no-such-model", (Answer(Outcome.BAD_REQUEST, 400),)),
    # It tells of a cut line by a 500 as long as it has sent nothing, else by an error event or a failed response.
    Model("relayed-truncated", (Answer(Outcome.STREAM_ERROR, 200), Answer(Outcome.SERVER_ERROR, 500))),
)


def _of_litellm(finish_reason: str, answered_by_itself: Model) -> tuple[Model, ...]:
    """Two models are relayed by the protocol in which they are asked, or by the other one."""
    relayed = (
        Model(name, output_tokens=20, finish_reason=finish_reason)
        for name in ("relayed-counting", "relayed-messages")
    )
    return (*relayed, answered_by_itself, *_REFUSED_BY_LITELLM)


def _of_llamacpp(finish_reason: str) -> tuple[Model, ...]:
    """Random weights say random words, so the known answer is asked of one target alone."""
    wrong = Answer(Outcome.WRONG_ANSWER, 200)
    asked = Model("tiny-llama", (wrong,), output_tokens=64, finish_reason=finish_reason, id="asked-to-count")
    return (
        Model("tiny-llama", output_tokens=64, finish_reason=finish_reason, prompt=ANYTHING),
        asked,
    )


_BY_ITSELF: Final = "answered-by-the-relay"
ACCOUNTS: Final = (
    Account("aimock", "chat", "openai_chat", "/v1", _of_aimock("stop")),
    Account("aimock", "messages", "anthropic_messages", "", _of_aimock("end_turn")),
    Account("aimock", "azure", "azure_openai_chat", "", _of_aimock("stop")),
    Account("aimock", "responses", "openai_responses", "/v1", _of_aimock("completed")),
    Account("aimock", "gemini", "gemini_generate_content", "/v1beta", _of_aimock("STOP")),
    # Its Ollama counts no tokens, whatever the fixture says.
    Account(
        *("aimock", "ollama", "ollama_chat", ""),
        tuple(replace(model, output_tokens=None) for model in _of_aimock("stop")),
    ),
    Account(
        *("litellm", "chat", "openai_chat", "/v1"),
        _of_litellm("stop", Model(_BY_ITSELF, output_tokens=10, finish_reason="stop")),
    ),
    Account(
        *("litellm", "messages", "anthropic_messages", ""),
        _of_litellm("end_turn", Model(_BY_ITSELF, (Answer(Outcome.NOT_SSE, 200),))),
    ),
    Account(
        *("litellm", "responses", "openai_responses", "/v1"),
        _of_litellm("completed", Model(_BY_ITSELF, (Answer(Outcome.SERVER_ERROR, 500),))),
    ),
    Account("llamacpp", "chat", "openai_chat", "/v1", _of_llamacpp("length")),
    Account("llamacpp", "messages", "anthropic_messages", "", _of_llamacpp("max_tokens")),
    # It calls a response completed that ran into the limit.
    Account("llamacpp", "responses", "openai_responses", "/v1", _of_llamacpp("completed")),
)
TARGETS: Final = {account.target(model): (account, model) for account in ACCOUNTS for model in account.models}


@dataclass(frozen=True, slots=True)
class Peers:
    """The running servers."""

    aimock: str
    litellm: Relay
    llamacpp: str

    def address(self, account: Account) -> str:
        roots = {"aimock": self.aimock, "litellm": self.litellm.url, "llamacpp": self.llamacpp}
        return roots[account.provider] + account.address

    def key(self, account: Account) -> str:
        return self.litellm.api_key if account.provider == "litellm" else KEY


def configuration(peers: Peers, interval: str) -> str:
    """A file that probes every target this often."""
    apis: dict[str, dict[str, object]] = {}
    for account in ACCOUNTS:
        apis.setdefault(account.provider, {})[account.client] = {
            "api_key": peers.key(account),
            "base_url": peers.address(account),
            "protocol": account.protocol,
            "models": [model.settings() for model in account.models],
        }
    return yaml.safe_dump(
        {"apis": apis, "defaults": {"interval": interval}, "web": {"refresh_cooldown": "1s"}}
    )


def good_targets(provider: str) -> Iterator[tuple[str, Model]]:
    for target, (account, model) in TARGETS.items():
        if account.provider == provider and model.is_good:
            yield target, model
