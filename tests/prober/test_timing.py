"""Durations and rates from stamps, and what is refused rather than guessed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.domain.result import Quality, Stamps
from probes.prober.events import Arrival, Generated, Piece, StreamEvent
from probes.prober.stamps import NANOSECONDS, ReadStamp
from probes.prober.timing import StreamTiming, percentile, quality, time_stream, tpot_seconds

T0 = 1_000 * NANOSECONDS


def at(seconds: float, text: str = "", read: int | None = None, **changes: Any) -> Arrival:
    """An event `seconds` after the request was sent; with text, a generated one."""
    kind = changes.pop("kind", Generated.TEXT)
    source = changes.pop("source", Stamps.KERNEL)
    lag_ns = changes.pop("lag_ns", 0)
    arrived_ns = T0 + round(seconds * NANOSECONDS)
    stamp = ReadStamp(read or arrived_ns, arrived_ns, arrived_ns + lag_ns, source)
    return Arrival(StreamEvent(pieces=(Piece(kind, text),) if text else ()), stamp)


def test_times_count_from_the_sent_request() -> None:
    timing = time_stream([at(0.1), at(0.3, "one "), at(0.4, "two "), at(0.7, "three"), at(0.8)], T0)
    assert timing.first_event_seconds == 0.1
    assert timing.ttft_seconds == timing.ttft_visible_seconds == 0.3
    assert timing.ttft_kind == "text"
    assert timing.generation_seconds == 0.4
    assert timing.chunks == 3
    assert (timing.gap_p50_seconds, timing.gap_p95_seconds, timing.gap_max_seconds) == (0.1, 0.3, 0.3)


def test_reasoning_is_generated_but_not_visible() -> None:
    timing = time_stream([at(0.2, "hm", kind=Generated.REASONING), at(0.5, "one")], T0)
    assert (timing.ttft_seconds, timing.ttft_visible_seconds, timing.ttft_kind) == (0.2, 0.5, "reasoning")


def test_a_stream_without_output_has_no_times_of_output() -> None:
    assert time_stream([at(0.1)], T0) == StreamTiming(first_event_seconds=0.1)
    assert time_stream([], T0) == StreamTiming()


def test_one_chunk_has_no_gaps() -> None:
    timing = time_stream([at(0.2, "one two three")], T0)
    assert (timing.chunks, timing.generation_seconds, timing.gap_p50_seconds) == (1, 0.0, None)


def test_role_frames_in_the_first_tokens_read_do_not_bound_it() -> None:
    events = [at(0.2, read=1), at(0.2, "one", read=1), at(0.3, "two", read=2)]
    assert time_stream(events, T0).first_read_events == 1


def test_later_tokens_in_the_first_tokens_read_bound_it() -> None:
    events = [at(0.2, read=1), at(0.2, "one", read=1), at(0.2, "two", read=1), at(0.2, read=1)]
    timing = time_stream(events, T0)
    assert timing.first_read_events == 3
    assert quality(timing, 0.001) is Quality.BOUNDED


@pytest.mark.parametrize(
    ("changes", "overhead_seconds", "expected"),
    [
        ({}, 0.001, Quality.EXACT),
        ({"stamps": Stamps.USER}, 0.001, Quality.BOUNDED),
        ({"first_read_events": 2}, 0.001, Quality.BOUNDED),
        ({}, 0.021, Quality.DEGRADED),
        ({"rx_lag_seconds": 0.021}, 0.001, Quality.DEGRADED),
        ({"ttft_seconds": None}, 0.001, None),
    ],
)
def test_quality_tells_how_far_ttft_can_be_trusted(
    changes: dict[str, Any], overhead_seconds: float, expected: Quality | None
) -> None:
    timing = replace(time_stream([at(0.2, "one"), at(0.3, "two")], T0), **changes)
    assert quality(timing, overhead_seconds) is expected


def test_a_slow_hand_over_of_the_request_bounds_ttft() -> None:
    timing = time_stream([at(0.2, "one"), at(0.3, "two")], T0)
    assert quality(timing, 0.001, sending_seconds=0.001) is Quality.BOUNDED
    assert quality(timing, 0.001, sending_seconds=0.0001) is Quality.EXACT


def test_the_longest_wait_in_the_kernel_is_told() -> None:
    timing = time_stream([at(0.2, "a", lag_ns=1_000), at(0.3, "b", lag_ns=5_000_000)], T0)
    assert timing.rx_lag_seconds == 0.005


def test_one_user_stamp_makes_the_stream_user_stamped() -> None:
    timing = time_stream([at(0.2, "a"), at(0.3, "b", source=Stamps.USER)], T0)
    assert timing.stamps is Stamps.USER


def evenly(count: int, gap: float) -> StreamTiming:
    return time_stream([at(0.2 + index * gap, "word ") for index in range(count)], T0)


def test_tpot_excludes_the_first_token() -> None:
    assert tpot_seconds(evenly(11, 0.02), 11) == pytest.approx(0.02)


def test_chunks_of_several_tokens_count_the_tokens_after_the_first_chunk() -> None:
    assert tpot_seconds(evenly(5, 0.1), 20) == pytest.approx(0.4 / 16)


def test_fewer_tokens_than_chunks_still_leave_one_to_the_first() -> None:
    assert tpot_seconds(evenly(11, 0.02), 6) == pytest.approx(0.2 / 5)


@pytest.mark.parametrize(
    ("timing", "tokens"),
    [
        pytest.param(evenly(11, 0.02), None, id="unknown tokens"),
        pytest.param(evenly(11, 0.02), 1, id="one token"),
        pytest.param(evenly(1, 0.02), 64, id="one chunk"),
        pytest.param(evenly(64, 0.0001), 64, id="a tail of a few milliseconds"),
        pytest.param(replace(evenly(64, 0.02), reads=1), 64, id="all in one segment"),
        pytest.param(StreamTiming(), 64, id="nothing generated"),
    ],
)
def test_a_rate_that_nothing_supports_is_refused(timing: StreamTiming, tokens: int | None) -> None:
    assert tpot_seconds(timing, tokens) is None


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_gaps_are_ordered_and_never_negative(moments: list[float]) -> None:
    timing = time_stream([at(moment, "x") for moment in sorted(moments)], T0)
    assert timing.generation_seconds is not None
    if timing.gap_p50_seconds is not None:
        assert timing.gap_p95_seconds is not None
        assert timing.gap_max_seconds is not None
        assert 0 <= timing.gap_p50_seconds <= timing.gap_p95_seconds <= timing.gap_max_seconds
        assert timing.gap_max_seconds <= timing.generation_seconds


def test_percentiles_are_nearest_rank() -> None:
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.51, 0.95)] == [
        1.0,
        2.0,
        3.0,
        4.0,
    ]
    assert percentile([], 0.5) is None
