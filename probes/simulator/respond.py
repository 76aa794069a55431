"""Builds the script of one reply: head, body and ending, from the request and its scenario. No I/O."""

import datetime
import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from probes.simulator.answer import plan_answer
from probes.simulator.delivery import LAST_CHUNK, writes
from probes.simulator.dialect import Call, Dialect, Envelope, to_json
from probes.simulator.failure import (
    Wording,
    error_body,
    html_page,
    rate_limit_headers,
    reason,
    retry_headers,
    wording,
)
from probes.simulator.faults import with_fault
from probes.simulator.http1 import response_head
from probes.simulator.scenario import Body, Failure, Problem, Reply, Scenario
from probes.simulator.script import Ending, FrameKind, Script, Write


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a reply depends on beside request and scenario: the request's number for its model, chance, the date."""

    number: int
    rng: random.Random
    now: datetime.datetime


@dataclass(frozen=True, slots=True)
class _Job:
    """One reply in the making."""

    call: Call
    scenario: Scenario
    dialect: Dialect
    circumstances: Circumstances
    envelope: Envelope

    def headers(self, content_type: str) -> dict[str, str]:
        """Headers that every reply carries."""
        now = self.circumstances.now
        return {
            "date": now.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "server": "simulator",
            "content-type": content_type,
            self.dialect.request_id_header: f"req_{self.envelope.reply_id[-24:]}",
            **rate_limit_headers(self.scenario.failure, self.dialect, self.circumstances.number, now),
        }


def build_script(call: Call, scenario: Scenario, dialect: Dialect, circumstances: Circumstances) -> Script:
    """Everything that is sent for this request."""
    reply_id = dialect.reply_id(circumstances.rng)
    envelope = Envelope(call, scenario.content, reply_id, int(circumstances.now.timestamp()))
    job = _Job(call, scenario, dialect, circumstances, envelope)
    refused = _refused_parameter(call, scenario)
    if refused is not None:
        return _failed(job, Failure(status=400, problem=Problem.BAD_REQUEST), refused)
    match scenario.opening.reply:
        case Reply.STREAM:
            return _stream(job) if call.is_stream else _document(job)
        case Reply.ERROR:
            return _failed(job, scenario.failure)
        case Reply.JSON_ERROR_200:
            return _failed(job, replace(scenario.failure, status=200))
        case Reply.HTML_200:
            return _whole(job, 200, "text/html; charset=utf-8", html_page(200).encode())
        case Reply.JSON_ANSWER:
            return _document(job)
        case Reply.EMPTY_BODY:
            return _chunked(job, iter(()), Ending.KEEP, scenario.timing.header_delay_seconds)
        case Reply.NOTHING | Reply.CLOSE | Reply.RESET | Reply.NOT_HTTP:
            return _no_response(scenario)
        case _:
            assert_never(scenario.opening.reply)


def error_script(dialect: Dialect, status: int, words: Wording) -> Script:
    """A plain error in the vendor's shape, for requests that reach no scenario."""
    content_type, body = error_body(Body.VENDOR, words, status, dialect.error_shape)
    return _plain(status, {"content-type": content_type}, body, 0.0)


def json_script(document: object, status: int = 200) -> Script:
    """A JSON document as a whole response."""
    return _plain(status, {"content-type": "application/json"}, to_json(document).encode(), 0.0)


def _refused_parameter(call: Call, scenario: Scenario) -> Wording | None:
    """The 400 for a field the scenario refuses or a limit below its minimum; None when the request is taken."""
    base = wording(Problem.BAD_REQUEST)
    for name in filter(None, scenario.opening.refuses.split(",")):
        if call.body.get(name) is not None:
            cure = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
            message = f"Unsupported parameter: '{name}' is not supported with this model.{cure}"
            return replace(base, message=message, openai_code="unsupported_parameter", param=name)
    minimum = scenario.opening.minimum_tokens
    if call.limit is not None and call.limit < minimum:
        message = f"Token limit {call.limit} is below the minimum value of {minimum}."
        return replace(base, message=message, openai_code="integer_below_min_value", param="max_tokens")
    return None


def _no_response(scenario: Scenario) -> Script:
    delay = scenario.timing.header_delay_seconds
    nothing: Iterator[Write] = iter(())
    other_protocol = Write(delay, b"SSH-2.0-simulated\r\n", (FrameKind.BODY,))
    return {
        Reply.CLOSE: Script(nothing, Ending.FIN, delay),
        Reply.RESET: Script(nothing, Ending.RESET, delay),
        Reply.NOT_HTTP: Script(iter((other_protocol,)), Ending.FIN, delay),
    }.get(scenario.opening.reply, Script(nothing, Ending.KEEP, math.inf))


def _stream(job: _Job) -> Script:
    scenario, rng = job.scenario, job.circumstances.rng
    answer = plan_answer(scenario, job.call.limit, job.call.input_tokens, rng)
    frames = job.dialect.frames(answer, job.envelope, scenario.timing.header_delay_seconds)
    course = with_fault(frames, scenario, job.dialect, job.envelope)
    return _chunked(
        job, writes(course.frames, scenario.wire, job.dialect.framing), course.ending, course.ending_seconds
    )


def _chunked(job: _Job, body: Iterator[Write], ending: Ending, ending_seconds: float) -> Script:
    headers = job.headers(job.dialect.framing.value)
    headers |= {"cache-control": "no-cache", "transfer-encoding": "chunked"}
    head = Write(
        job.scenario.timing.header_delay_seconds, response_head(200, reason(200), headers), (FrameKind.HEAD,)
    )
    last = [Write(ending_seconds, LAST_CHUNK, (FrameKind.PART,))] if ending is Ending.KEEP else []
    return Script(itertools.chain([head], body, last), ending, ending_seconds)


def _document(job: _Job) -> Script:
    """The whole answer, when its last token would have come."""
    answer = plan_answer(job.scenario, job.call.limit, job.call.input_tokens, job.circumstances.rng)
    document = to_json(job.dialect.document(answer, job.envelope)).encode()
    return _whole(job, 200, "application/json", document, answer.finish_seconds)


def _failed(job: _Job, failure: Failure, words: Wording | None = None) -> Script:
    words = words or wording(failure.problem, job.call.api_key)
    content_type, body = error_body(failure.body, words, failure.status, job.dialect.error_shape)
    job = replace(job, scenario=replace(job.scenario, failure=failure))
    return _whole(job, failure.status, content_type, body)


def _whole(job: _Job, status: int, content_type: str, body: bytes, due_seconds: float = 0.0) -> Script:
    headers = job.headers(content_type) | dict(retry_headers(job.scenario.failure, job.circumstances.now))
    return _plain(status, headers, body, max(due_seconds, job.scenario.timing.header_delay_seconds))


def _plain(status: int, headers: Mapping[str, str], body: bytes, due_seconds: float) -> Script:
    head = response_head(status, reason(status), {**headers, "content-length": str(len(body))})
    return Script(iter((Write(due_seconds, head + body, (FrameKind.BODY,)),)), Ending.KEEP)
