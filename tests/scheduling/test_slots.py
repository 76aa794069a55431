from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from probes.scheduling.slots import JITTER_FRACTION, MAX_JITTER_SECONDS, SlotSequence

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EARLIEST, LATEST = datetime(2020, 1, 1), datetime(2040, 1, 1)  # noqa: DTZ001  # hypothesis wants naive ones


def due_times(sequence: SlotSequence, count: int) -> list[datetime]:
    times = [sequence.next_after(START)]
    while len(times) < count:
        times.append(sequence.next_after(times[-1]))
    return times


def test_slots_do_not_drift_over_a_thousand_periods() -> None:
    times = due_times(SlotSequence("acme/main/quick", "here", 60.0), 1001)
    jitter = timedelta(seconds=60 * JITTER_FRACTION)
    assert abs((times[-1] - times[0]) - timedelta(minutes=1000)) <= jitter


def test_a_restart_computes_the_same_slots() -> None:
    first = due_times(SlotSequence("acme/main/quick", "here", 60.0), 5)
    again = SlotSequence("acme/main/quick", "here", 60.0)
    assert [again.next_after(due - timedelta(milliseconds=1)) for due in first] == first


def test_targets_are_spread_over_the_interval() -> None:
    seconds = [
        (SlotSequence(f"acme/main/{i}", "here", 600.0).next_after(START) - START).total_seconds()
        for i in range(2000)
    ]
    per_minute = [sum(1 for s in seconds if minute * 60 <= s < (minute + 1) * 60) for minute in range(10)]
    assert min(per_minute) >= 150
    assert max(per_minute) <= 250


@given(
    st.floats(min_value=1, max_value=86_400),
    st.datetimes(min_value=EARLIEST, max_value=LATEST),
)
def test_next_slot_is_always_later_and_within_a_period_and_jitter(period: float, moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    due = SlotSequence("acme/main/quick", "here", period).next_after(moment)
    longest = period + min(period * JITTER_FRACTION, MAX_JITTER_SECONDS) + 0.002
    assert timedelta(0) < due - moment <= timedelta(seconds=longest)
