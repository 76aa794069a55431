"""Frames leave when the scenario says, by absolute due times, and the truth records when they did."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from probes.simulator import RunningSimulator, SimulatorConfig, Truth, serve_in_thread

from .wire import OPENAI, PROTOCOLS, exchange, request_body


def ask(simulator: RunningSimulator, model: str, protocol: str, limit: int = 16) -> Truth:
    finished = simulator.truth.requests_total + 1
    exchange(simulator.port, protocol, request_body(model, limit))
    assert simulator.truth.wait_finished(finished, 5)
    return simulator.truth.records(model)[-1]


@pytest.fixture
def quiet_simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_token_leaves_before_its_due_time(quiet_simulator: RunningSimulator, protocol: str) -> None:
    record = ask(quiet_simulator, "ok;ttft=0.2;gap=0.02", protocol, limit=50)
    late = [(write.before_ns - write.due_ns) / 1e9 for write in record.generated]
    assert len(late) == 50
    assert min(late) >= 0
    due = [(write.due_ns - record.received_ns) / 1e9 for write in record.generated]
    assert due == pytest.approx([0.2 + 0.02 * index for index in range(50)], abs=1e-6)


def test_lateness_does_not_add_up(quiet_simulator: RunningSimulator) -> None:
    record = ask(quiet_simulator, "ok;ttft=0;gap=0.002", OPENAI, limit=200)
    due = [(write.due_ns - record.received_ns) / 1e9 for write in record.generated]
    assert due == pytest.approx([0.002 * index for index in range(200)], abs=1e-6), (
        "whatever came late before"
    )


def test_truth_brackets_what_a_client_sees(quiet_simulator: RunningSimulator) -> None:
    before_ns = time.monotonic_ns()
    record = ask(quiet_simulator, "ok;ttft=0.1", OPENAI)
    assert before_ns < record.connected_ns < record.received_ns < record.generated[0].before_ns
    assert (
        record.generated[0].before_ns <= record.generated[0].after_ns < record.ended_ns < time.monotonic_ns()
    )
    assert record.ttft_seconds == pytest.approx(0.1, abs=0.05)
    assert record.response_seconds == pytest.approx(0.1 + 15 * 0.01, abs=0.1)


def test_visible_ttft_comes_after_reasoning(quiet_simulator: RunningSimulator) -> None:
    record = ask(quiet_simulator, "reasoning;ttft=0.05;gap=0.02", OPENAI)
    assert record.visible_ttft_seconds - record.ttft_seconds == pytest.approx(8 * 0.02, abs=0.04)


def test_a_duration_sets_the_time_of_the_last_token(quiet_simulator: RunningSimulator) -> None:
    record = ask(quiet_simulator, "ok;ttft=0.1;duration=0.4", OPENAI)
    due = [(write.due_ns - record.received_ns) / 1e9 for write in record.generated]
    assert (due[0], due[-1]) == (pytest.approx(0.1), pytest.approx(0.4))


def test_coalesced_frames_count_one_by_one(quiet_simulator: RunningSimulator) -> None:
    record = ask(quiet_simulator, "coalesced", OPENAI)
    assert [write.generated_total for write in record.generated] == [3, 4, 4, 4, 1]
    assert record.text.split()[-1] == "sixteen"


def test_fifty_streams_at_once_send_every_token_and_none_early(quiet_simulator: RunningSimulator) -> None:
    with ThreadPoolExecutor(50) as pool:
        bodies = [request_body("ok;ttft=0.3;gap=0.02", 32) for _ in range(50)]
        list(pool.map(lambda body: exchange(quiet_simulator.port, OPENAI, body), bodies))
    assert quiet_simulator.truth.wait_finished(50, 5)
    late = [
        (write.before_ns - write.due_ns) / 1e9
        for record in quiet_simulator.truth.records()
        for write in record.generated
    ]
    assert len(late) == 50 * 32
    assert min(late) >= 0


def test_jitter_is_the_same_for_the_same_seed_model_and_number() -> None:
    def dues(seed: int) -> list[list[int]]:
        with serve_in_thread(SimulatorConfig(seed=seed)) as running:
            records = [ask(running, "fast;jitter=0.5", OPENAI, limit=4) for _ in range(2)]
        return [[write.due_ns - record.received_ns for write in record.generated] for record in records]

    first, again, other = dues(7), dues(7), dues(8)
    assert first == again
    assert first[0] != first[1]
    assert first != other
