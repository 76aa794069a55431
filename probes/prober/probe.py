"""Measures one target once. Knows nothing of storing, judging over time, or showing."""

import asyncio
import gc
import importlib
import logging
import random
import ssl
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from probes.clock import Clock
from probes.domain.outcome import Outcome
from probes.domain.plan import SelfCheck
from probes.domain.result import Observer, ProbeResult, Slot, unmeasured_result
from probes.domain.target import Protocol, Secret, Target
from probes.log import Redactor
from probes.prober.foreign_text import error_line
from probes.prober.prompts import make_prompt
from probes.prober.receiver import Receiver

if TYPE_CHECKING:
    from probes.prober.clients.registry import WireProtocol
    from probes.prober.exchange import Attempt
    from probes.prober.transport import Connection

    OnAttempt = Callable[[Attempt], None]

logger = logging.getLogger(__name__)

_GRACE_SECONDS: Final = 5.0  # what closing may take beyond the deadlines before we call it our bug


_Line = tuple[str, str | None, Secret | None]


def _no_version() -> str | None:
    return None


class Prober:
    """One prober serves one event loop. The SDKs are imported when the first target of their protocol comes."""

    def __init__(
        self,
        observer: Observer,
        clock: Clock,
        redact: Redactor,
        *,
        config_version: Callable[[], str | None] = _no_version,
        chance: random.Random | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` None: the system's certificates; one context for all, for it costs 20 ms to make."""
        self._observer = observer
        self.clock = clock
        self._redact = redact
        self._config_version = config_version
        self._chance = chance or random.Random()  # noqa: S311  # a nonce against caches is no secret
        self._tls = tls
        self._warmed: dict[Protocol, asyncio.Task[None]] = {}
        self._idle: dict[_Line, list[Connection]] = {}
        self._receiver = Receiver()
        self._has_warmed = asyncio.Event()
        self._is_off = False

    async def probe(
        self, target: Target, slot: Slot, *, in_flight: int, on_attempt: "OnAttempt | None" = None
    ) -> ProbeResult:
        """The record of one attempt, whatever happened. Raises nothing but CancelledError.

        `on_attempt` is given the attempt as it begins: a viewer samples it, and costs the measurement nothing.
        """
        try:
            await self.warm({target.protocol})
            async with asyncio.timeout(target.deadlines.total_seconds + _GRACE_SECONDS):
                return await self._attempt(target, slot, in_flight, on_attempt)
        except Exception as error:
            logger.exception(
                "our bug: the probe of %s for slot %s failed", target.id, slot.due_at.isoformat()
            )
            return self.unmeasured(target, slot, Outcome.INTERNAL, f"{type(error).__name__}: {error}")

    def unmeasured(self, target: Target, slot: Slot, outcome: Outcome, why: str) -> ProbeResult:
        """The record of a slot that came to no measurement."""
        error = error_line(why, self._redact)
        now = self.clock.now()
        return unmeasured_result(target, slot, outcome, observer=self._observer, now=now, error=error)

    def heed(self, check: SelfCheck) -> None:
        """Mark what is measured from now on as degraded while our own error is too large."""
        self._is_off = check.is_off

    def lag_seconds(self, slot: Slot) -> float:
        """How late a start now would be."""
        return (self.clock.now() - slot.due_at).total_seconds()

    async def _attempt(
        self, target: Target, slot: Slot, in_flight: int, on_attempt: "OnAttempt | None"
    ) -> ProbeResult:
        from probes.prober.clients.registry import WIRE_PROTOCOLS
        from probes.prober.record import Probing, record

        wire = WIRE_PROTOCOLS[target.protocol]
        prompt = make_prompt(target.options.prompt, self._chance)
        attempt = await self._exchange(target, wire, prompt.text, on_attempt)
        probing = Probing(
            target=target,
            slot=slot,
            prompt=prompt,
            observer=self._observer,
            in_flight=in_flight,
            sdk_version=wire.sdk_version(),
            config_version=self._config_version(),
            is_stopwatch_off=self._is_off,
        )
        return record(attempt, probing, self._redact)

    async def _exchange(
        self, target: Target, wire: "WireProtocol", prompt: str, on_attempt: "OnAttempt | None" = None
    ) -> "Attempt":
        from probes.prober.exchange import Exchange

        connection = self._connection_for(target)
        is_kept = False
        try:
            exchange = Exchange(target, wire, connection, self.clock)
            if on_attempt is not None:
                on_attempt(exchange.attempt)
            attempt = await exchange.run(prompt)
            is_kept = target.options.reuse_connection and connection.is_open
        finally:
            if not is_kept:
                await connection.hang_up()
        if is_kept:
            self._idle.setdefault(_line_of(target), []).append(connection)
        return attempt

    def _connection_for(self, target: Target) -> "Connection":
        """A connection of its own for each attempt; a kept one only where the target asks for that."""
        from probes.prober.transport import Connection

        idle = self._idle.get(_line_of(target), [])
        return idle.pop() if idle else Connection(target, self._tls_context(), self._receiver)

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            import httpcore2

            self._tls = (
                httpcore2.default_ssl_context()
            )  # honours SSL_CERT_FILE, for those with a CA of their own
        return self._tls

    @property
    def receiver_process_id(self) -> int | None:
        """Of the process that reads our sockets; None where the event loop does."""
        return self._receiver.process_id

    # Before the first probe of a protocol.

    async def warm(self, protocols: Collection[Protocol]) -> None:
        """Import what these protocols need and use it once, so that no probe's overhead pays for that."""
        for protocol in protocols:
            task = self._warmed.get(protocol)
            if task is None or (task.done() and task.exception() is not None):
                task = self._warmed[protocol] = asyncio.create_task(self._warm(protocol))
            await asyncio.shield(task)

    async def first_warm_up(self) -> None:
        """Returns once a protocol is in use."""
        await self._has_warmed.wait()

    @property
    def warm_protocols(self) -> set[Protocol]:
        """Those in use; a probe of theirs pays for nothing that is done only once."""
        return {
            protocol
            for protocol, task in self._warmed.items()
            if task.done() and not task.cancelled() and task.exception() is None
        }

    async def _warm(self, protocol: Protocol) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._import, protocol)
        await self._rehearse(protocol)
        gc.collect()
        gc.freeze()  # the SDKs' half a million objects live for ever; a full collection would stop us for 50 ms
        self._has_warmed.set()

    def _import(self, protocol: Protocol) -> None:
        from probes.prober.clients.registry import WIRE_PROTOCOLS

        importlib.import_module("probes.prober.record")
        importlib.import_module(WIRE_PROTOCOLS[protocol].sdk)
        self._tls_context()

    async def _rehearse(self, protocol: Protocol) -> None:
        """One exchange with a stub on loopback; what it says is of no interest."""
        from probes.prober.clients.registry import WIRE_PROTOCOLS
        from probes.prober.rehearsal import rehearsal_target, serve_stub

        async with serve_stub() as base_url:
            target = rehearsal_target(protocol, base_url)
            attempt = await self._exchange(target, WIRE_PROTOCOLS[protocol], "rehearsal")
        if attempt.failure is not None:
            logger.warning("the rehearsal of %s failed: %s", protocol.value, attempt.failure.text)

    async def aclose(self) -> None:
        """Leave nothing running and no connection open."""
        for task in self._warmed.values():
            task.cancel()
        await asyncio.gather(*self._warmed.values(), return_exceptions=True)
        await self.close_idle()
        self._receiver.close()

    async def close_idle(self) -> None:
        """Close the connections kept for reuse."""
        idle, self._idle = self._idle, {}
        for connection in (connection for kept in idle.values() for connection in kept):
            await connection.hang_up()


def _line_of(target: Target) -> _Line:
    """What a kept connection depends on: after an edit of the address it serves nobody any more."""
    return (target.id, target.base_url, target.proxy)
