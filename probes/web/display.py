"""Numbers and times as a reader sees them: Jinja filters. None is always printed as an en dash, never as zero."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from flask import Flask

from probes.web.i18n import _, unbroken

NOTHING: Final = "–"


def seconds(value: float | None) -> str:
    """0.0412 -> "41 ms", 0.843 -> "0.84 s", 12.34 -> "12.3 s", 184 -> "3 min 4 s"."""
    if value is None:
        return NOTHING
    if value < 0.0995:
        return unbroken(f"{value * 1000:.0f} ms" if value >= 0.00995 else f"{value * 1000:.1f} ms")
    if value < 9.995:
        return unbroken(f"{value:.2f} s")
    if value < 99.95:
        return unbroken(f"{value:.1f} s")
    return duration(value)


def percent(value: float | None) -> str:
    """0.99954 -> "99.95 %"; never rounded up to 100 while something failed, nor down to 0 while something worked."""
    if value is None:
        return NOTHING
    if value >= 1:
        return unbroken("100 %")
    if value <= 0:
        return unbroken("0 %")
    return unbroken(f"{min(max(value * 100, 0.01), 99.99):.2f} %")


def tokens_per_second(value: float | None) -> str:
    """7.25 -> "7.3", 53.2 -> "53"; the unit stands in the heading."""
    if value is None:
        return NOTHING
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def count(value: int | None) -> str:
    """1234567 -> "1 234 567", with narrow no-break spaces."""
    return NOTHING if value is None else f"{value:,}".replace(",", "\u202f")


def money(value: float | None) -> str:
    """0.000164 -> "0.000164", 12.5 -> "12.50": no currency sign, for it is the operator's."""
    if value is None:
        return NOTHING
    return f"{value:.2f}" if value >= 0.1 or value == 0 else f"{value:.3g}"


def duration(value: float | None) -> str:
    """A span in two units at most: 8.5 -> "8.5 s", 184 -> "3 min 4 s", 7260 -> "2 h 1 min", 190000 -> "2 d 4 h"."""
    if value is None:
        return NOTHING
    whole = round(value)
    if whole < 60:
        return _("%(n)s s", n=f"{value:.3g}")
    if whole < 3600:
        return _two(_("%(n)s min", n=whole // 60), _("%(n)s s", n=whole % 60), whole % 60)
    if whole < 86400:
        return _two(_("%(n)s h", n=whole // 3600), _("%(n)s min", n=whole % 3600 // 60), whole % 3600 // 60)
    return _two(_("%(n)s d", n=whole // 86400), _("%(n)s h", n=whole % 86400 // 3600), whole % 86400 // 3600)


def iso(at: datetime | None) -> str:
    """2026-11-21T12:00:05Z; empty for None, for attributes."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(at: datetime | None, style: str = "full") -> str:
    """The moment in UTC: "2026-11-21 12:00:05 UTC", style "date" -> "2026-11-21", "clock" -> "12:00:05 UTC"."""
    if at is None:
        return NOTHING
    moment = at.astimezone(UTC)
    match style:
        case "date":
            return moment.strftime("%Y-%m-%d")
        case "clock":
            return moment.strftime("%H:%M:%S UTC")
        case _:
            return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _two(large: str, small: str, rest: int) -> str:
    return f"{large} {small}" if rest else large


FILTERS: Final[dict[str, Callable[..., str]]] = {
    "seconds": seconds,
    "percent": percent,
    "tokens_per_second": tokens_per_second,
    "count": count,
    "money": money,
    "duration": duration,
    "iso": iso,
    "utc": utc,
}


def install_filters(app: Flask) -> None:
    app.jinja_env.filters.update(FILTERS)
