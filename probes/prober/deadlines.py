"""The absolute limits of an attempt: which one is due when, and what its passing means. Pure; no clock in here."""

from dataclasses import dataclass
from typing import Final, assert_never

from probes.domain.outcome import Outcome
from probes.domain.target import Deadlines
from probes.prober.stamps import NANOSECONDS, Step


@dataclass(frozen=True, slots=True)
class Expiry:
    """When the attempt ends unless something happens, as what, and the limit that says so."""

    at_ns: int
    outcome: Outcome
    limit: str


_STEP_OUTCOMES: Final = {
    Step.LOOKUP: Outcome.DNS_ERROR,
    Step.CONNECT: Outcome.CONNECT_TIMEOUT,
    Step.TLS: Outcome.TLS_ERROR,
}


class DeadlineWatch:
    """Keeps the deadline that counts now. Keep-alives and role frames move nothing; only generated events do."""

    def __init__(self, limits: Deadlines, started_ns: int) -> None:
        self._limits = limits
        self._connect_began_ns: int | None = None
        self._step_expiry: Expiry | None = None
        self._generated_ns: int | None = None
        self._total_ns = started_ns + round(limits.total_seconds * NANOSECONDS)
        self._stall_ns = round(limits.stall_seconds * NANOSECONDS)
        self._latest_ns = self._total_ns  # that the next output may come

    def entered(self, step: Step, now_ns: int) -> None:
        """A phase began. Name and TCP share one limit; the wait for the first token counts from the request."""
        self._generated_ns = None
        match step:
            case Step.LOOKUP | Step.CONNECT:
                if self._connect_began_ns is None or step is Step.LOOKUP:
                    self._connect_began_ns = now_ns
                self._set(
                    self._connect_began_ns, self._limits.connect_seconds, _STEP_OUTCOMES[step], "connect"
                )
            case Step.TLS:
                self._set(now_ns, self._limits.tls_seconds, Outcome.TLS_ERROR, "TLS")
            case Step.REQUEST:
                self._set(
                    now_ns, self._limits.first_token_seconds, Outcome.FIRST_TOKEN_TIMEOUT, "first token"
                )
            case Step.IDLE:
                self._step_expiry = None
            case _:
                assert_never(step)

    def is_too_late(self, at_ns: int) -> bool:
        """Whether output that came then missed the deadline; nobody may have told, for we were late ourselves."""
        return at_ns > self._latest_ns

    def generated(self, at_ns: int) -> None:
        """Output came; from here on silence is a stall."""
        self._generated_ns = (
            at_ns  # what follows from it is worked out when somebody asks, not for each token
        )
        self._latest_ns = min(self._total_ns, at_ns + self._stall_ns)

    def expiry(self, step: Step) -> Expiry:
        """The next deadline. Before the request is out, running out of total time is the network's matter."""
        if self._generated_ns is not None:
            self._set(self._generated_ns, self._limits.stall_seconds, Outcome.STALLED, "stall")
        total = Expiry(
            self._total_ns,
            _STEP_OUTCOMES.get(step, Outcome.TOTAL_TIMEOUT),
            f"total deadline of {self._limits.total_seconds:g} s",
        )
        if self._step_expiry is None or total.at_ns < self._step_expiry.at_ns:
            return total
        return self._step_expiry

    def _set(self, from_ns: int, seconds: float, outcome: Outcome, name: str) -> None:
        self._step_expiry = Expiry(
            from_ns + round(seconds * NANOSECONDS), outcome, f"{name} deadline of {seconds:g} s"
        )
        self._latest_ns = min(self._total_ns, self._step_expiry.at_ns)
