"""What every word and number means, from the very enums and thresholds that the code uses."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probes.domain.event import EventKind
from probes.domain.outcome import Fault, Outcome
from probes.domain.plan import SELF_CHECK_LIMIT_SECONDS
from probes.domain.result import Category, Quality, Stamps, TokensSource, Trigger
from probes.domain.rollup import Period
from probes.domain.state import State
from probes.domain.target import DEFAULT_INTERVAL_SECONDS, Deadlines, RequestOptions, Thresholds
from probes.prober.prompts import PROMPT_VERSION, make_prompt
from probes.settings.model import AgentSettings
from probes.settings.reference import KnownQuirk, known_quirks
from probes.stats import changes
from probes.stats.histogram import RELATIVE_ERROR
from probes.verdicts import confirming, evidence, network, rules
from probes.web.drawings import LIMITS, Limits
from probes.web.field_words import FIELD_GROUPS, FieldGroups
from probes.web.i18n import Lazy
from probes.web.quirk_words import QUIRK_REASONS
from probes.web.snapshot import Snapshot
from probes.web.windows import Window


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds of judging."""

    window: int = evidence.WINDOW
    down_after: int = evidence.DOWN_AFTER
    down_after_confirmed: int = evidence.DOWN_AFTER_CONFIRMED
    recovered_after: int = evidence.RECOVERED_AFTER
    steady_after: int = evidence.STEADY_AFTER
    confirm_probes: int = confirming.CONFIRM_PROBES
    confirm_after_seconds: float | None = AgentSettings().confirm_after_seconds
    lost_at: int = network.LOST_AT
    partial_at: int = rules.PARTIAL_AT
    throttled_at: int = rules.THROTTLED_AT
    throttled_of: int = rules.THROTTLED_OF
    slow_at: int = rules.SLOW_AT
    slow_of: int = rules.SLOW_OF
    stale_after_intervals: int = rules.STALE_AFTER_INTERVALS
    unknown_after_intervals: int = rules.UNKNOWN_AFTER_INTERVALS


@dataclass(frozen=True, slots=True)
class TimelineRules:
    """What makes an event, and what is noise."""

    remembered_days: int = changes.REMEMBERED.days
    many: int = changes.MANY
    wrong_answers: int = changes.WATCHED[changes.Field.ANSWER].new_after
    not_found: int = changes.WATCHED[changes.Field.PRESENCE].new_after
    back_answers: int = changes.WATCHED[changes.Field.ANSWER].back_after
    back_after: int = changes.WATCHED[changes.Field.SERVED_MODEL].back_after


@dataclass(frozen=True, slots=True)
class Measured:
    """What is set otherwise on this very board; names of targets."""

    with_own_thresholds: tuple[str, ...]
    with_own_deadlines: tuple[str, ...]
    with_own_prompt: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Methodology:
    states: tuple[State, ...]
    category_limits: Mapping[Category, float | None]  # upper limit of response time, seconds
    outcomes: Mapping[Fault, tuple[Outcome, ...]]
    rules: Rules
    deadlines: Deadlines
    options: RequestOptions
    interval_seconds: float
    prompt: str
    prompt_version: str
    strip_limits: Mapping[Period, Limits]
    windows: tuple[Window, ...]
    triggers: tuple[Trigger, ...]
    qualities: tuple[Quality, ...]
    stamps: tuple[Stamps, ...]
    tokens_sources: tuple[TokensSource, ...]
    relative_error: float
    self_check_limit_seconds: float
    fields: FieldGroups
    events: tuple[EventKind, ...]
    timeline: TimelineRules
    quirks: tuple[KnownQuirk, ...]
    quirk_reasons: Mapping[str, Lazy]
    here: Measured


def methodology(snapshot: Snapshot) -> Methodology:
    return Methodology(
        states=tuple(State),
        category_limits=category_limits(Thresholds()),
        outcomes={fault: outcomes_of(fault) for fault in Fault},
        rules=Rules(),
        deadlines=Deadlines(),
        options=RequestOptions(),
        interval_seconds=DEFAULT_INTERVAL_SECONDS,
        prompt=EXAMPLE_PROMPT,
        prompt_version=PROMPT_VERSION,
        strip_limits=LIMITS,
        windows=tuple(Window),
        triggers=tuple(Trigger),
        qualities=tuple(Quality),
        stamps=tuple(Stamps),
        tokens_sources=tuple(TokensSource),
        relative_error=RELATIVE_ERROR,
        self_check_limit_seconds=SELF_CHECK_LIMIT_SECONDS,
        fields=FIELD_GROUPS,
        events=tuple(EventKind),
        timeline=TimelineRules(),
        quirks=known_quirks(),
        quirk_reasons=QUIRK_REASONS,
        here=_measured(snapshot),
    )


def category_limits(thresholds: Thresholds) -> Mapping[Category, float | None]:
    """Response time up to which each category holds; None for the one that has no limit."""
    return {
        Category.SMOOTH: thresholds.smooth_seconds,
        Category.AVAILABLE: thresholds.available_seconds,
        Category.CONGESTION: thresholds.congestion_seconds,
        Category.LAGGING: thresholds.lagging_seconds,
        Category.UNKNOWN: None,
    }


def outcomes_of(fault: Fault) -> tuple[Outcome, ...]:
    return tuple(outcome for outcome in Outcome if outcome.fault is fault)


def _measured(snapshot: Snapshot) -> Measured:
    targets = snapshot.targets
    return Measured(
        with_own_thresholds=tuple(t.name for t in targets if t.thresholds != Thresholds()),
        with_own_deadlines=tuple(t.name for t in targets if t.deadlines != Deadlines()),
        with_own_prompt=tuple(t.name for t in targets if t.prompt is not None),
    )


EXAMPLE_PROMPT: Final = make_prompt(None, random.Random(0)).text  # noqa: S311 - an example, not a secret
