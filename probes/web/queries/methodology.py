"""What every word and number means, from the very enums and thresholds that the code uses."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Category, Quality, Stamps, TokensSource, Trigger
from probes.domain.rollup import Period
from probes.domain.state import State
from probes.domain.target import DEFAULT_INTERVAL_SECONDS, Deadlines, RequestOptions, Thresholds
from probes.prober.prompts import PROMPT_VERSION, make_prompt
from probes.stats.histogram import RELATIVE_ERROR
from probes.verdicts import rules
from probes.web.drawings import LIMITS, Limits
from probes.web.field_words import FIELD_GROUPS, FieldGroups
from probes.web.snapshot import Snapshot
from probes.web.windows import Window


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds of judging."""

    window: int = rules.WINDOW
    down_after: int = rules.DOWN_AFTER
    partial_at: int = rules.PARTIAL_AT
    slow_at: int = rules.SLOW_AT
    slow_of: int = rules.SLOW_OF
    stale_after_intervals: int = rules.STALE_AFTER_INTERVALS
    unknown_after_intervals: int = rules.UNKNOWN_AFTER_INTERVALS


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
    fields: FieldGroups
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
        fields=FIELD_GROUPS,
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
