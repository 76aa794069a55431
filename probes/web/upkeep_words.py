"""What announced maintenance and the operator's pauses are called, wherever a reason stands."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from probes.domain.upkeep import Repeat
from probes.verdicts.rules import ReasonKey
from probes.web.i18n import Lazy, _, lazy

Figures = Mapping[str, str | int | float]

REPEATS: Final[Mapping[Repeat, Lazy]] = {
    Repeat.NEVER: lazy("once"),
    Repeat.DAILY: lazy("every day"),
    Repeat.WEEKLY: lazy("every week"),
    Repeat.MONTHLY: lazy("every month"),
}


def minute(text: str) -> str:
    """2026-12-01T03:00:00+00:00 -> "2026-12-01 03:00 UTC"; what cannot be read stands as it came."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return text


def _maintenance(figures: Figures) -> str:
    return _("%(title)s, until %(until)s", title=figures["title"], until=minute(str(figures["until"])))


def _pause(figures: Figures) -> str:
    """All of it in the operator's words where there are some."""
    note, until = str(figures["note"]), str(figures["until"])
    told = note or _("switched off by the operator")
    return _("%(title)s, until %(until)s", title=told, until=minute(until)) if until else told


WITHHELD: Final[Mapping[str, Callable[[Figures], str]]] = {
    ReasonKey.PAUSED_BY_OPERATOR: _pause,
    ReasonKey.MAINTENANCE: _maintenance,
    ReasonKey.RESUMED: lambda _figures: _("maintenance or a pause is over, the next probe will tell"),
}
