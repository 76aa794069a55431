"""Times as a reader sees them: an age, a span, a countdown, or the clock in UTC. shell.js goes on where this ends.

Pieces of a page are cached and outlive the ages in them, so a page is made with marks in place of ages; the marks are
filled in just before the answer leaves.
"""

import re
from datetime import UTC, datetime
from typing import Final

from flask import Flask, Response
from markupsafe import escape

from probes.web.context import dependencies
from probes.web.display import NOTHING, utc
from probes.web.i18n import _

STYLES: Final = {"age": "a", "span": "s", "due": "d"}  # those that change as time goes by
JUST_NOW_SECONDS: Final = 5
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400
MANY_HOURS: Final = 2 * DAY  # up to here hours say more than days

_OPEN, _CLOSE = "\ue000", "\ue001"  # private use: no font, no language and no model has a meaning for them
_MARK: Final = re.compile(f"{_OPEN}([asd])(-?\\d{{1,12}}){_CLOSE}".encode())


def moment_text(at: datetime | None, style: str = "age") -> str:
    """What a template prints: a mark for what depends on now, else the moment in UTC."""
    if at is None:
        return NOTHING
    if style in STYLES:
        return f"{_OPEN}{STYLES[style]}{int(at.timestamp())}{_CLOSE}"
    return utc(at, style)


def age(seconds: float) -> str:
    """130 -> "2 min ago"; what lies ahead is "just now", for clocks differ a little."""
    if seconds < JUST_NOW_SECONDS:
        return _("just now")
    if seconds < MINUTE:
        return _("%(n)s s ago", n=int(seconds))
    if seconds < HOUR:
        return _("%(n)s min ago", n=int(seconds // MINUTE))
    if seconds < MANY_HOURS:
        return _("%(n)s h ago", n=int(seconds // HOUR))
    return _("%(n)s days ago", n=int(seconds // DAY))


def span(seconds: float) -> str:
    """7800 -> "2 h"."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return _("%(n)s s", n=whole)
    if whole < HOUR:
        return _("%(n)s min", n=whole // MINUTE)
    if whole < MANY_HOURS:
        return _("%(n)s h", n=whole // HOUR)
    return _("%(n)s d", n=whole // DAY)


def texts_for_script() -> dict[str, str]:
    """The same words for shell.js, with {n} and {span} where figures go; units are separated by bars."""
    gap = "{n}"
    ages = (
        _("%(n)s s ago", n=gap),
        _("%(n)s min ago", n=gap),
        _("%(n)s h ago", n=gap),
        _("%(n)s days ago", n=gap),
    )
    spans = (_("%(n)s s", n=gap), _("%(n)s min", n=gap), _("%(n)s h", n=gap), _("%(n)s d", n=gap))
    return {
        "just-now": _("just now"),
        "ages": "|".join(ages),
        "spans": "|".join(spans),
        "lasting": _("for %(span)s", span="{span}"),
        "ahead": _("in %(span)s", span="{span}"),
    }


def install_moments(app: Flask) -> None:
    """Must come after everything that compresses or signs an answer, for Flask runs the last installed first."""
    app.jinja_env.filters["moment_text"] = moment_text
    app.jinja_env.globals["texts_for_script"] = texts_for_script
    app.after_request(_fill)


def _fill(response: Response) -> Response:
    if response.mimetype == "text/html" and not response.is_streamed and not response.direct_passthrough:
        body = response.get_data()
        now = dependencies().clock.now().astimezone(UTC).timestamp()
        filled = _MARK.sub(lambda mark: _filled(mark[1], int(mark[2]), now), body)
        if filled != body:
            response.set_data(filled)
    return response


def _filled(style: bytes, at: int, now: float) -> bytes:
    match style:
        case b"a":
            text = age(now - at)
        case b"s":
            text = _("for %(span)s", span=span(now - at))
        case _:
            text = _("in %(span)s", span=span(at - now))
    return str(escape(text)).encode()
