"""The one place where states, categories, outcomes, faults, triggers, phases and reasons become words.

Everything is lazy: it turns into the reader's language when it is printed. Model names are never translated.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, assert_never

from probes.domain.event import EventKind, TargetEvent
from probes.domain.incident import Cause, Ending, Severity, UpdateKind
from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Category, Phase, Quality, Stamps, TokensSource, Trigger
from probes.domain.state import Reason, State
from probes.domain.target import Protocol
from probes.stats.baseline import Metric
from probes.verdicts.evidence import DOWN_AFTER, DOWN_AFTER_CONFIRMED, RECOVERED_AFTER, WINDOW
from probes.verdicts.rules import PARTIAL_AT, SLOW_AT, SLOW_OF, UNKNOWN_AFTER_INTERVALS, ReasonKey
from probes.web.display import duration, seconds, tokens_per_second
from probes.web.i18n import Lazy, _, lazy, ngettext
from probes.web.incident_vocabulary import CAUSES, ENDINGS, SEVERITIES, UPDATE_KINDS
from probes.web.upkeep_words import WITHHELD
from probes.web.word import Word, Words

STATES: Final[Words] = {
    State.OPERATIONAL: Word(
        lazy("Operational"), lazy("The newest probes were answered in full, and in good time."), "ok", "ok"
    ),
    State.DEGRADED: Word(
        lazy("Degraded"),
        lazy(
            "Some probes fail, are slow or are throttled: at least %(partial)s of the newest %(window)s failed, or "
            "%(slow)s of the newest %(slow_of)s answers were slow; or they are slower than usual, or have slowly "
            "become so.",
            partial=PARTIAL_AT,
            window=WINDOW,
            slow=SLOW_AT,
            slow_of=SLOW_OF,
        ),
        "degraded",
        "degraded",
    ),
    State.DOWN: Word(
        lazy("Down"),
        lazy(
            "At least %(n)s scheduled probes in a row failed, or %(confirmed)s with the confirming ones; over after "
            "%(good)s good ones in a row.",
            n=DOWN_AFTER,
            confirmed=DOWN_AFTER_CONFIRMED,
            good=RECOVERED_AFTER,
        ),
        "down",
        "down",
    ),
    State.ATTENTION: Word(
        lazy("Needs the operator"),
        lazy("Our key, quota, request or model name was refused. The provider is not accused."),
        "attention",
        "attention",
    ),
    State.MAINTENANCE: Word(
        lazy("Maintenance"), lazy("Announced work; failures are expected."), "maintenance", "maintenance"
    ),
    State.PAUSED: Word(lazy("Paused"), lazy("Switched off by the operator; not probed."), "paused"),
    State.NOT_CONFIGURED: Word(
        lazy("Not configured"), lazy("The configuration lacks a key; not probed and not counted."), "unset"
    ),
    State.UNKNOWN: Word(
        lazy("Unknown"),
        lazy(
            "Never seen, not seen for more than %(n)s intervals, or our own network is lost. Silence is not health.",
            n=UNKNOWN_AFTER_INTERVALS,
        ),
        "unknown",
        "unknown",
    ),
}

CATEGORIES: Final[Words] = {
    Category.SMOOTH: Word(lazy("Smooth"), lazy("The whole answer came quickly."), "level-4"),
    Category.AVAILABLE: Word(lazy("Available"), lazy("Slower than smooth, still usable."), "level-3"),
    Category.CONGESTION: Word(lazy("Congestion"), lazy("Slow enough to be felt."), "level-2", "degraded"),
    Category.LAGGING: Word(lazy("Lagging"), lazy("Barely usable."), "level-1", "degraded"),
    Category.UNKNOWN: Word(
        lazy("Unknown"), lazy("No complete answer, or one beyond the last limit."), "level-0", "unknown"
    ),
}

FAULTS: Final[Words] = {
    Fault.NONE: Word(lazy("nobody"), lazy("The probe succeeded.")),
    Fault.ANSWER: Word(
        lazy("the answer"),
        lazy(
            "The endpoint is up, but the answer is of no use; left out of latency statistics and availability."
        ),
    ),
    Fault.PROVIDER: Word(lazy("the provider"), lazy("Counts against availability.")),
    Fault.THROTTLING: Word(lazy("throttling"), lazy("Our rate was limited; has a rate of its own.")),
    Fault.OURS: Word(
        lazy("ours"), lazy("Our key, quota, request or model name; shown beside availability, not in it.")
    ),
    Fault.NETWORK: Word(
        lazy("the network"),
        lazy("On the way there; counts against availability unless it is our own network."),
    ),
    Fault.NOT_RUN: Word(lazy("not run"), lazy("The slot could not run; shown, never counted as health.")),
}

OUTCOMES: Final[Words] = {
    Outcome.OK: Word(lazy("ok"), lazy("A complete streamed answer with its terminal marker.")),
    Outcome.CONTENT_FILTERED: Word(
        lazy("content filtered"), lazy("The provider's filter withheld the answer.")
    ),
    Outcome.REASONING_ONLY: Word(
        lazy("reasoning only"), lazy("The token limit was reached before any visible text.")
    ),
    Outcome.SERVER_ERROR: Word(lazy("server error"), lazy("HTTP 5xx or 499 other than the ones named here.")),
    Outcome.SERVER_TIMEOUT: Word(lazy("server timeout"), lazy("The server gave up: HTTP 408 or 504.")),
    Outcome.OVERLOADED: Word(
        lazy("overloaded"), lazy("HTTP 503 or 529, or an error event that says overloaded.")
    ),
    Outcome.FIRST_TOKEN_TIMEOUT: Word(
        lazy("no first token"), lazy("No generated token within the first-token deadline.")
    ),
    Outcome.STALLED: Word(
        lazy("stalled"), lazy("The stream stopped generating for longer than the stall deadline.")
    ),
    Outcome.TOTAL_TIMEOUT: Word(
        lazy("took too long"), lazy("The answer did not end within the total deadline.")
    ),
    Outcome.STREAM_ERROR: Word(
        lazy("error in stream"), lazy("An error event inside a stream of HTTP status 200.")
    ),
    Outcome.TRUNCATED_STREAM: Word(
        lazy("truncated stream"), lazy("The stream ended without its terminal marker.")
    ),
    Outcome.CONNECTION_RESET: Word(
        lazy("connection reset"), lazy("The connection broke before the answer ended.")
    ),
    Outcome.NOT_SSE: Word(lazy("not a stream"), lazy("HTTP 200, but not an event stream.")),
    Outcome.BAD_PAYLOAD: Word(lazy("bad payload"), lazy("The stream could not be parsed.")),
    Outcome.EMPTY_RESPONSE: Word(lazy("empty answer"), lazy("A complete stream without visible text.")),
    Outcome.WRONG_ANSWER: Word(lazy("wrong answer"), lazy("The known-answer check failed.")),
    Outcome.RATE_LIMITED: Word(lazy("rate limited"), lazy("HTTP 429: more requests than we are allowed.")),
    Outcome.AUTH: Word(lazy("key refused"), lazy("HTTP 401: the API key is wrong, expired or out of funds.")),
    Outcome.PERMISSION: Word(lazy("not permitted"), lazy("HTTP 403: the key may not use this model.")),
    Outcome.QUOTA_EXHAUSTED: Word(
        lazy("quota exhausted"), lazy("HTTP 402, or 429 that speaks of quota, spend limit or billing.")
    ),
    Outcome.BAD_REQUEST: Word(
        lazy("request refused"), lazy("HTTP 400 or 422: the server refuses our request.")
    ),
    Outcome.MODEL_NOT_FOUND: Word(lazy("model not found"), lazy("HTTP 404: unknown model name, or retired.")),
    Outcome.DNS_ERROR: Word(lazy("name not resolved"), lazy("The host name could not be looked up.")),
    Outcome.CONNECT_REFUSED: Word(lazy("connection refused"), lazy("Nothing listens at that address.")),
    Outcome.CONNECT_TIMEOUT: Word(
        lazy("connect timeout"), lazy("No connection within the connect deadline.")
    ),
    Outcome.CONNECT_ERROR: Word(
        lazy("connect error"), lazy("The connection could not be made for another reason.")
    ),
    Outcome.TLS_ERROR: Word(
        lazy("TLS error"), lazy("The TLS handshake failed, or the certificate is not valid.")
    ),
    Outcome.INTERNAL: Word(
        lazy("internal error"), lazy("A fault of this program; never counted as the provider's.")
    ),
    Outcome.MISSED: Word(lazy("missed"), lazy("The slot could not run in time.")),
    Outcome.SKIPPED: Word(lazy("skipped"), lazy("The slot was left out on purpose.")),
}

TRIGGERS: Final[Words] = {
    Trigger.SCHEDULED: Word(lazy("scheduled"), lazy("By the plan; only these count in statistics.")),
    Trigger.MANUAL: Word(lazy("manual"), lazy("Somebody pressed Refresh.")),
    Trigger.CONFIRM: Word(
        lazy("confirming"), lazy("Repeated soon after a first failure, to tell a fault from noise.")
    ),
    Trigger.MAINTENANCE: Word(
        lazy("maintenance"), lazy("In an announced window: counts in no statistics and for no state.")
    ),
}

PHASES: Final[Words] = {
    Phase.CONNECT: Word(lazy("connect"), lazy("Name look-up, TCP and TLS.")),
    Phase.HEADERS: Word(lazy("headers"), lazy("The request was sent; response headers were awaited.")),
    Phase.FIRST: Word(lazy("first token"), lazy("Headers came; the first generated token was awaited.")),
    Phase.STREAM: Word(lazy("stream"), lazy("Tokens were arriving.")),
    Phase.END: Word(lazy("end"), lazy("The stream ended with its terminal marker.")),
}

TOKENS_SOURCES: Final[Words] = {
    TokensSource.USAGE: Word(lazy("reported"), lazy("The provider's own count.")),
    TokensSource.CHUNKS: Word(
        lazy("counted chunks"), lazy("The provider gave no count; chunks stand in for tokens.")
    ),
}

STAMPS: Final[Words] = {
    Stamps.KERNEL: Word(lazy("kernel"), lazy("Arrival times as the kernel received the bytes.")),
    Stamps.USER: Word(lazy("user"), lazy("Arrival times as our process read the bytes.")),
}

QUALITIES: Final[Words] = {
    Quality.EXACT: Word(lazy("exact"), lazy("Nothing disturbed the measurement.")),
    Quality.BOUNDED: Word(lazy("bounded"), lazy("Segments came together, so TTFT is an upper bound.")),
    Quality.DEGRADED: Word(
        lazy("degraded"), lazy("Our own host was late, or our last self-check was off; read with care.")
    ),
}

EVENTS: Final[Words] = {
    EventKind.SERVED_MODEL_CHANGED: Word(
        lazy("Served model changed"), lazy("The answers name another model than before.")
    ),
    EventKind.FINGERPRINT_CHANGED: Word(
        lazy("Fingerprint changed"), lazy("The serving system calls itself by another fingerprint.")
    ),
    EventKind.ANSWER_FAILED: Word(
        lazy("Answer check fails"), lazy("The known answer came back wrong, and not only once."), "degraded"
    ),
    EventKind.ANSWER_RECOVERED: Word(lazy("Answer check passes"), lazy("The known answer is right again.")),
    EventKind.MODEL_RETIRED: Word(
        lazy("Model retired"), lazy("It answered before; now the provider knows no such model."), "attention"
    ),
    EventKind.MODEL_RETURNED: Word(lazy("Model is back"), lazy("The provider knows the model again.")),
    EventKind.SPEC_CHANGED: Word(
        lazy("Our own change: settings"),
        lazy("A new series starts; figures before and after it do not compare."),
        "maintenance",
    ),
    EventKind.PROMPT_CHANGED: Word(
        lazy("Our own change: prompt"),
        lazy("A new series starts; figures before and after it do not compare."),
        "maintenance",
    ),
}

PROTOCOLS: Final[dict[Protocol, str]] = {  # product names, the same in every language
    Protocol.OPENAI_CHAT: "OpenAI Chat Completions",
    Protocol.OPENAI_RESPONSES: "OpenAI Responses",
    Protocol.AZURE_OPENAI_CHAT: "Azure OpenAI Chat Completions",
    Protocol.ANTHROPIC_MESSAGES: "Anthropic Messages",
    Protocol.GEMINI_GENERATE_CONTENT: "Gemini GenerateContent",
    Protocol.OLLAMA_CHAT: "Ollama Chat",
}


def word(member: StrEnum) -> Word:
    """The word for any enum member of the domain; KeyError for one that has none (a test walks them all)."""
    return _TABLES[type(member)][member]


_TABLES: Final[Mapping[type[StrEnum], Words]] = {
    State: STATES,
    Category: CATEGORIES,
    Fault: FAULTS,
    Outcome: OUTCOMES,
    Trigger: TRIGGERS,
    Phase: PHASES,
    TokensSource: TOKENS_SOURCES,
    Stamps: STAMPS,
    Quality: QUALITIES,
    EventKind: EVENTS,
    Severity: SEVERITIES,
    Cause: CAUSES,
    Ending: ENDINGS,
    UpdateKind: UPDATE_KINDS,
}


def reason_text(reason: Reason) -> str:
    """Why a target is in its state, as a sentence without a full stop: "3 probes in a row failed: stalled".

    A key that a newer agent wrote stands for itself.
    """
    words = _REASONS.get(reason.key)
    return words(dict(reason.params)) if words is not None else reason.key


def event_text(event: TargetEvent) -> str:
    """What happened, as a sentence without a full stop: "alias moved from x-0501 to x-0812"."""
    values = {"before": event.before, "after": event.after}
    match event.kind:
        case EventKind.SERVED_MODEL_CHANGED:
            return _("alias moved from %(before)s to %(after)s", **values)
        case EventKind.FINGERPRINT_CHANGED:
            return _("fingerprint changed from %(before)s to %(after)s", **values)
        case EventKind.SPEC_CHANGED:
            return _("settings %(before)s became %(after)s, a new series starts", **values)
        case EventKind.PROMPT_CHANGED:
            return _("prompt %(before)s became %(after)s, a new series starts", **values)
        case EventKind.ANSWER_FAILED:
            return _("the known answer came back wrong")
        case EventKind.ANSWER_RECOVERED:
            return _("the known answer is right again")
        case EventKind.MODEL_RETIRED:
            return _("the provider no longer knows the model")
        case EventKind.MODEL_RETURNED:
            return _("the provider knows the model again")
    assert_never(event.kind)


def readiness_text(reason: str) -> str:
    """Why a target cannot be probed, in the reader's language; settings say it in English, for logs and consoles."""
    for pattern, message in _READINESS:
        if match := pattern.fullmatch(reason):
            return _(message, **match.groupdict())
    return reason or _("no API key")


def _told(pattern: str, message: Lazy) -> tuple[re.Pattern[str], str]:
    return re.compile(pattern), message.source


_READINESS: Final = (
    _told(r"environment variable (?P<name>\S+) is not set", lazy("environment variable %(name)s is not set")),
    _told(r"the address is a placeholder", lazy("the address is a placeholder")),
    _told(r"(?P<name>\S+) is missing", lazy("%(name)s is missing")),
    _told(r"(?P<name>\S+) is empty", lazy("%(name)s is empty")),
    _told(r"(?P<name>\S+) is a placeholder", lazy("%(name)s is a placeholder")),
    _told(r"(?P<name>\S+) has characters that no key has", lazy("%(name)s has characters that no key has")),
)

Figures = Mapping[str, str | int | float]


def _outcome(figures: Figures) -> Lazy:
    return OUTCOMES[Outcome(str(figures["outcome"]))].label


def _compared(figures: Figures) -> str:
    """A newer agent may compare what this page has no words for."""
    value, usual, metric = float(figures["value"]), float(figures["usual"]), str(figures["metric"])
    match metric:
        case Metric.TTFT:
            return _("first token %(value)s, usually %(usual)s", value=seconds(value), usual=seconds(usual))
        case Metric.RESPONSE:
            return _("response time %(value)s, usually %(usual)s", value=seconds(value), usual=seconds(usual))
        case Metric.THROUGHPUT:
            rates = {"value": tokens_per_second(value), "usual": tokens_per_second(usual)}
            return _("%(value)s tokens/s, usually %(usual)s", **rates)
    return f"{metric} {value:g}, {usual:g}"


def _number(figures: Figures, name: str) -> int:
    return int(figures[name])


_REASONS: Final[Mapping[str, Callable[[Figures], str]]] = {
    ReasonKey.NEVER_SEEN: lambda _figures: _("not probed yet"),
    ReasonKey.STALE: lambda figures: _("no result for %(age)s", age=duration(float(figures["age_seconds"]))),
    ReasonKey.PAUSED: lambda _figures: _("switched off in the configuration"),
    **WITHHELD,
    ReasonKey.NOT_CONFIGURED: lambda figures: readiness_text(str(figures["why"])),
    ReasonKey.HEALTHY: lambda _figures: _("answers in full"),
    ReasonKey.SINGLE_FAILURE: lambda figures: _("one probe failed: %(outcome)s", outcome=_outcome(figures)),
    ReasonKey.ONLY_FAILURES: lambda figures: ngettext(
        "never seen working, %(num)s probe failed: %(outcome)s",
        "never seen working, %(num)s probes failed: %(outcome)s",
        _number(figures, "n"),
        outcome=_outcome(figures),
    ),
    ReasonKey.CONSECUTIVE_FAILURES: lambda figures: ngettext(
        "%(num)s probe in a row failed: %(outcome)s",
        "%(num)s probes in a row failed: %(outcome)s",
        _number(figures, "n"),
        outcome=_outcome(figures),
    ),
    ReasonKey.PARTIAL_FAILURES: lambda figures: _(
        "%(n)s of the last %(of)s probes failed: %(outcome)s",
        n=figures["n"],
        of=figures["of"],
        outcome=_outcome(figures),
    ),
    ReasonKey.RECOVERING: lambda figures: _(
        "answers again, %(n)s of %(of)s good ones in a row", n=figures["n"], of=figures["of"]
    ),
    ReasonKey.OUR_NETWORK: lambda _figures: _("our own network is lost, nothing is known of the provider"),
    ReasonKey.THROTTLED: lambda _figures: _("our requests are being limited"),
    ReasonKey.SLOW: lambda figures: _(
        "slow answers: %(category)s", category=CATEGORIES[Category(str(figures["category"]))].label
    ),
    ReasonKey.SLOWER_THAN_USUAL: lambda figures: _(
        "%(figures)s (%(n)s of the last %(of)s probes)",
        figures=_compared(figures),
        n=figures["n"],
        of=figures["of"],
    ),
    ReasonKey.DRIFTED: lambda figures: _("slowly become slower: %(figures)s", figures=_compared(figures)),
    ReasonKey.OURS: lambda figures: _("our side: %(outcome)s", outcome=_outcome(figures)),
    ReasonKey.ANSWER_UNUSABLE: lambda figures: _("answered, but: %(outcome)s", outcome=_outcome(figures)),
}
