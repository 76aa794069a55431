"""Which deadline is due, and what its passing means."""

from probes.domain.outcome import Outcome
from probes.domain.target import Deadlines
from probes.prober.deadlines import DeadlineWatch
from probes.prober.stamps import NANOSECONDS, Step

LIMITS = Deadlines(
    connect_seconds=5, tls_seconds=5, first_token_seconds=60, stall_seconds=30, total_seconds=100
)


def due(watch: DeadlineWatch, step: Step) -> tuple[float, Outcome]:
    expiry = watch.expiry(step)
    return expiry.at_ns / NANOSECONDS, expiry.outcome


def seconds(value: float) -> int:
    return round(value * NANOSECONDS)


def test_name_and_tcp_share_one_limit() -> None:
    watch = DeadlineWatch(LIMITS, 0)
    watch.entered(Step.LOOKUP, seconds(1))
    assert due(watch, Step.LOOKUP) == (6, Outcome.DNS_ERROR)
    watch.entered(Step.CONNECT, seconds(4))
    assert due(watch, Step.CONNECT) == (6, Outcome.CONNECT_TIMEOUT)


def test_tls_has_a_limit_of_its_own() -> None:
    watch = DeadlineWatch(LIMITS, 0)
    watch.entered(Step.TLS, seconds(4))
    assert due(watch, Step.TLS) == (9, Outcome.TLS_ERROR)


def test_the_first_token_is_waited_for_from_the_request_on() -> None:
    watch = DeadlineWatch(LIMITS, 0)
    watch.entered(Step.REQUEST, seconds(2))
    assert due(watch, Step.REQUEST) == (62, Outcome.FIRST_TOKEN_TIMEOUT)


def test_silence_is_a_stall_only_after_something_was_generated() -> None:
    watch = DeadlineWatch(LIMITS, 0)
    watch.entered(Step.REQUEST, seconds(2))
    watch.generated(seconds(10))
    assert due(watch, Step.REQUEST) == (40, Outcome.STALLED)
    watch.generated(seconds(20))
    assert due(watch, Step.REQUEST) == (50, Outcome.STALLED)


def test_nothing_moves_the_total_deadline() -> None:
    watch = DeadlineWatch(LIMITS, 0)
    watch.entered(Step.REQUEST, seconds(2))
    watch.generated(seconds(99))
    assert due(watch, Step.REQUEST) == (100, Outcome.TOTAL_TIMEOUT)


def test_running_out_of_time_before_the_request_is_the_networks_fault() -> None:
    watch = DeadlineWatch(Deadlines(total_seconds=1), 0)
    watch.entered(Step.CONNECT, 0)
    assert due(watch, Step.CONNECT) == (1, Outcome.CONNECT_TIMEOUT)


def test_the_reason_names_the_limit() -> None:
    watch = DeadlineWatch(LIMITS, 0)
    assert watch.expiry(Step.IDLE).limit == "total deadline of 100 s"
    watch.entered(Step.REQUEST, 0)
    assert watch.expiry(Step.REQUEST).limit == "first token deadline of 60 s"
