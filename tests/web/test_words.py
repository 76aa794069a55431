"""Every word that a reader can meet exists, says something, and is told from its neighbours."""

from enum import StrEnum
from pathlib import Path

import pytest

from probes.domain.event import EventKind
from probes.domain.incident import Cause, Ending, Severity, UpdateKind
from probes.domain.outcome import Fault, Outcome
from probes.domain.result import RESULT_FIELDS, Category, Phase, Quality, Stamps, TokensSource, Trigger
from probes.domain.state import Reason, State
from probes.domain.target import Protocol
from probes.verdicts.rules import ReasonKey
from probes.web.field_words import FIELD_GROUPS
from probes.web.words import PROTOCOLS, readiness_text, reason_text, word
from tests.web.serving import a_board

ENUMS: tuple[type[StrEnum], ...] = (
    State,
    Category,
    Outcome,
    Fault,
    Trigger,
    Phase,
    TokensSource,
    Stamps,
    Quality,
    EventKind,
    Severity,
    Cause,
    Ending,
    UpdateKind,
)
MEMBERS = [member for enum in ENUMS for member in enum]

REASONS = {
    ReasonKey.NEVER_SEEN: Reason(ReasonKey.NEVER_SEEN),
    ReasonKey.STALE: Reason(ReasonKey.STALE, (("age_seconds", 700),)),
    ReasonKey.PAUSED: Reason(ReasonKey.PAUSED),
    ReasonKey.PAUSED_BY_OPERATOR: Reason(
        ReasonKey.PAUSED_BY_OPERATOR, (("note", "moving"), ("until", "2026-12-01 03:00"))
    ),
    ReasonKey.MAINTENANCE: Reason(
        ReasonKey.MAINTENANCE, (("title", "GPU swap"), ("until", "2026-12-01 03:00"))
    ),
    ReasonKey.RESUMED: Reason(ReasonKey.RESUMED),
    ReasonKey.NOT_CONFIGURED: Reason(ReasonKey.NOT_CONFIGURED, (("why", "ACME_KEY is not set"),)),
    ReasonKey.HEALTHY: Reason(ReasonKey.HEALTHY),
    ReasonKey.SINGLE_FAILURE: Reason(ReasonKey.SINGLE_FAILURE, (("n", 1), ("outcome", "stalled"))),
    ReasonKey.ONLY_FAILURES: Reason(ReasonKey.ONLY_FAILURES, (("n", 2), ("outcome", "stalled"))),
    ReasonKey.CONSECUTIVE_FAILURES: Reason(
        ReasonKey.CONSECUTIVE_FAILURES, (("n", 3), ("outcome", "stalled"))
    ),
    ReasonKey.PARTIAL_FAILURES: Reason(
        ReasonKey.PARTIAL_FAILURES, (("n", 2), ("outcome", "stalled"), ("of", 5))
    ),
    ReasonKey.RECOVERING: Reason(ReasonKey.RECOVERING, (("n", 1), ("of", 3))),
    ReasonKey.OUR_NETWORK: Reason(ReasonKey.OUR_NETWORK),
    ReasonKey.THROTTLED: Reason(ReasonKey.THROTTLED),
    ReasonKey.SLOW: Reason(ReasonKey.SLOW, (("category", "lagging"),)),
    ReasonKey.SLOWER_THAN_USUAL: Reason(
        ReasonKey.SLOWER_THAN_USUAL,
        (("metric", "ttft"), ("value", 2.1), ("usual", 0.8), ("n", 5), ("of", 15)),
    ),
    ReasonKey.DRIFTED: Reason(
        ReasonKey.DRIFTED,
        (("metric", "throughput"), ("value", 41.0), ("usual", 66.0), ("since", "2026-11-18T09:00:00+00:00")),
    ),
    ReasonKey.OURS: Reason(ReasonKey.OURS, (("outcome", "auth"),)),
    ReasonKey.ANSWER_UNUSABLE: Reason(ReasonKey.ANSWER_UNUSABLE, (("outcome", "reasoning_only"),)),
}


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: f"{type(member).__name__}.{member.name}")
def test_each_member_has_a_label_and_a_meaning(member: StrEnum) -> None:
    spoken = word(member)
    assert str(spoken.label)
    assert str(spoken.meaning).endswith(".")


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_no_two_members_of_an_enum_share_a_label(enum: type[StrEnum]) -> None:
    labels = [str(word(member).label) for member in enum]
    assert len(labels) == len(set(labels))


def test_words_of_enums_with_equal_values_are_kept_apart() -> None:
    assert State.UNKNOWN == Category.UNKNOWN
    assert str(word(State.UNKNOWN).meaning) != str(word(Category.UNKNOWN).meaning)


def test_each_state_has_a_shape_of_its_own() -> None:
    shapes = [word(state).icon for state in State]
    assert all(shapes)
    assert len(shapes) == len(set(shapes))


def test_each_protocol_has_a_name() -> None:
    assert set(PROTOCOLS) == set(Protocol)


COMPARING = (ReasonKey.SLOWER_THAN_USUAL, ReasonKey.DRIFTED)  # figures with units, and a metric in words


@pytest.mark.parametrize("key", ReasonKey)
def test_each_reason_is_told_in_words_with_its_figures(key: ReasonKey) -> None:
    text = reason_text(REASONS[key])
    assert text
    assert "%" not in text
    for _name, value in REASONS[key].params:
        told = (
            str(value) in text
            or "stalled" in text
            or key in (ReasonKey.STALE, ReasonKey.SLOW, ReasonKey.OURS, *COMPARING)
        )
        assert told or key is ReasonKey.ANSWER_UNUSABLE


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("environment variable ACME_KEY is not set", "未设置环境变量 ACME_KEY"),
        ("api_key is a placeholder", "api_key 是占位符"),
        ("something new", "something new"),
        ("", "没有 API 密钥"),
    ],
)
def test_what_settings_say_in_english_is_told_in_the_readers_language(
    tmp_path: Path, reason: str, text: str
) -> None:
    with a_board(tmp_path).app.test_request_context("/?lang=zh"):
        assert readiness_text(reason) == text


def test_reasons_speak_the_words_of_outcomes() -> None:
    assert reason_text(REASONS[ReasonKey.CONSECUTIVE_FAILURES]) == "3 probes in a row failed: stalled"
    assert reason_text(REASONS[ReasonKey.OURS]) == "our side: key refused"
    slower = "first token 2.10\xa0s, usually 0.80\xa0s (5 of the last 15 probes)"
    assert reason_text(REASONS[ReasonKey.SLOWER_THAN_USUAL]) == slower
    assert reason_text(REASONS[ReasonKey.DRIFTED]) == "slowly become slower: 41 tokens/s, usually 66"
    assert reason_text(REASONS[ReasonKey.STALE]) == "no result for 11\xa0min 40\xa0s"


def test_every_field_of_a_record_is_explained_once() -> None:
    explained = [name for _title, fields in FIELD_GROUPS for name, _meaning in fields]
    assert sorted(explained) == sorted(RESULT_FIELDS)
