"""The simulator: listens, routes requests to a protocol, chooses the scenario, keeps the truth."""

import asyncio
import datetime
import json
import random
import ssl
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs

from probes.simulator.anthropic_messages import AnthropicMessages
from probes.simulator.behaviour import Behaviour, Moment, chosen
from probes.simulator.catalogue import behaviour_named, list_scenarios
from probes.simulator.connection import Arrival, Connection
from probes.simulator.dialect import Call, CallError, Dialect, JsonObject
from probes.simulator.failure import wording
from probes.simulator.gemini_generate_content import GeminiGenerateContent
from probes.simulator.ollama_chat import OllamaChat
from probes.simulator.openai_chat import OpenAIChat
from probes.simulator.openai_responses import OpenAIResponses
from probes.simulator.parameters import ScenarioError
from probes.simulator.respond import Circumstances, build_script, error_script, json_script
from probes.simulator.scenario import Problem
from probes.simulator.script import Script
from probes.simulator.truth import (
    Truth,
    TruthLog,
    api_key_of,
    redacted_body,
    redacted_headers,
    redacted_target,
)

_OWN_PAGES = "/_simulator/"
_OPENAI: Dialect = OpenAIChat()
_RESPONSES: Dialect = OpenAIResponses()
_ANTHROPIC: Dialect = AnthropicMessages()
_GEMINI: Dialect = GeminiGenerateContent()
_OPERATIONS: dict[str, Dialect] = {  # by the end of a path
    "/chat/completions": _OPENAI,
    "/responses": _RESPONSES,
    "/messages": _ANTHROPIC,
    ":streamGenerateContent": _GEMINI,
    ":generateContent": _GEMINI,
    "/api/chat": OllamaChat(),
}


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """How to listen and behave. `models` come before the catalogue's names; with `api_key` any other key gets a 401."""

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 0
    models: Mapping[str, Behaviour] = field(default_factory=dict)
    ssl_context: ssl.SSLContext | None = None
    api_key: str | None = None
    truth_limit: int = 1000


class Simulator:
    """A loopback provider. Start and stop it on a running event loop."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._connections_total = 0
        self._requests_by_model: Counter[str] = Counter()
        self._started_ns = 0
        self.truth = TruthLog(config.truth_limit)

    async def start(self) -> int:
        """Listens; the port, which the system chose when the config says 0."""
        loop = asyncio.get_running_loop()
        self._started_ns = time.monotonic_ns()
        self._server = await loop.create_server(
            self._connection, self._config.host, self._config.port, ssl=self._config.ssl_context, backlog=1024
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Closes the port and every connection at once."""
        if self._server is None:
            return
        self._server.close()
        await asyncio.gather(*(connection.stop() for connection in list(self._connections)))
        await self._server.wait_closed()

    def base_url(self, port: int) -> str:
        """The address clients use, without a path."""
        scheme = "https" if self._config.ssl_context else "http"
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        return f"{scheme}://{host}:{port}"

    def _connection(self) -> Connection:
        self._connections_total += 1
        return Connection(self._connections_total, self._answer, self.truth, self._connections)

    def _answer(self, arrival: Arrival) -> tuple[Script, Truth | None]:
        request = arrival.request
        if request.path.startswith(_OWN_PAGES):
            return self._own_page(arrival), None
        record = _record(arrival, self.truth.requests_total + 1)
        self.truth.add(record)
        dialect = _dialect(arrival)
        if request.method == "GET" and request.path.endswith("/models"):
            return json_script(self._model_list(dialect)), record
        if request.method != "POST" or not request.path.endswith(tuple(_OPERATIONS)):
            words = replace(wording(Problem.BAD_REQUEST), message=f"Unknown request URL: {request.method}.")
            return error_script(dialect, 404, words), record
        record.protocol = dialect.name
        return self._reply(arrival, dialect, record), record

    def _reply(self, arrival: Arrival, dialect: Dialect, record: Truth) -> Script:
        api_key = api_key_of(arrival.request)
        if self._config.api_key is not None and api_key != self._config.api_key:
            return error_script(dialect, 401, wording(Problem.AUTH))
        try:
            body = _json_object(arrival.request.body)
            record.body = redacted_body(body, api_key)
            call = replace(dialect.call(body, arrival.request.path), api_key=api_key)
            return self._scenario_script(arrival, dialect, call, record)
        except CallError as error:
            return error_script(dialect, 400, replace(wording(Problem.BAD_REQUEST), message=str(error)))
        except ScenarioError as error:
            return error_script(dialect, 404, replace(wording(Problem.MODEL_NOT_FOUND), message=str(error)))

    def _scenario_script(self, arrival: Arrival, dialect: Dialect, call: Call, record: Truth) -> Script:
        behaviour = self._config.models.get(call.model) or behaviour_named(call.model)
        self._requests_by_model[call.model] += 1
        number = self._requests_by_model[call.model]
        record.model, record.model_request_number = call.model, number
        elapsed_seconds = (arrival.received_ns - self._started_ns) / 1e9
        rng = random.Random(f"{self._config.seed}/{call.model}/{number}")  # noqa: S311 - repeatable on purpose
        scenario = chosen(behaviour, Moment(number, arrival.request_on_connection, elapsed_seconds), rng)
        record.scenario = scenario.name
        circumstances = Circumstances(number, rng, datetime.datetime.now(datetime.UTC))
        return build_script(call, scenario, dialect, circumstances)

    def _model_list(self, dialect: Dialect) -> JsonObject:
        names = list(self._config.models) or [name for name, _ in list_scenarios()]
        if dialect is _ANTHROPIC:
            entries = [
                {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}
                for name in names
            ]
            return {"data": entries, "has_more": False, "first_id": names[0], "last_id": names[-1]}
        owned = [
            {"id": name, "object": "model", "created": 1735689600, "owned_by": "simulator"} for name in names
        ]
        return {"object": "list", "data": owned}

    def _own_page(self, arrival: Arrival) -> Script:
        name = arrival.request.path.removeprefix(_OWN_PAGES)
        if name == "scenarios":
            return json_script([{"name": key, "description": text} for key, text in list_scenarios()])
        if name == "requests":
            return json_script(self._requests_page(arrival.request.target.partition("?")[2]))
        return json_script({"error": "pages: requests?last=N&model=NAME, scenarios"}, 404)

    def _requests_page(self, query: str) -> JsonObject:
        asked = parse_qs(query)
        model = asked.get("model", [None])[0]
        last = asked.get("last", ["100"])[0]
        records = self.truth.records(model)[-int(last) :] if last.isdigit() and int(last) else []
        return {
            "requests_total": self.truth.requests_total,
            "requests": [record.document() for record in records],
        }


def _dialect(arrival: Arrival) -> Dialect:
    """By the path; where that does not tell, by Anthropic's version header."""
    for end, dialect in _OPERATIONS.items():
        if arrival.request.path.endswith(end):
            return dialect
    return _ANTHROPIC if "anthropic-version" in arrival.request.headers else _OPENAI


def _record(arrival: Arrival, number: int) -> Truth:
    request = arrival.request
    return Truth(
        number=number,
        connection_number=arrival.connection_number,
        request_on_connection=arrival.request_on_connection,
        method=request.method,
        target=redacted_target(request),
        headers=redacted_headers(request),
        body=None,
        connected_ns=arrival.connected_ns,
        received_ns=arrival.received_ns,
    )


def _json_object(body: bytes) -> JsonObject:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise CallError("the body is no JSON") from error
    if not isinstance(document, dict):
        raise CallError("the body is no JSON object")
    return document
