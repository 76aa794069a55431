"""One attempt: send the request through the SDK, read the raw answer, keep every event with its stamp.

Judges nothing beyond what stops an attempt; what the facts mean is told by judgement.py and record.py.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx2

from probes.clock import Clock
from probes.domain.outcome import Outcome
from probes.domain.result import Phase
from probes.domain.target import Target
from probes.prober.classify import Failure, classify
from probes.prober.clients.registry import WireProtocol
from probes.prober.deadlines import DeadlineWatch
from probes.prober.error_bodies import outcome_of_error, stated_error
from probes.prober.events import Arrival, BadPayloadError, UpstreamError
from probes.prober.repetition import Repetition
from probes.prober.sse import ServerEvent
from probes.prober.stamps import NANOSECONDS, Journal, ReadStamp, Step
from probes.prober.transport import Connection, ResponseHead, is_packed

_READ_OF_WRONG_BODY: Final = 16 * 1024
_MAX_EVENTS: Final = (
    20_000  # far beyond any probe's tokens; an endless stream would keep the loop from the others
)
_SICK_HOST_NS: Final = NANOSECONDS
_GOODBYE_SECONDS: Final = 0.25  # for the body's end after the answer's end, so that we need not cut the line


class _KnownFailureError(Exception):
    """Ends an attempt whose failure is known already."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


@dataclass(slots=True)
class Attempt:
    """The facts of one attempt, as far as it came."""

    started_at: datetime
    started_ns: int
    journal: Journal
    was_reused: bool = False
    phase: Phase = Phase.CONNECT
    head: ResponseHead | None = None
    arrivals: list[Arrival] = field(default_factory=list)
    ended_ns: int | None = None  # the response's end; None when it was never reached
    failure: Failure | None = None


class Exchange:
    """Runs one attempt over one connection."""

    def __init__(self, target: Target, wire: WireProtocol, connection: Connection, clock: Clock) -> None:
        self._target = target
        self._wire = wire
        self._repetition = Repetition(wire.interpret)
        self._connection = connection
        self._now_ns = clock.monotonic_ns
        started_ns = clock.monotonic_ns()
        journal = Journal(now_ns=clock.monotonic_ns, on_step=self._on_step)
        self._attempt = Attempt(clock.now(), started_ns, journal, was_reused=connection.is_open)
        self._watch = DeadlineWatch(target.deadlines, started_ns)
        self._alarm = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False
        self._late_ns = 0  # how long after a deadline we looked

    @property
    def attempt(self) -> Attempt:
        """Fills while it runs; progress.py tells what can be said meanwhile."""
        return self._attempt

    async def run(self, prompt: str) -> Attempt:
        """The facts, whatever happens upstream. Raises nothing but CancelledError."""
        attempt, journal = self._attempt, self._attempt.journal
        self._connection.begin(journal)
        try:
            async with self._alarm:
                journal.enter(Step.REQUEST if attempt.was_reused else Step.IDLE)
                self._ring_when_due()
                await self._ask(prompt)
        except Exception as error:  # noqa: BLE001  # classify() tells upstream failures from our bugs
            attempt.head = self._connection.head
            attempt.failure = self._failure_of(error)
        finally:
            self._stop_watching()
        attempt.head = self._connection.head
        return attempt

    async def _ask(self, prompt: str) -> None:
        async with (
            httpx2.AsyncClient(
                transport=self._connection,
                headers={"Accept-Encoding": "identity"},
                timeout=None,  # keep-alives would keep it from firing; the alarm is absolute
                trust_env=False,
            ) as http,
            self._wire.open_stream(self._target, prompt, http) as response,
            contextlib.aclosing(_raw_body(response)) as body,
        ):
            self._attempt.phase = Phase.FIRST
            self._attempt.head = self._connection.head
            if is_packed(response):
                raise BadPayloadError("the body is compressed although we asked for none of that")
            await self._read(response, body)
            self._stop_watching()
            await _say_goodbye(body)

    async def _read(self, response: httpx2.Response, body: AsyncGenerator[bytes, None]) -> None:
        """Take every event up to the answer's end or the body's."""
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        framing = self._wire.framing
        parser = framing.parser()
        is_stream = media_type in framing.media_types
        if not is_stream and media_type not in framing.vague_types:
            await self._refuse(response, body, b"")
        start = b""  # of a body of a vague type, while it may still become a stream: it ends no event yet
        async for portion in body:
            if not is_stream:
                start += portion
                begun = framing.is_begun_by(start)
                if begun is None:
                    continue
                if not begun:
                    await self._refuse(response, body, start)
                is_stream, portion = True, start
            if self._take_all(parser.feed(portion)):
                return
        if start and not is_stream:
            await self._refuse(response, body, start)
        self._attempt.ended_ns = self._last_read().arrived_ns
        with contextlib.suppress(
            BadPayloadError
        ):  # half an event: the stream was cut, which is told elsewhere
            self._take_all(parser.finish())

    async def _refuse(
        self, response: httpx2.Response, body: AsyncGenerator[bytes, None], start: bytes
    ) -> None:
        """Raise for a good status whose body is no stream of this protocol, with what the body says."""
        read = start
        async for portion in body:
            read += portion
            if len(read) > _READ_OF_WRONG_BODY:
                break
        else:
            self._attempt.ended_ns = self._last_read().arrived_ns
        stated = stated_error(read)
        outcome = outcome_of_error(stated) if stated is not None else None
        said = (stated.message if stated is not None else None) or read.decode("utf-8", "replace")
        kind = response.headers.get("content-type") or "no content type"
        text = f"HTTP {response.status_code} with {kind} instead of {self._wire.framing.name}: {said}"
        delay = stated.retry_delay if stated is not None else None
        raise _KnownFailureError(Failure(outcome or Outcome.NOT_SSE, text, delay))

    def _take_all(self, events: list[ServerEvent]) -> bool:
        """Keep the events of one portion; True at the answer's end."""
        stamp = self._last_read()
        if len(self._attempt.arrivals) + len(events) > _MAX_EVENTS:
            raise BadPayloadError(f"more than {_MAX_EVENTS} events")
        for event in events:
            said = self._repetition.interpret(event)
            if said.pieces and self._watch.is_too_late(stamp.arrived_ns):
                raise _KnownFailureError(self._expired())
            self._attempt.arrivals.append(Arrival(said, stamp))
            if said.error is not None:
                self._attempt.ended_ns = stamp.arrived_ns
                raise _KnownFailureError(_failure_of_event(said.error))
            if said.pieces:
                self._note_generated(stamp)
            if said.is_end:
                self._attempt.ended_ns = stamp.arrived_ns
                return True
        return False

    def _note_generated(self, stamp: ReadStamp) -> None:
        self._attempt.phase = Phase.STREAM
        self._watch.generated(stamp.arrived_ns)

    def _last_read(self) -> ReadStamp:
        stamp = self._attempt.journal.last_read
        assert stamp is not None, "a response came without a read"
        return stamp

    # Deadlines.

    def _on_step(self, step: Step) -> None:
        self._attempt.phase = Phase.HEADERS if step is Step.REQUEST else Phase.CONNECT
        self._watch.entered(step, self._now_ns())
        self._ring_when_due()  # the new limit may be sooner than the one waited for

    def _ring_when_due(self) -> None:
        """Look again when the deadline is due: it may have moved by then, and moving a timer each event costs."""
        self._switch_off()
        loop = asyncio.get_running_loop()
        left_ns = self._watch.expiry(self._attempt.journal.step).at_ns - self._now_ns()
        if left_ns > 0:
            self._timer = loop.call_later(left_ns / NANOSECONDS, self._ring_when_due)
        else:
            self._late_ns = -left_ns
            self._connection.catch_up(self._ring)

    def _ring(self) -> None:
        """Everything that came in time has been seen by now, however late we are ourselves."""
        if self._is_over:
            return
        if self._watch.expiry(self._attempt.journal.step).at_ns > self._now_ns():
            self._ring_when_due()
        else:
            self._alarm.reschedule(asyncio.get_running_loop().time())

    def _stop_watching(self) -> None:
        self._is_over = True
        self._switch_off()

    def _switch_off(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expired(self) -> Failure:
        step = self._attempt.journal.step
        expiry = self._watch.expiry(step)
        if (
            step is not Step.REQUEST and self._late_ns > _SICK_HOST_NS
        ):  # who can tell what they would have said
            late = f"our own host came {self._late_ns / NANOSECONDS:.1f} s late"
            return Failure(Outcome.INTERNAL, f"{expiry.limit} passed, but {late}")
        return Failure(expiry.outcome, f"{expiry.limit} passed")

    def _failure_of(self, error: Exception) -> Failure:
        if isinstance(error, _KnownFailureError):
            return error.failure
        journal, head = self._attempt.journal, self._attempt.head
        is_refused = head is not None and head.status >= 400
        if self._alarm.expired() and not is_refused:
            return self._expired()
        return classify(error, journal, head.status if head is not None else None)


def _raw_body(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    body = response.aiter_raw()
    assert isinstance(body, AsyncGenerator)
    return body


async def _say_goodbye(body: AsyncGenerator[bytes, None]) -> None:
    """Let the server end its body; a socket closed with bytes unread resets the server's side."""
    with contextlib.suppress(Exception):  # the answer is complete: whatever happens now is no part of it
        async with asyncio.timeout(_GOODBYE_SECONDS):
            async for _ in body:
                pass


def _failure_of_event(error: UpstreamError) -> Failure:
    """An error event: its own type decides, the HTTP status stays 200."""
    words = error.message or error.code or error.type or "without a message"
    outcome = outcome_of_error(error) or Outcome.STREAM_ERROR
    return Failure(outcome, f"error event: {words}", error.retry_delay)
