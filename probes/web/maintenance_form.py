"""The operator's forms as they were typed -> a rule or a pause, or what is wrong beside each field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from probes.domain.upkeep import Announcer, Maintenance, Pause, Repeat
from probes.settings.faults import did_you_mean
from probes.settings.maintenance import (
    LONGEST_SECONDS,
    MAX_NOTE_LENGTH,
    MAX_SCOPE,
    MAX_TITLE_LENGTH,
    SHORTEST_SECONDS,
    MaintenanceOptions,
    Unknown,
    unknown_names,
)
from probes.settings.timezones import calendar_day, wall_clock, zone_names
from probes.settings.values import duration_text
from probes.verdicts.maintenance import next_occurrence
from probes.web.i18n import Lazy, lazy
from probes.web.snapshot import Snapshot
from probes.web.text import plain_lines

TEXT_FIELDS: Final = ("title", "starts", "duration", "timezone", "repeat", "until", "targets", "note")
MAX_FIELD_LENGTH: Final = 8000
EMPTY: Final = MultiDict[str, str]()

_PROBLEMS: Final[Mapping[str, Lazy]] = {
    "title": lazy("Say in a few words what is done, in at most %(n)s characters.", n=MAX_TITLE_LENGTH),
    "starts": lazy("Give a day and a time, such as 2026-12-01 02:00."),
    "duration": lazy(
        "Give a duration from %(low)s to %(high)s, such as 2h or 1h30m.",
        low=duration_text(SHORTEST_SECONDS),
        high=duration_text(LONGEST_SECONDS[Repeat.NEVER]),
    ),
    "timezone": lazy("Give a time zone such as Europe/Berlin, or UTC."),
    "repeat": lazy("Choose one of the list."),
    "until": lazy("Give a day such as 2026-12-31, or nothing."),
    "providers": lazy("Choose from the list."),
    "targets": lazy("Give at most %(n)s ids, names or patterns, with commas between them.", n=MAX_SCOPE),
    "note": lazy("Write at most %(n)s characters.", n=MAX_NOTE_LENGTH),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed, and what came of it: a rule, or problems by field."""

    values: Mapping[str, str] = field(default_factory=dict)
    providers: tuple[str, ...] = ()
    problems: Mapping[str, Lazy] = field(default_factory=dict)
    rule: Maintenance | None = None

    def problem(self, name: str) -> str:
        """Empty where there is none."""
        return str(self.problems.get(name, ""))


@dataclass(frozen=True, slots=True)
class PauseDraft:
    values: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, Lazy] = field(default_factory=dict)
    pause: Pause | None = None

    def problem(self, name: str) -> str:
        return str(self.problems.get(name, ""))


def drafted(form: MultiDict[str, str], snapshot: Snapshot) -> Draft:
    values = {name: form.get(name, "")[:MAX_FIELD_LENGTH].strip() for name in TEXT_FIELDS}
    providers = tuple(dict.fromkeys(form.getlist("providers")))[:MAX_SCOPE]
    given = {name: value for name, value in values.items() if value and name != "targets"}
    given["note"] = plain_lines(values["note"])
    targets = [part.strip() for part in values["targets"].split(",") if part.strip()]
    draft = Draft(values, providers)
    try:
        options = MaintenanceOptions.model_validate(
            {**given, "providers": list(providers), "targets": targets}
        )
    except ValidationError as error:
        fields = [str(one["loc"][0]) for one in error.errors(include_url=False) if one["loc"]]
        return replace(draft, problems=_problems(fields, values))
    rule = announced(options, snapshot.now)
    problems = scope_problems(rule, snapshot) | past_problem(rule, snapshot.now)
    return replace(draft, problems=problems) if problems else replace(draft, rule=rule)


def announced(options: MaintenanceOptions, now: datetime) -> Maintenance:
    """As the operator's, with an id of its own."""
    return replace(options.rule(str(uuid4())), announcer=Announcer.OPERATOR, announced_at=now)


def past_problem(rule: Maintenance, now: datetime) -> dict[str, Lazy]:
    if next_occurrence(rule, now) is not None:
        return {}
    return {"starts": lazy("All of it lies in the past.")}


def scope_problems(rule: Maintenance, snapshot: Snapshot) -> dict[str, Lazy]:
    """Names that no configured target answers to."""
    providers = list(dict.fromkeys(target.provider for target in snapshot.targets))
    found = unknown_names(rule, [target.id for target in snapshot.targets], providers)
    return {where.value: _unknown(where, name, near) for where, _index, name, near in found}


def drafted_pause(form: MultiDict[str, str], snapshot: Snapshot) -> PauseDraft:
    """`until` is UTC, as the page says."""
    values = {name: form.get(name, "")[:MAX_FIELD_LENGTH].strip() for name in ("target", "pause_until")}
    values["pause_note"] = plain_lines(form.get("pause_note", "")[:MAX_FIELD_LENGTH])
    problems: dict[str, Lazy] = {}
    if snapshot.target(values["target"]) is None:
        problems["target"] = lazy("Choose a model of the list.")
    until = _utc(values["pause_until"])
    if values["pause_until"] and (until is None or until <= snapshot.now):
        problems["pause_until"] = lazy("Give a time to come, such as 2026-12-01 02:00, or nothing.")
    if len(values["pause_note"]) > MAX_NOTE_LENGTH:
        problems["pause_note"] = _PROBLEMS["note"]
    if problems:
        return PauseDraft(values, problems)
    return PauseDraft(values, {}, Pause(values["target"], snapshot.now, until, values["pause_note"]))


def _problems(fields: Sequence[str], values: Mapping[str, str]) -> Mapping[str, Lazy]:
    """Beside each wrong field; where no single one is wrong, what does not fit together."""
    if not fields:
        return _misfit(values)
    found = {name: _PROBLEMS[name] for name in fields if name in _PROBLEMS}
    if "timezone" in found and (near := did_you_mean(values["timezone"], zone_names())) is not None:
        found["timezone"] = lazy("There is no such time zone. Did you mean %(name)s?", name=near)
    return found


def _misfit(values: Mapping[str, str]) -> Mapping[str, Lazy]:
    until, starts = calendar_day(values["until"]), wall_clock(values["starts"])
    repeat = Repeat(values["repeat"] or Repeat.NEVER)
    if until is not None and repeat is Repeat.NEVER:
        return {"until": lazy("Only what is repeated has a last day.")}
    if until is not None and starts is not None and until < starts.date():
        return {"until": lazy("This lies before the first start.")}
    longest = duration_text(LONGEST_SECONDS[repeat])
    return {"duration": lazy("At most %(longest)s, for the next one begins then.", longest=longest)}


def _unknown(where: Unknown, name: str, near: str | None) -> Lazy:
    if near is not None:
        return lazy("%(given)s is not configured. Did you mean %(name)s?", given=name[:80], name=near)
    if where is Unknown.PROVIDERS:
        return lazy("There is no provider %(given)s.", given=name[:80])
    return lazy("No configured model is called %(given)s.", given=name[:80])


def _utc(text: str) -> datetime | None:
    at = wall_clock(text)
    return None if at is None else at.replace(tzinfo=UTC)
