"""What stands around every page: navigation, language and theme switches, banners. One dataclass for base.html."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from flask import Flask, current_app, request, url_for

from probes.domain.plan import Problem, RefreshRequest
from probes.store.base import StoreError
from probes.web.context import current_snapshot, dependencies
from probes.web.i18n import Lazy, lazy
from probes.web.preferences import LANGUAGES, THEMES, language, theme
from probes.web.refresh import cooldown_of, is_permitted
from probes.web.snapshot import Snapshot
from probes.web.words import event_text, reason_text, word

MAX_PROBLEMS_SHOWN: Final = 5
MAX_ID_LENGTH: Final = 100
FOR_ONE_ANSWER: Final = ("fragment", "id", "refresh", "done", "lang", "theme")  # parameters not worth keeping
THEME_WORDS: Final[dict[str, Lazy]] = {"auto": lazy("Auto"), "light": lazy("Light"), "dark": lazy("Dark")}
NAVIGATION: Final[tuple[tuple[str, Lazy], ...]] = (
    ("pages.board", lazy("Board")),
    ("pages.kanban", lazy("Kanban")),
    ("incidents.list", lazy("Incidents")),
    ("maintenance.page", lazy("Maintenance")),
    ("tables.stats", lazy("Statistics")),
    ("tables.results", lazy("Records")),
    ("pages.methodology", lazy("Methodology")),
    ("health.page", lazy("Health")),
    ("api.docs", lazy("API")),
)


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str
    is_current: bool
    value: str = ""


@dataclass(frozen=True, slots=True)
class Banners:
    """What is wrong with the whole board, worst first; all False or empty on a good day."""

    store_error: str | None
    as_of: datetime | None
    has_no_agent: bool
    last_beat_at: datetime | None
    problems: tuple[Problem, ...]
    more_problems: int
    is_demo: bool


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Whole seconds: how long one lasts after each Refresh, and what is left of the present one."""

    seconds: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Shell:
    navigation: tuple[Link, ...]
    languages: tuple[Link, ...]
    themes: tuple[Link, ...]
    banners: Banners
    version: str
    now: datetime  # of the reading that this page was made from


def install_shell(app: Flask) -> None:
    """Gives every template lang, theme, site_title, shell, and the functions that macros need, which see no context."""
    app.jinja_env.globals.update(
        word=word,
        reason_text=reason_text,
        event_text=event_text,
        refresh_report=refresh_report,
        here=here,
        may_refresh=is_permitted,
        refresh_cooldown=refresh_cooldown,
    )
    app.context_processor(_context)


def _context() -> dict[str, object]:
    return {
        "lang": language(),
        "theme": theme(),
        "site_title": dependencies().settings.title,
        "shell": Shell(
            navigation=_navigation(),
            languages=_choices("lang", LANGUAGES, language()),
            themes=_choices("theme", {name: str(THEME_WORDS[name]) for name in THEMES}, theme()),
            banners=banners(current_snapshot()),
            version=dependencies().version,
            now=current_snapshot().now,
        ),
    }


def refresh_report() -> RefreshRequest | None:
    """The refresh that the address names; None without one, for an unknown one and while the store is away."""
    wanted = request.args.get("refresh", "")
    if not 0 < len(wanted) <= MAX_ID_LENGTH:
        return None
    try:
        return dependencies().store.refresh(wanted)
    except StoreError:
        return None


def refresh_cooldown() -> Cooldown:
    snapshot = current_snapshot()
    length = cooldown_of(snapshot.plan.refresh_cooldown_seconds if snapshot.plan else None)
    ends_at = snapshot.refresh.requested_at + length if snapshot.refresh is not None else snapshot.now
    left = (ends_at - dependencies().clock.now()).total_seconds()
    return Cooldown(math.ceil(length.total_seconds()), max(0, math.ceil(left)))


def banners(snapshot: Snapshot) -> Banners:
    plan = snapshot.plan
    problems = plan.problems if plan is not None else ()
    return Banners(
        store_error=snapshot.store_error,
        as_of=snapshot.as_of,
        has_no_agent=snapshot.store_error is None and not snapshot.alive_agents,
        last_beat_at=max((agent.beat_at for agent in snapshot.agents), default=None),
        problems=problems[:MAX_PROBLEMS_SHOWN],
        more_problems=max(0, len(problems) - MAX_PROBLEMS_SHOWN),
        is_demo=plan is not None and plan.is_demo,
    )


def _navigation() -> tuple[Link, ...]:
    known = current_app.view_functions
    return tuple(
        Link(str(label), url_for(endpoint), request.endpoint == endpoint)
        for endpoint, label in NAVIGATION
        if endpoint in known
    )


def here() -> str:
    """This page's path and query, to come back to."""
    kept = {
        name: values
        for name, values in request.args.to_dict(flat=False).items()
        if name not in FOR_ONE_ANSWER
    }
    return _address(kept)


def _choices(parameter: str, names: Mapping[str, str], chosen: str) -> tuple[Link, ...]:
    """Links to this very page with one preference changed, all filters kept."""
    others = request.args.to_dict(flat=False)
    links = []
    for value, label in names.items():
        query = {**others, parameter: [value]}
        links.append(Link(label, _address(query), value == chosen, value))
    return tuple(links)


def _address(query: Mapping[str, list[str]]) -> str:
    """This page's path with another query; a model's name may hold any character, so the path is quoted anew."""
    path = quote(request.path, safe="/:@!$&'()*+,;=~")
    return f"{path}?{urlencode(query, doseq=True)}" if query else path
