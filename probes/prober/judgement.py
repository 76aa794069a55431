"""Whether a response that ended without a failure is a good answer, and what it is if not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from probes.domain.outcome import Outcome
from probes.prober.classify import Failure
from probes.prober.events import Arrival, Finish, Generated, Usage, finish_of
from probes.prober.prompts import Prompt, is_count, mentions_count


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stream said in all."""

    visible: str = ""
    kinds: frozenset[Generated] = frozenset()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str | None = None
    is_complete: bool = False
    served_model: str | None = None
    fingerprint: str | None = None
    service_tier: str | None = None
    response_id: str | None = None

    @property
    def has_text(self) -> bool:
        return bool(self.visible.strip())


def answer_of(arrivals: Sequence[Arrival]) -> Answer:
    """The sum of a stream's events; of repeated statements the last one counts."""
    events = [arrival.event for arrival in arrivals]
    pieces = [piece for event in events for piece in event.pieces]
    usage = Usage()
    for event in events:
        usage = usage.then(event.usage) if event.usage is not None else usage
    return Answer(
        visible="".join(piece.text for piece in pieces if piece.kind.is_visible),
        kinds=frozenset(piece.kind for piece in pieces),
        usage=usage,
        finish_reason=_last([event.finish_reason for event in events]),
        is_complete=any(event.is_complete for event in events),
        served_model=_last([event.served_model for event in events]),
        fingerprint=_last([event.fingerprint for event in events]),
        service_tier=_last([event.service_tier for event in events]),
        response_id=_last([event.response_id for event in events]),
    )


def _last(values: Sequence[str | None]) -> str | None:
    return next((value for value in reversed(values) if value is not None), None)


def check_answer(answer: Answer, prompt: Prompt) -> bool | None:
    """Whether the text is the one that the prompt asks for; None when that was not, or cannot be, checked."""
    if not prompt.is_checked or not answer.has_text or Generated.REFUSAL in answer.kinds:
        return None
    return is_count(answer.visible)


def judge(answer: Answer, answer_ok: bool | None, *, any_event: bool) -> Failure | None:
    """What is wrong with a stream that ended without an error; None for a good answer."""
    finish = finish_of(answer.finish_reason) if answer.finish_reason is not None else Finish.NORMAL
    if not any_event:
        return Failure(Outcome.EMPTY_RESPONSE, "the stream ended without a single event")
    if finish is Finish.OVERLOADED:
        return Failure(Outcome.OVERLOADED, f"finish reason {answer.finish_reason}")
    if finish is Finish.FAILED:
        return Failure(Outcome.STREAM_ERROR, f"finish reason {answer.finish_reason}")
    if not answer.is_complete:
        return Failure(Outcome.TRUNCATED_STREAM, "the stream ended without its terminal marker")
    if finish is Finish.FILTERED or Generated.REFUSAL in answer.kinds:
        return Failure(Outcome.CONTENT_FILTERED, f"the model refused (finish reason {answer.finish_reason})")
    if not answer.has_text:
        return _without_text(answer, finish)
    is_cut_short = finish is Finish.LENGTH and mentions_count(answer.visible)  # it may have come to it
    if answer_ok is False and not is_cut_short:
        return Failure(Outcome.WRONG_ANSWER, f"asked to count, it said: {answer.visible}")
    return None


def _without_text(answer: Answer, finish: Finish) -> Failure:
    """A tool call alone is no text either: none was offered, and nobody could read it."""
    if finish is Finish.LENGTH:
        return Failure(Outcome.REASONING_ONLY, "the token limit was reached before any visible text")
    seen = f", only {', '.join(sorted(answer.kinds))}" if answer.kinds else ""
    return Failure(Outcome.EMPTY_RESPONSE, f"the answer has no visible text{seen}")
