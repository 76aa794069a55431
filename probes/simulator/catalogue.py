"""The named scenarios: one row each, written with the parameters that any model name may carry."""

import functools
from dataclasses import replace

from probes.simulator.behaviour import Behaviour, Choice, Phase, PhaseUnit, always
from probes.simulator.parameters import ScenarioError, configured, split_text
from probes.simulator.scenario import Scenario

_ORDERLY = (
    ("ok", "", "Counts upward in words until the limit: first token after 50 ms, then one each 10 ms."),
    ("fast", "ttft=0.01&gap=0.001", "As ok, as fast as a local model."),
    ("slow", "ttft=1&gap=0.1", "As ok, first token after 1 s, then one each 100 ms."),
    ("slow-first-token", "ttft=3", "First token after 3 s, then at ok's pace."),
    ("slow-headers", "header_delay=1&ttft=1.05", "Response headers only after 1 s."),
    ("short", "tokens=8", "Ends by itself after 8 tokens (finish stop)."),
    ("role-with-text", "preamble=merged", "No frame before the text: the role comes with the first token."),
    ("no-role", "preamble=none", "No role frame or message_start at all."),
    ("reasoning", "reasoning=8", "8 reasoning deltas before the text."),
    ("reasoning-field", "reasoning=8&reasoning_field=reasoning", "As reasoning, in the field `reasoning`."),
    ("hidden-reasoning", "hidden_reasoning=16&ttft=0.2", "16 reasoning tokens that only the usage shows."),
    ("reasoning-only", "reasoning=1000000", "Reasons until the limit; no visible text."),
    ("refusal", "speech=refusal", "The model refuses (refusal deltas, or stop_reason refusal)."),
    ("content-filter", "tokens=4&finish=content-filter", "Stopped by a content filter after 4 tokens."),
    (
        "content-filter-empty",
        "speech=silent&finish=content-filter",
        "Stopped by a content filter before any text.",
    ),
    ("tool-call", "speech=tool", "Answers with a tool call in argument deltas."),
    ("wrong-answer", "text=wrong", "Orderly stream, but the words are not the numbers."),
    ("served-model", "served_model=other-model-2", "Names another model than the one asked for."),
    ("fingerprint", "fingerprint=fp_changed", "Another system_fingerprint."),
    ("cached", "cached=16", "16 input tokens from a cache."),
    ("usage-missing", "usage=missing", "No usage although asked."),
    ("usage-early", "usage=early", "Usage before the first token only."),
    ("usage-repeated", "usage=repeated", "Usage again and again, growing."),
    ("usage-zero", "usage=zero", "Usage of zeros beside real text."),
    ("usage-on-choices", "usage=on-choices", "Usage on the chunk that carries the finish reason."),
    ("usage-then-null", "usage=then-null", "Usage, and then once more as null."),
    ("no-rate-limits", "rate_limits=0", "No rate limit headers."),
    ("resets-in-seconds", "reset_format=seconds", "Rate limit resets written in plain seconds."),
)

_WIRE_FORMS = (
    ("crlf", "eol=crlf", "CRLF line ends."),
    ("cr", "eol=cr", "Bare CR line ends."),
    ("comments", "comments=1", "A comment before each event."),
    ("no-space", "space=0", "`data:` with no space after the colon."),
    ("multiline", "multiline=1", "Each event's JSON over two data lines."),
    ("bom", "bom=1", "A byte order mark opens the stream."),
    ("coalesced", "coalesce=4", "Four events in each write, the first token with the role frame."),
    ("byte-by-byte", "segments=bytes&part_gap=0.001&ttft=0.5", "The first token's event one byte a write."),
    (
        "split-utf8",
        "segments=split&separator=\u3000",
        "Each token's event cut inside a character, within a chunk.",
    ),
    ("split-utf8-chunks", "segments=split-chunks&separator=\u3000", "As split-utf8, over two chunks."),
    ("huge-event", "huge_bytes=1048576", "The fifth token is 1 MB long."),
)

_HOSTILE = (
    (
        "hostile",
        "text=hostile",
        "Markup, terminal escapes, NUL, lone surrogates and a 100 kB word as output.",
    ),
    ("hostile-html", "text=html", "Script and markup as output."),
    ("hostile-ansi", "text=ansi", "Terminal escapes as output."),
    ("hostile-nul", "text=nul", "NUL characters as output."),
    ("hostile-surrogate", "text=surrogate", "Lone surrogates as output."),
    ("hostile-long-word", "text=long-word", "Words of 100 kB as output."),
    (
        "hostile-names",
        "served_model=<script>alert(1)</script>&fingerprint=<b>\x1b[31m",
        "Markup as model name.",
    ),
    ("hostile-error", "reply=error&problem=hostile", "HTTP 500 with markup and 100 kB in the message."),
)

_ERRORS = (
    ("error-400", "status=400&problem=bad-request", "HTTP 400 invalid request."),
    ("error-401", "status=401&problem=auth", "HTTP 401 wrong key."),
    ("error-402", "status=402&problem=billing", "HTTP 402 no credits."),
    ("error-403", "status=403&problem=permission", "HTTP 403 key lacks permission."),
    ("error-404", "status=404&problem=model-not-found", "HTTP 404 no such model."),
    ("error-408", "status=408&problem=timeout", "HTTP 408 request timeout."),
    ("error-422", "status=422&problem=bad-request", "HTTP 422 unprocessable."),
    ("error-429", "status=429&problem=rate-limited", "HTTP 429 rate limited, no Retry-After."),
    ("error-499", "status=499&body=text", "HTTP 499, a proxy's word for a client that left."),
    ("error-500", "status=500", "HTTP 500."),
    ("error-502", "status=502&body=html", "HTTP 502 with a proxy's page."),
    ("error-503", "status=503&problem=overloaded", "HTTP 503 overloaded."),
    ("error-504", "status=504&problem=timeout&body=html", "HTTP 504 with a proxy's page."),
    ("error-520", "status=520&body=text", "HTTP 520, a CDN's word for a broken origin."),
    ("error-529", "status=529&problem=overloaded", "HTTP 529 overloaded."),
    ("rate-limited", "status=429&problem=rate-limited&retry_after=20", "HTTP 429, Retry-After: 20."),
    (
        "rate-limited-rfc3339",
        "status=429&problem=rate-limited&retry_after=20&retry_after_format=rfc3339",
        "As rate-limited, as an RFC 3339 time.",
    ),
    (
        "rate-limited-duration",
        "status=429&problem=rate-limited&retry_after=360&retry_after_format=duration",
        "HTTP 429, Retry-After: 6m0s.",
    ),
    (
        "rate-limited-date",
        "status=429&problem=rate-limited&retry_after=20&retry_after_format=http-date",
        "As rate-limited, as an HTTP date.",
    ),
    (
        "rate-limited-ms",
        "status=429&problem=rate-limited&retry_after=20&retry_after_format=milliseconds",
        "As rate-limited, in Retry-After-Ms.",
    ),
    ("insufficient-quota", "status=429&problem=quota", "HTTP 429 insufficient_quota."),
    ("spend-limit", "status=429&problem=spend-limit", "HTTP 429 because of a spend limit."),
    ("credit-too-low", "status=400&problem=credit", "HTTP 400 because the credit balance is too low."),
    (
        "bare-401",
        "status=401&body=detail&problem=auth",
        'HTTP 401 `{"detail":"Unauthorized"}`: Mistral\'s spent quota.',
    ),
    ("echoes-key", "status=401&problem=auth-echo", "HTTP 401 whose message repeats the API key."),
    ("content-filter-400", "status=400&problem=content-filter", "HTTP 400 because of a content filter."),
    ("overloaded-as-500", "status=500&problem=overloaded", "HTTP 500 whose body says overloaded_error."),
    ("rate-limit-as-503", "status=503&problem=rate-limited", "HTTP 503 whose body says rate limit."),
    ("error-500-html", "status=500&body=html", "HTTP 500 as a page."),
    ("error-500-text", "status=500&body=text", "HTTP 500 as bare text."),
    ("error-500-empty", "status=500&body=empty", "HTTP 500 without a body."),
    ("error-500-string", "status=500&body=string", 'HTTP 500 as `{"error": "text"}`.'),
    ("error-500-detail", "status=500&body=detail", 'HTTP 500 as `{"detail": "text"}`.'),
    ("error-500-gemini", "status=500&body=gemini", "HTTP 500 as a list with one error."),
    ("error-500-openrouter", "status=500&body=openrouter", "HTTP 500 with a numeric code."),
)

_REFUSALS = (
    ("refuses-stream-options", "refuses=stream_options", "HTTP 400 when stream_options are sent, else ok."),
    ("refuses-max-tokens", "refuses=max_tokens", "HTTP 400 when max_tokens is sent, else ok."),
    ("refuses-temperature", "refuses=temperature", "HTTP 400 when a temperature is sent, else ok."),
    ("minimum-tokens", "minimum_tokens=16", "HTTP 400 when the token limit is below 16, else ok."),
)

_NO_STREAM = (
    ("json-error-200", "reply=json-error-200", "HTTP 200 with a JSON error body."),
    ("html-200", "reply=html-200", "HTTP 200 with a page."),
    ("json-answer", "reply=json-answer", "HTTP 200 with the whole answer as plain JSON."),
    ("empty-body", "reply=empty-body", "HTTP 200 event stream of zero bytes."),
    ("empty-stream", "speech=silent", "An orderly stream without any token."),
    ("never-answers", "reply=nothing", "Accepts the request and sends nothing."),
    ("closed-at-once", "reply=close", "Closes the connection instead of answering."),
    ("reset-at-once", "reply=reset", "Resets the connection instead of answering."),
    ("not-http", "reply=not-http", "Answers in another protocol."),
)

_BROKEN_STREAMS = (
    ("headers-then-silence", "preamble=none&fault=stall&after=0", "Headers, then nothing."),
    ("no-first-token", "fault=stall&after=0", "Role frame or message_start, then nothing."),
    ("no-first-token-pings", "fault=stall&after=0&keepalive=0.2", "As no-first-token, with keep-alives."),
    ("stalled", "fault=stall", "Silence after 3 tokens."),
    (
        "stalled-pings",
        "fault=stall&keepalive=0.2",
        "Only pings (comments in the OpenAI protocol) after 3 tokens.",
    ),
    ("stalled-comments", "fault=stall&keepalive=0.2&keepalive_kind=comment", "Only comments after 3 tokens."),
    (
        "stalled-empty",
        "fault=stall&keepalive=0.2&keepalive_kind=empty-delta",
        "Only empty deltas after 3 tokens.",
    ),
    ("stall-recovers", "fault=stall&stall=0.5", "Half a second of silence after 3 tokens, then the rest."),
    ("trickle", "gap=2", "A token each 2 s: no stall, but past any total deadline."),
    ("reset", "fault=reset", "Connection reset after 3 tokens."),
    ("cut", "fault=fin", "Connection closed inside the chunked body after 3 tokens."),
    ("truncated", "fault=clean-end", "Body ends cleanly after 3 tokens, before the terminal event."),
    ("no-terminal", "fault=no-terminal&tokens=8", "Finish reason, but no [DONE] or message_stop."),
    ("no-finish", "fault=no-finish&tokens=8", "[DONE] or message_stop, but no finish reason."),
    ("stream-error", "fault=error-event", "Error event after 3 tokens, status 200."),
    ("stream-error-first", "fault=error-event&after=0", "Error event before the first token, status 200."),
    ("stream-overloaded", "fault=error-event&problem=overloaded", "overloaded_error event after 3 tokens."),
    ("stream-rate-limited", "fault=error-event&problem=rate-limited", "Rate limit event after 3 tokens."),
    ("stream-quota", "fault=error-event&problem=quota", "insufficient_quota event after 3 tokens."),
    ("invalid-json", "fault=invalid-json", "The fourth token's event is broken JSON."),
    ("invalid-utf8", "fault=invalid-utf8", "The fourth token's event has bytes that are no UTF-8."),
)


def _rows() -> tuple[tuple[str, str, str], ...]:
    errors = tuple((name, f"reply=error&{parameters}", text) for name, parameters, text in _ERRORS)
    return (*_ORDERLY, *_WIRE_FORMS, *_HOSTILE, *errors, *_REFUSALS, *_NO_STREAM, *_BROKEN_STREAMS)


@functools.cache
def _scenarios() -> dict[str, tuple[Scenario, str]]:
    return {
        name: (configured(Scenario(name), split_text(f"?{parameters}")[1]), description)
        for name, parameters, description in _rows()
    }


@functools.cache
def _sequences() -> dict[str, Behaviour]:
    """Named behaviours of more than one scenario."""
    twice = Phase((Choice(_scenarios()["error-500"][0]),), length=2)
    once = Phase((Choice(_scenarios()["ok"][0]),), length=1)
    mixed = Phase((Choice(_scenarios()["ok"][0], 80), Choice(_scenarios()["error-500"][0], 20)))
    return {
        "500-500-200": Behaviour((twice, once), PhaseUnit.REQUESTS, "Two 500s, then ok, by request number."),
        "500-500-200-connection": Behaviour(
            (twice, once), PhaseUnit.CONNECTION_REQUESTS, "Two 500s, then ok, on each connection."
        ),
        "flaky": Behaviour((mixed,), PhaseUnit.REQUESTS, "ok, but one in five is a 500."),
    }


def list_scenarios() -> list[tuple[str, str]]:
    """Every name with its description in one line, in the order of the catalogue."""
    single = [(name, description) for name, (_, description) in _scenarios().items()]
    return single + [(name, behaviour.description) for name, behaviour in _sequences().items()]


def scenario_named(text: str) -> Scenario:
    """The scenario of a text such as `ok?ttft=0.2`; ScenarioError when there is none."""
    name, parameters = split_text(text)
    if name not in _scenarios():
        raise ScenarioError(f"no scenario named {name!r}; list them with the command: simulate --list")
    return replace(configured(_scenarios()[name][0], parameters), name=text)


@functools.lru_cache(maxsize=1024)
def behaviour_named(text: str) -> Behaviour:
    """The behaviour of a model name that no scenario file defines; parameters hold for each of its scenarios."""
    name, parameters = split_text(text)
    if name not in _sequences():
        return always(scenario_named(text))
    sequence = _sequences()[name]
    phases = tuple(
        replace(
            phase,
            choices=tuple(replace(c, scenario=configured(c.scenario, parameters)) for c in phase.choices),
        )
        for phase in sequence.phases
    )
    return replace(sequence, phases=phases)
