"""What a viewer sees of an attempt, against the record that it becomes."""

import threading
from collections.abc import Iterator

import pytest

from probes.prober.exchange import Attempt
from probes.prober.progress import Progress, Stage, progress_of
from probes.simulator.run import RunningSimulator, serve_in_thread
from tests.prober.asking import RunningProber, a_target, running_prober, slot_of
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture(scope="module")
def prober() -> Iterator[RunningProber]:
    with running_prober() as running:
        yield running


def stages(progress: Progress) -> list[Stage]:
    return [span.stage for span in progress.spans]


def test_the_finished_attempt_agrees_with_its_record(
    simulator: RunningSimulator, prober: RunningProber
) -> None:
    attempts: list[Attempt] = []
    target = a_target(simulator.base_url, "ok")
    result = prober.run(prober.prober.probe(target, slot_of(target), in_flight=1, on_attempt=attempts.append))
    (attempt,) = attempts
    progress = progress_of(attempt, None)
    spans = {span.stage: span for span in progress.spans}
    sent = spans[Stage.SENT].end_seconds
    assert spans[Stage.FIRST_BYTE].end_seconds - sent == pytest.approx(result.first_byte_seconds)
    assert spans[Stage.FIRST_TOKEN].end_seconds - sent == pytest.approx(result.ttft_seconds)
    assert spans[Stage.VISIBLE].end_seconds - sent == pytest.approx(result.ttft_visible_seconds)
    assert spans[Stage.END].end_seconds == pytest.approx(result.response_seconds)
    assert spans[Stage.CONNECT].seconds == pytest.approx(result.connect_seconds)
    assert progress.elapsed_seconds == pytest.approx(result.response_seconds)
    assert progress.chunks == result.chunks
    assert progress.text.startswith("one two three")
    assert not any(span.is_open for span in progress.spans)


def test_spans_follow_each_other_without_a_gap(simulator: RunningSimulator, prober: RunningProber) -> None:
    attempts: list[Attempt] = []
    target = a_target(simulator.base_url, "reasoning")
    prober.run(prober.prober.probe(target, slot_of(target), in_flight=1, on_attempt=attempts.append))
    progress = progress_of(attempts[0], None)
    assert progress.spans[0].start_seconds == 0
    for before, after in zip(progress.spans, progress.spans[1:], strict=False):
        assert before.end_seconds == after.start_seconds
    assert stages(progress) == [stage for stage in Stage if stage in stages(progress)]
    visible = next(span for span in progress.spans if span.stage is Stage.VISIBLE)
    assert visible.seconds > 0, "it reasoned first"


def test_a_running_attempt_is_seen_to_grow(simulator: RunningSimulator, prober: RunningProber) -> None:
    began = threading.Event()
    attempts: list[Attempt] = []

    def on_attempt(attempt: Attempt) -> None:
        attempts.append(attempt)
        began.set()

    target = a_target(simulator.base_url, "ok?ttft=0.3&gap=0.05&tokens=12")
    running = prober.prober.probe(target, slot_of(target), in_flight=1, on_attempt=on_attempt)
    collected: list[Progress] = []

    def look() -> Progress:
        collected.append(progress_of(attempts[0], prober.prober.clock.monotonic_ns()))
        return collected[-1]

    watcher = threading.Thread(
        target=lambda: (began.wait(20), wait_until("the end", lambda: look().text.endswith("twelve")))
    )
    watcher.start()
    prober.run(running)
    watcher.join()
    chunks = [progress.chunks for progress in collected]
    assert chunks == sorted(chunks)
    assert len(set(chunks)) > 3
    elapsed = [progress.elapsed_seconds for progress in collected]
    assert elapsed == sorted(elapsed)
    waiting = [progress for progress in collected if progress.spans and progress.spans[-1].is_open]
    assert {progress.spans[-1].stage for progress in waiting} >= {Stage.FIRST_TOKEN, Stage.END}
    assert all(progress.spans[-1].end_seconds == progress.elapsed_seconds for progress in waiting)


def test_a_failed_attempt_ends_with_the_last_thing_seen(
    simulator: RunningSimulator, prober: RunningProber
) -> None:
    attempts: list[Attempt] = []
    target = a_target(simulator.base_url, "reset")
    prober.run(prober.prober.probe(target, slot_of(target), in_flight=1, on_attempt=attempts.append))
    progress = progress_of(attempts[0], None)
    assert stages(progress)[-1] is Stage.VISIBLE
    assert progress.chunks == 3


def test_warming_up_shows_no_attempt(simulator: RunningSimulator) -> None:
    attempts: list[Attempt] = []
    with running_prober() as fresh:
        target = a_target(simulator.base_url, "ok")
        fresh.run(fresh.prober.probe(target, slot_of(target), in_flight=1, on_attempt=attempts.append))
    assert len(attempts) == 1
