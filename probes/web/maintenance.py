"""Announced maintenance and pauses: the page, the calendar, and the forms by which the operator announces."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from probes.domain.state import State
from probes.domain.target import Readiness
from probes.domain.upkeep import Maintenance, Repeat
from probes.settings.timezones import zone_names
from probes.store.base import StoreError
from probes.verdicts.maintenance import finished, upcoming, upkeep_at
from probes.web.announcing import apply, ended, withdrawn
from probes.web.context import current_snapshot, dependencies
from probes.web.errors import not_found
from probes.web.i18n import Lazy, lazy
from probes.web.ical import MEDIA, Calendar, calendar_text
from probes.web.maintenance_form import Draft, PauseDraft, drafted, drafted_pause
from probes.web.operator import is_operator, require_operator
from probes.web.queries.maintenance import (
    AHEAD,
    BACK,
    MaintenanceView,
    MaintenanceWindow,
    maintenance_view,
    notices,
    windows_of,
)
from probes.web.snapshot import Snapshot
from probes.web.upkeep_words import REPEATS
from probes.web.words import word

blueprint = Blueprint("maintenance", __name__)

CALENDAR_WINDOWS: Final = 500
DONE: Final[dict[str, Lazy]] = {
    "announced": lazy("Announced: every page and the calendar tell it now."),
    "ended": lazy("Ended. The models are probed again and judged by that."),
    "withdrawn": lazy("Withdrawn: nothing of it is to come."),
    "paused": lazy("Paused: the model is no longer probed."),
    "resumed": lazy("Resumed: the model is probed again within seconds."),
}
NO_WINDOW: Final = lazy("The operator has announced no such maintenance.")
NO_PAUSE: Final = lazy("No such model is paused by the operator.")


@dataclass(frozen=True, slots=True)
class MaintenancePage:
    view: MaintenanceView
    providers: tuple[str, ...]
    pausable: tuple[tuple[str, str], ...]  # id and name of what is probed
    zones: tuple[str, ...]  # for the operator alone
    now: datetime
    draft: Draft = field(default_factory=Draft)
    pause: PauseDraft = field(default_factory=PauseDraft)
    done: Lazy | None = None


@blueprint.get("/maintenance", endpoint="page")
def page() -> Response:
    return _private(_rendered(done=DONE.get(request.args.get("done", ""))))


@blueprint.post("/maintenance", endpoint="announce")
def announce() -> AnyResponse:
    require_operator()
    draft = drafted(request.form, reading())
    if draft.rule is None:
        return _private(_rendered(draft=draft), 400)
    dependencies().store.put_maintenance(draft.rule)
    return _back("announced")


@blueprint.post("/maintenance/<maintenance_id>/end", endpoint="end")
def end(maintenance_id: str) -> AnyResponse:
    """The window that runs now; one that is over meanwhile is as the operator wants it."""
    require_operator()
    rule, now = own_rule(maintenance_id), dependencies().clock.now()
    change = ended(rule, now)
    if change is not None:
        apply(dependencies().store, rule, change)
    return _back("ended")


@blueprint.post("/maintenance/<maintenance_id>/withdraw", endpoint="withdraw")
def withdraw(maintenance_id: str) -> AnyResponse:
    require_operator()
    rule = own_rule(maintenance_id)
    apply(dependencies().store, rule, withdrawn(rule, dependencies().clock.now()))
    return _back("withdrawn")


@blueprint.post("/pauses", endpoint="pause")
def pause() -> AnyResponse:
    require_operator()
    draft = drafted_pause(request.form, reading())
    if draft.pause is None:
        return _private(_rendered(pause=draft), 400)
    dependencies().store.put_pause(draft.pause)
    return _back("paused")


@blueprint.post("/pauses/end", endpoint="resume")
def resume() -> AnyResponse:
    require_operator()
    target = request.form.get("target", "")
    if not dependencies().store.delete_pause(target):
        raise not_found(NO_PAUSE, target, [pause.target for pause in reading().pauses])
    return _back("resumed")


@blueprint.get("/maintenance.ics", endpoint="calendar")
def calendar() -> Response:
    """Everybody's: what has been, what goes on and what is announced, 30 days each way."""
    snapshot = reading()
    rules, now = snapshot.maintenance, snapshot.now
    found = [*reversed(finished(rules, now, BACK)), *upcoming(rules, now, AHEAD)]
    loaded_at = snapshot.plan.loaded_at if snapshot.plan is not None else now
    title = f"{dependencies().settings.title} – maintenance"
    told = Calendar(title, url_for(".page", _external=True), loaded_at.astimezone(UTC))
    response = Response(calendar_text(told, found[:CALENDAR_WINDOWS]), content_type=f"{MEDIA}; charset=utf-8")
    response.headers["Content-Disposition"] = 'inline; filename="maintenance.ics"'
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def reading() -> Snapshot:
    """The snapshot with rules and pauses as they are this moment, so that an operator sees what he has just done."""
    snapshot, store = current_snapshot(), dependencies().store
    now = dependencies().clock.now()
    try:
        own, pauses = store.maintenance(), store.pauses()
    except StoreError:
        return snapshot
    rules = (*(snapshot.plan.maintenance if snapshot.plan is not None else ()), *own)
    upkeep = upkeep_at(rules, pauses, now)
    return replace(snapshot, now=now, maintenance=rules, pauses=pauses, upkeep=upkeep)


def own_rule(maintenance_id: str) -> Maintenance:
    """One that the operator announced; those of the file are ended in the file."""
    found = next((rule for rule in dependencies().store.maintenance() if rule.id == maintenance_id), None)
    if found is None:
        raise not_found(NO_WINDOW, "", ())
    return found


def _rendered(
    *, draft: Draft | None = None, pause: PauseDraft | None = None, done: Lazy | None = None
) -> str:
    snapshot = reading()
    probed = [target for target in snapshot.targets if target.readiness is Readiness.READY]
    page = MaintenancePage(
        view=maintenance_view(snapshot),
        providers=tuple(dict.fromkeys(target.provider for target in snapshot.targets)),
        pausable=tuple((t.id, t.name) for t in probed if snapshot.upkeep.pause(t.id) is None),
        zones=zone_names() if is_operator() else (),
        now=snapshot.now,
        draft=draft or Draft(),
        pause=pause or PauseDraft(),
        done=done,
    )
    return render_template("maintenance.html", page=page, repeats=REPEATS)


def _back(done: str) -> AnyResponse:
    return redirect(url_for(".page", done=done), 303)


def _private(body: str, status: int = 200) -> Response:
    """What the operator sees is for nobody's cache."""
    response = Response(body, status=status, mimetype="text/html")
    if is_operator():
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.app_template_global()
def maintenance_notices() -> tuple[MaintenanceWindow, ...]:
    """For the banners of every page."""
    return notices(current_snapshot())


@blueprint.app_template_global()
def maintenance_of(target: str) -> tuple[MaintenanceWindow, ...]:
    """For a model's page."""
    return windows_of(current_snapshot(), target)


@blueprint.app_template_global()
def maintenance_label() -> str:
    """The state's own word."""
    return str(word(State.MAINTENANCE).label)


@blueprint.app_template_filter()
def wall_times(rule: Maintenance) -> str:
    """2026-12-01 02:00 Europe/Berlin"""
    return f"{rule.first_start:%Y-%m-%d %H:%M} {rule.timezone}"


@blueprint.app_template_filter()
def repeat_word(repeat: Repeat) -> str:
    return str(REPEATS[repeat])
