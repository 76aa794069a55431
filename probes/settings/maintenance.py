"""`maintenance:` of the file: windows that the operator announces, and what they name that is not there.

The web's API takes the same shape, so that a window reads alike in the file and in a request.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self
from uuid import uuid5
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from probes.domain.result import ID_NAMESPACE
from probes.domain.target import Target
from probes.domain.upkeep import Maintenance, Repeat, is_match
from probes.settings.document import Node, find, key_mark
from probes.settings.faults import Faults, Path, did_you_mean, shown
from probes.settings.options import Section
from probes.settings.timezones import calendar_day, is_skipped, wall_clock, zone_names
from probes.settings.values import Duration, Given, Name, Text, duration_text, refused

SHORTEST_SECONDS: Final = 60.0
LONGEST_SECONDS: Final[dict[Repeat, float]] = {  # a window must end before the next one of its rule begins
    Repeat.NEVER: 90 * 86400.0,
    Repeat.DAILY: 86400.0,
    Repeat.WEEKLY: 7 * 86400.0,
    Repeat.MONTHLY: 28 * 86400.0,
}
MAX_TITLE_LENGTH: Final = 120
MAX_NOTE_LENGTH: Final = 1000
MAX_SCOPE: Final = 100  # providers, and targets


def _starts(value: str) -> str:
    if wall_clock(value) is None:
        raise refused(
            "is not a time of a local clock", 'Write "2026-12-01 02:00"; its zone stands in timezone:'
        )
    return value


def _day(value: str) -> str:
    if calendar_day(value) is None:
        raise refused("is not a day", 'Write "2026-12-31"')
    return value


def _zone(value: str) -> str:
    if value not in zone_names():
        near = did_you_mean(value, zone_names())
        raise refused("is not a time zone", f"Did you mean {near}?" if near else "Write UTC or Europe/Berlin")
    return value


def _note(value: str) -> str:
    if any(not (character.isprintable() or character == "\n") for character in value):
        raise refused("holds a control character", "Write plain text")
    return value.strip()


_Starts = Annotated[
    str,
    AfterValidator(_starts),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d{4}-\d\d-\d\d[ T]\d\d:\d\d"}),
]
_Day = Annotated[
    str, AfterValidator(_day), WithJsonSchema({"type": "string", "pattern": r"^\s*\d{4}-\d\d-\d\d\s*$"})
]


class MaintenanceOptions(Section):
    """One announced window, or a row of them."""

    title: Annotated[Text, Field(max_length=MAX_TITLE_LENGTH)] = Field(
        description="What is done, in a few words; everybody reads it."
    )
    starts: _Starts = Field(description="First start by the clock of its time zone, 2026-12-01 02:00.")
    duration: Annotated[float, Duration(SHORTEST_SECONDS, LONGEST_SECONDS[Repeat.NEVER])] = Field(
        description="How long each window lasts."
    )
    timezone: Annotated[str, AfterValidator(_zone), Field(max_length=60)] = Field(
        "UTC", description="IANA name, such as Europe/Berlin."
    )
    repeat: Literal["never", "daily", "weekly", "monthly"] = Field(
        Repeat.NEVER.value,
        description="monthly: on the same day of the month; months without it are left out.",
    )
    until: Annotated[_Day | None, Given()] = Field(
        None, description="Last day on which a repeated window may begin; absent: for ever."
    )
    providers: Annotated[list[Name], Field(max_length=MAX_SCOPE)] = Field(
        default_factory=list, description="Whose targets; with targets absent too: all there are."
    )
    targets: Annotated[list[Text], Field(max_length=MAX_SCOPE)] = Field(
        default_factory=list, description="Ids, names of models, or patterns of either with * and ?."
    )
    note: Annotated[str, AfterValidator(_note), Field(max_length=MAX_NOTE_LENGTH)] = Field(
        "", description="More words for the page; everybody reads them."
    )

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        repeat = Repeat(self.repeat)
        if self.until is not None and repeat is Repeat.NEVER:
            raise refused("has until: but is not repeated", "Give repeat: too, or remove until:")
        if self.last_day is not None and self.last_day < self.first_start.date():
            raise refused("ends before it starts", "Give until: a day that is not before starts:")
        if self.duration > LONGEST_SECONDS[repeat]:
            longest = duration_text(LONGEST_SECONDS[repeat])
            raise refused(f"lasts longer than {longest}", "Shorten duration:, or repeat it less often")
        return self

    @property
    def first_start(self) -> datetime:
        found = wall_clock(self.starts)
        assert found is not None
        return found

    @property
    def last_day(self) -> date | None:
        return None if self.until is None else calendar_day(self.until)

    def rule(self, rule_id: str) -> Maintenance:
        """In the domain's words."""
        return Maintenance(
            id=rule_id,
            title=self.title.strip(),
            first_start=self.first_start,
            duration_seconds=self.duration,
            timezone=self.timezone,
            repeat=Repeat(self.repeat),
            last_day=self.last_day,
            providers=tuple(self.providers),
            targets=tuple(self.targets),
            note=self.note,
        )


class Unknown(StrEnum):
    PROVIDERS = "providers"
    TARGETS = "targets"


def unknown_names(
    rule: Maintenance, target_ids: Sequence[str], providers: Sequence[str]
) -> Iterator[tuple[Unknown, int, str, str | None]]:
    """What the rule names and nothing answers to: where, its index there, the name, and a near one that exists."""
    known = {name.casefold() for name in providers}
    for index, name in enumerate(rule.providers):
        if name.casefold() not in known:
            yield Unknown.PROVIDERS, index, name, did_you_mean(name, providers)
    for index, pattern in enumerate(rule.targets):
        if not any(is_match(pattern, target_id) for target_id in target_ids):
            models = [target_id.split("/", 2)[-1] for target_id in target_ids]
            yield Unknown.TARGETS, index, pattern, did_you_mean(pattern, [*target_ids, *models])


@dataclass(frozen=True, slots=True)
class MaintenanceResolver:
    """The list of the file -> rules, with faults for names that nothing answers to and for windows given twice."""

    options: Sequence[MaintenanceOptions]
    root: Node
    faults: Faults

    def rules(self, targets: Sequence[Target], providers: Sequence[str]) -> tuple[Maintenance, ...]:
        is_whole = (
            not self.faults.problems
        )  # where models are wrong, a name may be unknown for that reason alone
        found: dict[str, int] = {}
        rules = []
        for index, option in enumerate(self.options):
            place: Path = ("maintenance", index)
            if self.faults.is_spoilt_within(place):
                continue
            rule = option.rule(_rule_id(option))
            if rule.id in found:
                self._refuse_twice(place, found[rule.id])
            found.setdefault(rule.id, index)
            self._warn_of_gap(rule, place)
            if is_whole:
                self._check_names(rule, place, [target.id for target in targets], providers)
            rules.append(rule)
        return tuple(rules)

    def _check_names(
        self, rule: Maintenance, place: Path, target_ids: Sequence[str], providers: Sequence[str]
    ) -> None:
        for where, index, name, near in unknown_names(rule, target_ids, providers):
            path: Path = (*place, where.value, index)
            what = (
                "is no provider under apis:" if where is Unknown.PROVIDERS else "matches no model under apis:"
            )
            cure = f"Did you mean {near}?" if near else "Name one that stands under apis:, or remove it"
            self.faults.add(f"{shown(name)} {what}", cure, path, find(self.root, path).mark)

    def _refuse_twice(self, place: Path, first: int) -> None:
        line = find(self.root, ("maintenance", first)).mark.line
        self.faults.add(
            f"this window is given twice, first in line {line}",
            "Remove one",
            place,
            key_mark(self.root, place),
        )

    def _warn_of_gap(self, rule: Maintenance, place: Path) -> None:
        if not is_skipped(rule.first_start, rule.timezone):
            return
        path = (*place, "starts")
        begins = (
            rule.first_start.replace(tzinfo=ZoneInfo(rule.timezone))
            .astimezone(UTC)
            .astimezone(ZoneInfo(rule.timezone))
        )
        self.faults.warn(
            f"clocks in {rule.timezone} skip {rule.first_start:%H:%M} on that day: it begins at {begins:%H:%M}",
            "Give a time that exists",
            path,
            find(self.root, path).mark,
        )


def _rule_id(option: MaintenanceOptions) -> str:
    """The same after its title, note or length was edited, so that calendars update an entry instead of adding one."""
    what = (option.starts, option.timezone, option.repeat, *option.providers, "", *option.targets)
    return str(uuid5(ID_NAMESPACE, "\n".join(("maintenance", *what))))
