"""The whole service probes servers that nobody here wrote, for several rounds; its records are what those did.

What the API and the pages make of the same records is compared in test_rounds_on_the_board.py.
"""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import Category, ProbeResult, Stamps, TokensSource, Trigger, categorize
from probes.domain.target import Thresholds
from tests.peers.peer_logs import Inference, JournalEntry
from tests.peers.probed_targets import TARGETS, Model, good_targets
from tests.peers.rounds import ran
from tests.peers.seen import EVERY_TARGET, Seen

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("peers")]

EARLY_SECONDS = 0.002  # by which a timer of Node.js may fire too soon
CLOCKS_APART_SECONDS = (
    0.05  # between two processes' readings of the wall clock, one of them cut to milliseconds
)


# What was recorded is what the server did.


@EVERY_TARGET
def test_every_probe_of_several_rounds_is_classified_as_documented(
    seen: Seen, target: str, model: Model
) -> None:
    records = seen.ours.of(target)
    triggers = Counter(record.trigger for record in records)
    assert triggers[Trigger.SCHEDULED] >= 3
    assert triggers[Trigger.MANUAL] == 2
    answers = {(answer.outcome, answer.http_status) for answer in model.answers}
    for record in records:
        assert (record.outcome, record.http_status) in answers, record.error
        assert record.fault is record.outcome.fault
        assert (record.error is None) is (record.outcome is Outcome.OK)


@EVERY_TARGET
def test_a_category_is_the_response_time_by_the_targets_thresholds(
    seen: Seen, target: str, model: Model
) -> None:
    limits = model.limits
    thresholds = Thresholds(
        **{f"{name}_seconds": getattr(limits, name) for name in limits.__slots__} if limits else {}
    )
    for record in seen.ours.of(target):
        assert record.category is categorize(record.response_seconds, record.outcome, thresholds)


def test_known_delays_put_real_answers_into_four_categories(seen: Seen) -> None:
    for target, model in good_targets("aimock"):
        assert {record.category for record in seen.ours.of(target)} == {model.category}, target


@pytest.mark.parametrize("provider", ["aimock", "litellm", "llamacpp"])
def test_tokens_and_finish_reasons_are_those_that_the_server_stated(seen: Seen, provider: str) -> None:
    for target, model in good_targets(provider):
        for record in seen.ours.of(target):
            assert record.finish_reason == model.finish_reason, target
            if model.output_tokens is not None:
                assert (record.output_tokens, record.tokens_source) == (
                    model.output_tokens,
                    TokensSource.USAGE,
                ), target


@pytest.mark.parametrize("client", ["messages", "responses", "gemini", "ollama"])
def test_chunks_stand_in_where_a_stream_comes_without_usage(seen: Seen, client: str) -> None:
    for record in seen.ours.of(f"aimock/{client}/counting-without-usage"):
        assert record.tokens_source is TokensSource.CHUNKS
        assert (
            record.output_tokens
            == record.chunks
            == math.ceil(len("one two three four five six seven eight nine ten") / 7)
        )
        assert record.input_tokens is None


def test_the_wait_that_a_server_asks_for_is_recorded(seen: Seen) -> None:
    for client in ("chat", "messages", "azure", "responses", "gemini", "ollama"):
        assert {record.retry_after_seconds for record in seen.ours.of(f"aimock/{client}/rate-limited")} == {
            7.0
        }


def test_the_known_answer_is_checked_only_where_it_was_asked_for(seen: Seen) -> None:
    for client in ("chat", "messages", "responses"):
        assert {record.answer_ok for record in seen.ours.of(f"aimock/{client}/counting")} == {True}
        assert {record.answer_ok for record in seen.ours.of(f"litellm/{client}/relayed-counting")} == {True}
        assert {record.answer_ok for record in seen.ours.of(f"llamacpp/{client}/tiny-llama")} == {None}
        assert {record.answer_ok for record in seen.ours.of(f"llamacpp/{client}/asked-to-count")} == {False}
    for client in ("gemini", "ollama"):
        assert {record.answer_ok for record in seen.ours.of(f"aimock/{client}/counting")} == {True}


# The servers' own logs agree.


def of_aimock(records: Sequence[ProbeResult]) -> list[ProbeResult]:
    return [record for record in records if record.provider == "aimock" and ran(record)]


def paired(seen: Seen) -> list[tuple[ProbeResult, JournalEntry]]:
    """Records of aimock with its own entry for the same request; hung up lines have no id to pair by."""
    entries = {entry.request_id: entry for entry in seen.aimock}
    return [
        (record, entries[record.request_id])
        for record in of_aimock(seen.ours.records)
        if record.request_id is not None
    ]


def test_each_record_is_one_request_in_aimocks_journal(seen: Seen) -> None:
    def path(record: ProbeResult) -> str:
        return {
            "chat": "/v1/chat/completions",
            "messages": "/v1/messages",
            "azure": f"/openai/deployments/{record.model}/chat/completions",
            "responses": "/v1/responses",
            "gemini": f"/v1beta/models/{record.model}:streamGenerateContent",
            "ollama": "/api/chat",
        }[record.client]

    recorded = Counter(
        (path(record), record.model, record.max_tokens) for record in of_aimock(seen.ours.records)
    )
    received = Counter(
        (entry.path, entry.model, entry.max_tokens) for entry in seen.aimock if not entry.is_from_relay
    )
    assert recorded == received


def test_records_tell_what_aimock_says_of_the_same_request(seen: Seen) -> None:
    pairs = paired(seen)
    answered = {target for target, (_, model) in TARGETS.items() if model.answers[0].http_status is not None}
    assert {record.target for record, _ in pairs} == {t for t in answered if t.startswith("aimock/")}
    for record, entry in pairs:
        assert (record.model, record.http_status) == (entry.model, entry.status)
        assert (record.outcome is Outcome.CONNECTION_RESET) is entry.is_cut
        if record.tokens_source is TokensSource.USAGE and entry.output_tokens is not None:
            assert (record.input_tokens, record.output_tokens) == (entry.input_tokens, entry.output_tokens)


def test_a_request_reached_aimock_while_its_probe_ran(seen: Seen) -> None:
    """A stream's end bounds it too; of other answers aimock takes notice when they are on their way already."""
    slack = timedelta(seconds=CLOCKS_APART_SECONDS)
    for record, entry in paired(seen):
        assert entry.at >= record.started_at - slack, record
        if record.outcome is Outcome.OK:
            assert record.response_seconds is not None
            assert entry.at <= record.started_at + timedelta(seconds=record.response_seconds) + slack, record


def test_ttft_is_never_shorter_than_what_aimock_waited(seen: Seen) -> None:
    measured = [(record, entry) for record, entry in paired(seen) if record.ttft_seconds is not None]
    assert measured
    for record, entry in measured:
        assert entry.ttft_seconds is not None
        assert record.ttft_seconds is not None
        assert record.ttft_seconds >= entry.ttft_seconds - EARLY_SECONDS


def test_ttft_through_the_relay_is_never_shorter_than_what_aimock_waited(seen: Seen) -> None:
    waits = {entry.ttft_seconds for entry in seen.aimock if entry.is_from_relay and entry.model == "counting"}
    (waited,) = waits
    assert waited is not None
    for client in ("chat", "messages", "responses"):
        for model in ("relayed-counting", "relayed-messages"):
            for record in seen.ours.of(f"litellm/{client}/{model}"):
                assert record.ttft_seconds is not None
                assert record.ttft_seconds >= waited - EARLY_SECONDS


def test_generation_takes_as_long_as_aimock_paces_its_frames(seen: Seen) -> None:
    """Not shorter by more than its timers, as a rule: a starved aimock sends late frames in a hurry."""
    exact = [
        (record, entry.frames_per_second)
        for record, entry in paired(seen)
        if record.generation_seconds and record.stamps is Stamps.KERNEL and record.first_read_events == 1
    ]
    assert exact
    kept_pace = [
        (record.generation_seconds or 0) >= ((record.chunks or 0) - 1) * (1 / (pace or 1) - EARLY_SECONDS)
        for record, pace in exact
    ]
    assert sum(kept_pace) > len(kept_pace) / 2


def test_durations_of_a_record_follow_each_other(seen: Seen) -> None:
    for record in seen.ours.records:
        moments = [
            record.first_byte_seconds,
            record.first_event_seconds,
            record.ttft_seconds,
            record.ttft_visible_seconds,
        ]
        passed = [moment for moment in moments if moment is not None]
        assert passed == sorted(passed), record
        if record.ttft_seconds is None or record.response_seconds is None:
            continue
        assert record.req_ttft_seconds is not None
        assert record.generation_seconds is not None
        assert record.ttft_seconds <= record.req_ttft_seconds
        assert record.req_ttft_seconds + record.generation_seconds <= record.response_seconds + 1e-6


def test_each_record_of_the_relay_is_one_line_of_its_access_log(seen: Seen) -> None:
    paths = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
    recorded = Counter(
        (paths[record.client], record.http_status)
        for record in seen.ours.records
        if record.provider == "litellm" and ran(record)
    )
    assert recorded == seen.litellm


def test_llama_cpp_worked_exactly_the_tokens_that_are_recorded(seen: Seen) -> None:
    records = [record for record in seen.ours.records if record.provider == "llamacpp" and ran(record)]
    assert seen.llamacpp == Inference(
        requests=len(records),
        evaluated_tokens=sum((record.input_tokens or 0) - (record.cached_tokens or 0) for record in records),
        generated_tokens=sum(record.output_tokens or 0 for record in records),
    )


# Nothing went wrong on our side.


def test_no_key_is_in_any_page_answer_log_or_file(seen: Seen) -> None:
    for secret in seen.secrets:
        assert secret not in seen.output
        assert secret.encode() not in seen.files
        assert [path for path, text in seen.ours.web.texts.items() if secret in text] == []


def test_the_service_logged_no_error_and_no_traceback(seen: Seen) -> None:
    assert "Traceback" not in seen.output
    assert " ERROR " not in seen.output
    assert Category.UNKNOWN not in {r.category for r in seen.ours.records if r.outcome is Outcome.OK}
    assert not [record for record in seen.ours.records if record.outcome is Outcome.INTERNAL]
