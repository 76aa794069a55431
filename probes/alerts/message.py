"""What an alert says: a title and plain lines, in words, with a link; and the facts behind it for machines.

Names come from a configuration file and texts from verdicts, yet both are treated as foreign: one line each, bounded,
printable, without secrets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid5

from probes.alerts.planning import FLAPPING_AFTER, FLAPPING_HOLD, FLAPPING_WITHIN, Kind
from probes.alerts.settling import Item
from probes.alerts.words import CAUSES, SEVERITIES, Words
from probes.domain.delivery import Delivery
from probes.domain.incident import Affected, Ending, Incident, Severity
from probes.domain.result import ID_NAMESPACE
from probes.settings.alerts import Language

MAX_LISTED: Final = 20  # models of one incident, and incidents of one message
MAX_NAME_LENGTH: Final = 120
MAX_TITLE_LENGTH: Final = 160

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Message:
    """`id` stays the same over retries of the same things, so that a receiver can tell a repeat."""

    id: str
    channel: str
    at: datetime
    title: str
    body: str
    kind: Kind | None  # the most urgent of the items'; None: a test
    severity: Severity | None  # the worst of what is open; None: nothing is
    items: tuple[Item, ...] = ()
    public_url: str | None = None

    def link(self, incident: Incident) -> str | None:
        return incident_link(self.public_url, incident)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes messages in one language."""

    language: Language
    redact: Redact
    public_url: str | None = None

    def write(
        self, channel: str, items: Sequence[Item], deliveries: Sequence[Delivery], now: datetime
    ) -> Message:
        words = Words(self.language)
        shown = sorted({(item.kind, item.incident.id): item for item in items}.values(), key=_urgency)
        bodies = [self._item(words, item, now) for item in shown[:MAX_LISTED]]
        if len(shown) > MAX_LISTED:
            bodies.append(words.phrase("more", n=len(shown) - MAX_LISTED))
        is_open = [item.incident.severity for item in shown if item.incident.is_open]
        return Message(
            id=str(uuid5(ID_NAMESPACE, "\n".join(["message", *sorted(one.id for one in deliveries)]))),
            channel=channel,
            at=now,
            title=self._clean(_title(words, shown), MAX_TITLE_LENGTH),
            body="\n\n".join(bodies),
            kind=shown[0].kind,
            severity=max(is_open, key=lambda one: one.rank, default=None),
            items=tuple(shown),
            public_url=self.public_url,
        )

    def write_test(self, channel: str, message_id: str, now: datetime) -> Message:
        words = Words(self.language)
        title = self._clean(words.phrase("test", name=channel), MAX_TITLE_LENGTH)
        link = f"\n{self.public_url}" if self.public_url else ""
        body = words.phrase("test_body") + link
        return Message(message_id, channel, now, title, body, None, None, public_url=self.public_url)

    def _item(self, words: Words, item: Item, now: datetime) -> str:
        incident = item.incident
        lines = [self._clean(_headline(words, item), MAX_TITLE_LENGTH)]
        if item.kind is Kind.FLAPPING:
            lines.append(_flapping_text(words))
        elif incident.is_open:
            lasted = words.duration((now - incident.started_at).total_seconds())
            lines.append(words.phrase("since", at=_at(incident.started_at), duration=lasted))
            lines.append(words.phrase("cause", cause=words.pick(CAUSES[incident.cause])))
        elif incident.time_to_recover_seconds is None or incident.ended_at is None:
            lines.append(words.phrase("until", start=_at(incident.started_at)))
        else:
            lines.append(words.phrase("span", start=_at(incident.started_at), end=_at(incident.ended_at)))
        lines += self._parts(words, item)
        link = incident_link(self.public_url, incident)
        return "\n".join([*lines, link] if link else lines)

    def _parts(self, words: Words, item: Item) -> list[str]:
        """A line a model: those still affected, or all once it is over."""
        parts = [part for part in item.incident.affected if part.is_open] or list(item.incident.affected)
        lines = [self._part(words, part) for part in parts[:MAX_LISTED]]
        if len(parts) > MAX_LISTED:
            lines.append("- " + words.phrase("more", n=len(parts) - MAX_LISTED))
        return lines

    def _part(self, words: Words, part: Affected) -> str:
        name = self._clean(part.target, MAX_NAME_LENGTH)
        if not part.is_open:
            return f"- {name}"
        what = self._clean(words.reason(part.reason), MAX_NAME_LENGTH)
        return f"- {name}: {words.pick(SEVERITIES[part.severity])}, {what}"

    def _clean(self, text: str, length: int) -> str:
        return self.redact(one_line(text, length))


def one_line(text: str, length: int) -> str:
    """Printable, without line breaks or marks that turn the reading direction; cut at `length`."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= length else line[: length - 1] + "…"


def incident_link(public_url: str | None, incident: Incident) -> str | None:
    """Its page; our own faults have none in public, their cures stand on the health page."""
    if public_url is None:
        return None
    return f"{public_url}/incidents/{incident.id}" if incident.is_public else f"{public_url}/health"


def _urgency(item: Item) -> tuple[int, int, datetime]:
    order = (Kind.PROBLEM, Kind.REMINDER, Kind.FLAPPING, Kind.RECOVERY)
    return order.index(item.kind), -item.incident.severity.rank, item.incident.started_at


def _title(words: Words, items: Sequence[Item]) -> str:
    """ "Down: gpt-4o (openai)"; of several, the most urgent one and how many more."""
    first = _headline(words, items[0])
    more = len({item.incident.id for item in items}) - 1
    return f"{first} {words.phrase('more', n=more)}" if more else first


def _headline(words: Words, item: Item) -> str:
    what = f"{_state(words, item)}: {_subject(words, item.incident)}"
    return words.phrase("still", what=what) if item.kind is Kind.REMINDER else what


def _state(words: Words, item: Item) -> str:
    incident = item.incident
    if item.kind is Kind.FLAPPING:
        return words.phrase("flapping")
    if incident.is_open:
        return words.pick(SEVERITIES[incident.severity])
    seconds = incident.time_to_recover_seconds
    if seconds is None or any(part.ending is Ending.UNWATCHED for part in incident.affected):
        return words.phrase("ended")
    return words.phrase("after", what=words.phrase("recovered"), duration=words.duration(seconds))


def _subject(words: Words, incident: Incident) -> str:
    targets = (incident.open_targets if incident.is_open else ()) or incident.targets
    if len(targets) != 1:
        return f"{incident.provider}, {words.phrase('models', n=len(targets))}"
    model = one_line(targets[0].split("/", 2)[-1], MAX_NAME_LENGTH // 2)
    return f"{model} ({incident.provider})"


def _flapping_text(words: Words) -> str:
    return words.phrase(
        "flapping_body",
        n=FLAPPING_AFTER + 1,
        window=words.duration(FLAPPING_WITHIN.total_seconds()),
        hold=words.duration(FLAPPING_HOLD.total_seconds()),
    )


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
