"""The simulator speaks Gemini's and Ollama's own protocols as these vendors document them."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from probes.simulator import RunningSimulator, SimulatorConfig, serve_in_thread

WORDS = "one two three four five six seven eight"
ASK = "4fd1c2a9 lamp river. Count upward in words."


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        blocks = self.body.decode().replace("\r\n", "\n").split("\n\n")
        return [json.loads(block.removeprefix("data: ")) for block in blocks if block.startswith("data: ")]

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]


def post(url: str, body: object, **headers: str) -> Reply:
    sent = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), sent)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return Reply(response.status, response.headers["content-type"], response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers["content-type"], error.read())


def gemini(
    url: str, model: str, limit: int = 8, operation: str = "streamGenerateContent", **more: object
) -> Reply:
    contents = [{"role": "user", "parts": [{"text": ASK}]}]
    body = {"contents": contents, "generationConfig": {"maxOutputTokens": limit}, **more}
    return post(f"{url}/v1beta/models/{quote(model)}:{operation}?alt=sse", body)


def ollama(url: str, model: str, limit: int = 8, **more: object) -> Reply:
    messages = [{"role": "user", "content": ASK}]
    body = {"model": model, "messages": messages, "options": {"num_predict": limit}, **more}
    return post(f"{url}/api/chat", body)


def parts(events: list[Any]) -> list[Any]:
    return [part for event in events for part in event["candidates"][0]["content"]["parts"]]


def test_gemini_streams_a_chunk_a_token_and_ends_with_a_reason(simulator: RunningSimulator) -> None:
    reply = gemini(simulator.base_url, "ok")
    assert (reply.status, reply.content_type) == (200, "text/event-stream; charset=utf-8")
    assert "".join(part["text"] for part in parts(reply.events)) == WORDS
    assert [event["candidates"][0].get("finishReason") for event in reply.events] == [None] * 9 + [
        "MAX_TOKENS"
    ]
    assert reply.events[-1]["usageMetadata"]["candidatesTokenCount"] == 8
    assert {event["modelVersion"] for event in reply.events} == {"ok"}
    assert len({event["responseId"] for event in reply.events}) == 1


def test_gemini_marks_thoughts_and_counts_them_apart(simulator: RunningSimulator) -> None:
    events = gemini(simulator.base_url, "reasoning", 12).events
    assert [part.get("thought", False) for part in parts(events)] == [False] + [True] * 8 + [False] * 5
    usage = events[-1]["usageMetadata"]
    assert (usage["candidatesTokenCount"], usage["thoughtsTokenCount"]) == (4, 8)


@pytest.mark.parametrize("limit", [1, 2, 8])
def test_gemini_sends_a_tool_call_whole(limit: int, simulator: RunningSimulator) -> None:
    calls = [
        part
        for part in parts(gemini(simulator.base_url, "tool-call", limit).events)
        if "functionCall" in part
    ]
    (call,) = calls
    assert call["functionCall"]["name"] == "count"
    assert isinstance(call["functionCall"]["args"], dict)


def test_gemini_blocks_a_prompt_without_candidates(simulator: RunningSimulator) -> None:
    (event,) = gemini(simulator.base_url, "content-filter-empty").events
    assert event["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}
    assert "candidates" not in event


def test_gemini_gives_a_whole_answer(simulator: RunningSimulator) -> None:
    reply = gemini(simulator.base_url, "reasoning", 12, "generateContent")
    (candidate,) = reply.json["candidates"]
    assert [part.get("thought") for part in candidate["content"]["parts"]] == [True, None]
    assert candidate["finishReason"] == "MAX_TOKENS"


@pytest.mark.parametrize(
    ("model", "status", "word"),
    [
        ("error-400", 400, "INVALID_ARGUMENT"),
        ("error-403", 403, "PERMISSION_DENIED"),
        ("error-429", 429, "RESOURCE_EXHAUSTED"),
        ("error-503", 503, "UNAVAILABLE"),
        ("error-529", 529, "UNKNOWN"),
        ("no-such-scenario", 404, "NOT_FOUND"),
    ],
)
def test_gemini_words_errors_as_google_does(
    model: str, status: int, word: str, simulator: RunningSimulator
) -> None:
    reply = gemini(simulator.base_url, model)
    error = reply.json["error"]
    assert (reply.status, error["code"], error["status"]) == (status, status, word)


def test_gemini_puts_an_error_into_the_stream(simulator: RunningSimulator) -> None:
    events = gemini(simulator.base_url, "stream-overloaded").events
    assert (events[-1]["error"]["code"], events[-1]["error"]["status"]) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("contents", [None, [], "text"])
def test_gemini_wants_contents(contents: object, simulator: RunningSimulator) -> None:
    reply = gemini(simulator.base_url, "ok", contents=contents)
    assert (reply.status, reply.json["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_each_vendor_has_its_own_header_for_the_key() -> None:
    with serve_in_thread(SimulatorConfig(api_key="sk-right-0001")) as running:
        path = f"{running.base_url}/v1beta/models/fast:streamGenerateContent?alt=sse"
        body = {"contents": [{"parts": [{"text": ASK}]}]}
        refused = post(path, body, **{"x-goog-api-key": "sk-wrong-0001"})
        assert (refused.status, refused.json["error"]["details"][0]["reason"]) == (401, "API_KEY_INVALID")
        assert post(path, body, **{"x-goog-api-key": "sk-right-0001"}).status == 200
        chat = {"model": "fast", "messages": [{"role": "user", "content": ASK}]}
        assert post(f"{running.base_url}/api/chat", chat).json == {"error": "Incorrect API key provided."}
        key = {"Authorization": "Bearer sk-right-0001"}
        assert post(f"{running.base_url}/api/chat", chat, **key).status == 200
        assert "sk-right-0001" not in repr([record.document() for record in running.truth.records()])


def test_ollama_streams_lines_unless_told_not_to(simulator: RunningSimulator) -> None:
    reply = ollama(simulator.base_url, "ok")
    assert (reply.status, reply.content_type) == (200, "application/x-ndjson")
    assert "".join(line["message"]["content"] for line in reply.lines) == WORDS
    assert [line["done"] for line in reply.lines] == [False] * 9 + [True]
    last = reply.lines[-1]
    assert (last["done_reason"], last["eval_count"], last["model"]) == ("length", 8, "ok")
    whole = ollama(simulator.base_url, "ok", stream=False)
    assert whole.content_type == "application/json"
    assert (whole.json["message"]["content"], whole.json["done"]) == (WORDS, True)


def test_ollama_thinks_and_calls_tools_in_fields_of_the_message(simulator: RunningSimulator) -> None:
    messages = [line["message"] for line in ollama(simulator.base_url, "reasoning", 12).lines]
    assert len([message for message in messages if message.get("thinking")]) == 8
    called = [line["message"] for line in ollama(simulator.base_url, "tool-call").lines]
    (calls,) = [message["tool_calls"] for message in called if "tool_calls" in message]
    assert calls[0]["function"]["arguments"]["words"].startswith("one two")


@pytest.mark.parametrize(
    ("model", "sign"),
    [
        ("crlf", b"}\r\n{"),
        ("comments", b"}\n\n{"),
        ("cr", b"}\n{"),
        ("multiline", b"}\n{"),
        ("no-space", b"}\n{"),
        ("bom", b"\xef\xbb\xbf{"),
    ],
)
def test_json_lines_take_the_forms_that_they_have(
    model: str, sign: bytes, simulator: RunningSimulator
) -> None:
    reply = ollama(simulator.base_url, model)
    assert sign in reply.body
    lines = [json.loads(line) for line in reply.body.decode("utf-8-sig").split("\n") if line.strip()]
    assert lines[-1]["done"]


def test_ollama_says_errors_in_one_text(simulator: RunningSimulator) -> None:
    refused = ollama(simulator.base_url, "error-404")
    assert (refused.status, list(refused.json)) == (404, ["error"])
    lines = ollama(simulator.base_url, "stream-error").lines
    assert lines[-1] == {"error": "Simulated internal error."}
    assert ollama(simulator.base_url, "ok", messages=[]).status == 400


@pytest.mark.parametrize(
    ("usage", "counts"),
    [("missing", []), ("zero", [0]), ("repeated", [1, 2, 3, 3]), ("early", [3]), ("last", [3])],
)
def test_ollama_counts_where_the_scenario_says(
    usage: str, counts: list[int], simulator: RunningSimulator
) -> None:
    lines = ollama(simulator.base_url, f"fast?usage={usage}", 3).lines
    assert [line["eval_count"] for line in lines if "eval_count" in line] == counts


@pytest.mark.parametrize(
    ("usage", "counts"),
    [("missing", []), ("zero", [0]), ("repeated", [1, 2, 3, 3]), ("early", [3]), ("then-null", [3, None])],
)
def test_gemini_counts_where_the_scenario_says(
    usage: str, counts: list[int | None], simulator: RunningSimulator
) -> None:
    events = gemini(simulator.base_url, f"fast?usage={usage}", 3).events
    carried = [event["usageMetadata"] for event in events if "usageMetadata" in event]
    assert [usage and usage["candidatesTokenCount"] for usage in carried] == counts
