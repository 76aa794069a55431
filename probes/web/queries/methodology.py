"""What every word and number means, from the very enums and thresholds that the code uses."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from probes.alerts import outbox, planning
from probes.domain.event import EventKind
from probes.domain.incident import Cause, Severity
from probes.domain.outcome import Fault, Outcome
from probes.domain.plan import SELF_CHECK_LIMIT_SECONDS
from probes.domain.result import Category, Quality, Stamps, TokensSource, Trigger
from probes.domain.rollup import Period
from probes.domain.state import State
from probes.domain.target import DEFAULT_INTERVAL_SECONDS, Deadlines, RequestOptions, Secret, Thresholds
from probes.prober.prompts import PROMPT_VERSION, make_prompt
from probes.settings.alerts import Channel, ChannelType
from probes.settings.model import AgentSettings
from probes.settings.reference import KnownQuirk, known_quirks
from probes.stats import baseline, changes, slo
from probes.stats.histogram import RELATIVE_ERROR
from probes.verdicts import (
    confirming,
    deviation,
    drafts,
    drift,
    evidence,
    incidents,
    network,
    rules,
    standing,
)
from probes.web.drawings import LIMITS, Limits
from probes.web.field_words import FIELD_GROUPS, FieldGroups
from probes.web.i18n import Lazy
from probes.web.queries.maintenance import NOTICE
from probes.web.queries.public_incidents import MAX_TOLD
from probes.web.queries.statuspage import ComponentStatus, told_statuses
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
class SloRules:
    """What makes an error budget, and what spends it too fast."""

    ttft_share: float = slo.TTFT_SHARE
    rate: float = slo.BURN_RATE
    long_seconds: float = slo.BURN_LONG.total_seconds()
    short_seconds: float = slo.BURN_SHORT.total_seconds()
    failures: int = slo.LEAST_FAILURES
    once_in: int = round(1 / slo.CHANCE)


@dataclass(frozen=True, slots=True)
class UsualRules:
    """What is usual, and what is slower than that."""

    learnt_days: int = baseline.LEARNT_SPAN.days
    min_days: int = baseline.MIN_DAYS
    min_n: Mapping[baseline.Scope, int] = field(default_factory=lambda: baseline.MIN_N)
    mad_to_sigma: float = baseline.MAD_TO_SIGMA
    spread_floor: float = baseline.SPREAD_FLOOR
    slower_factor: float = deviation.SLOWER_FACTOR
    slower_sigmas: float = deviation.SLOWER_SIGMAS
    slower_after: int = deviation.SLOWER_AFTER
    usual_again_after: int = deviation.USUAL_AGAIN_AFTER
    drift_factor: float = drift.DRIFT_FACTOR
    drift_over_factor: float = drift.DRIFT_OVER_FACTOR
    drift_day_sigmas: float = drift.DAY_SIGMAS
    drift_lasting_hours: int = drift.LASTING_HOURS
    drift_recent_days: int = drift.RECENT_SPAN.days
    drift_reference_days: int = drift.REFERENCE_SPAN.days
    drift_slack: float = drift.SLACK
    drift_decision: float = drift.DECISION


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """What opens, joins and ends an incident."""

    ours_after: int = standing.OURS_AFTER
    throttled_at: int = standing.THROTTLED_TO_CALL
    throttled_of: int = rules.THROTTLED_OF
    throttled_until: int = evidence.STEADY_AFTER
    slow_share: float = standing.SLOW_SHARE
    near_seconds: float = incidents.NEAR_SPAN.total_seconds()
    near_intervals: int = incidents.NEAR_INTERVALS
    relapse_seconds: float = incidents.RELAPSE_SPAN.total_seconds()
    relapse_intervals: int = incidents.RELAPSE_INTERVALS
    max_returns: int = incidents.MAX_RETURNS
    first_evidence: int = drafts.FIRST_EVIDENCE
    max_updates: int = drafts.MAX_UPDATES
    severities: tuple[Severity, ...] = tuple(Severity)
    causes: tuple[Cause, ...] = tuple(Cause)


@dataclass(frozen=True, slots=True)
class TimelineRules:
    """What makes an event, and what is noise."""

    remembered_days: int = changes.REMEMBERED.days
    many: int = changes.MANY
    wrong_answers: int = changes.WATCHED[changes.Field.ANSWER].new_after
    not_found: int = changes.WATCHED[changes.Field.PRESENCE].new_after
    back_answers: int = changes.WATCHED[changes.Field.ANSWER].back_after
    back_after: int = changes.WATCHED[changes.Field.SERVED_MODEL].back_after


DEFAULT_CHANNEL: Final = Channel("", ChannelType.WEBHOOK, Secret(""))


@dataclass(frozen=True, slots=True)
class AlertRules:
    """When alerts are told; channels may be set otherwise where they have a setting."""

    group_for_seconds: float = DEFAULT_CHANNEL.group_for_seconds
    cooldown_seconds: float = DEFAULT_CHANNEL.cooldown_seconds
    first_pause_seconds: float = outbox.FIRST_PAUSE_SECONDS
    longest_pause_seconds: float = outbox.LONGEST_PAUSE_SECONDS
    max_attempts: int = outbox.MAX_ATTEMPTS
    flapping_after: int = planning.FLAPPING_AFTER
    flapping_within_seconds: float = planning.FLAPPING_WITHIN.total_seconds()
    flapping_hold_seconds: float = planning.FLAPPING_HOLD.total_seconds()
    forgotten_after_seconds: float = planning.FORGOTTEN_AFTER.total_seconds()


@dataclass(frozen=True, slots=True)
class Measured:
    """What is set otherwise on this very board; names of targets."""

    with_own_thresholds: tuple[str, ...]
    with_own_deadlines: tuple[str, ...]
    with_own_prompt: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What feeds and clients of Statuspage are told."""

    most: int = MAX_TOLD
    statuses: Mapping[State, tuple[ComponentStatus, ...]] = field(default_factory=told_statuses)


@dataclass(frozen=True, slots=True)
class Methodology:
    states: tuple[State, ...]
    category_limits: Mapping[Category, float | None]  # upper limit of response time, seconds
    outcomes: Mapping[Fault, tuple[Outcome, ...]]
    rules: Rules
    announced_seconds: float  # how long before its start every page speaks of a window
    incidents: IncidentRules
    usual: UsualRules
    slo: SloRules
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
    elsewhere: Elsewhere
    here: Measured
    alerts: AlertRules = field(default_factory=AlertRules)


def methodology(snapshot: Snapshot) -> Methodology:
    return Methodology(
        states=tuple(State),
        category_limits=category_limits(Thresholds()),
        outcomes={fault: outcomes_of(fault) for fault in Fault},
        rules=Rules(),
        announced_seconds=NOTICE.total_seconds(),
        incidents=IncidentRules(),
        usual=UsualRules(),
        slo=SloRules(),
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
        elsewhere=Elsewhere(),
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
