"""Refresh: probing now. A POST by form (for pages without script) or by JSON, filed in the store for the agents.

It costs the operator money, so it has a cool-down for everyone, may ask for the admin token, and cannot be started
from a stranger's page.
"""

import hmac
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from flask import Blueprint, Response, redirect, request, url_for
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.wrappers import Response as AnyResponse

from probes.domain.plan import PlanDiff, Problem, RefreshRequest, RefreshState
from probes.web.bodies import json_body
from probes.web.context import current_snapshot, dependencies
from probes.web.errors import ErrorCode, Failure, RefusedError, not_found, wants_json
from probes.web.i18n import lazy
from probes.web.params import MAX_VALUE_LENGTH, MAX_VALUES, Parameters
from probes.web.serialize import json_response

blueprint = Blueprint("refresh", __name__)

TOKEN_COOKIE: Final = "refresh_pass"
TOKEN_COOKIE_SECONDS: Final = 30 * 86400
OWN_SITES: Final = ("same-origin", "none")  # Sec-Fetch-Site; "none" is typed by hand or a bookmark
MAX_PATH_LENGTH: Final = 2000


class RefreshBody(BaseModel):
    """Body of POST /api/v1/refresh. Leave `targets` out to probe all."""

    model_config = ConfigDict(extra="forbid", strict=True)

    targets: (
        Annotated[
            list[Annotated[str, Field(max_length=MAX_VALUE_LENGTH)]],
            Field(min_length=1, max_length=MAX_VALUES),
        ]
        | None
    ) = None


@dataclass(frozen=True, slots=True)
class RefreshView:
    """How far a refresh has come. `targets` empty: all."""

    id: str
    state: RefreshState
    targets: tuple[str, ...]
    total: int | None  # None until an agent has taken it up
    finished: int
    requested_at: datetime
    finished_at: datetime | None
    diff: PlanDiff  # what re-reading the configuration changed
    problems: tuple[Problem, ...]  # why a newer configuration was refused

    @classmethod
    def of(cls, request: RefreshRequest) -> "RefreshView":
        return cls(
            id=request.id,
            state=request.state,
            targets=request.targets,
            total=request.total,
            finished=request.finished,
            requested_at=request.requested_at,
            finished_at=request.finished_at,
            diff=request.diff,
            problems=request.problems,
        )


@blueprint.post("/refresh")
def post() -> AnyResponse:
    """The form's way: `target` (may repeat; none means all), `next` to return to, `token` where one is set.

    A script that sends the form and accepts JSON gets the API's answer instead of a redirect.
    """
    require_own_site()
    require_permission()
    filed = file_refresh(Parameters(request.form).texts("target"))
    response = accepted(filed) if wants_json() else _return_to(request.form.get("next", ""), filed)
    remember_permission(response)
    return response


def post_body() -> Response:
    """The API's way: a JSON body, or none to probe all."""
    require_own_site()
    require_permission()
    return accepted(file_refresh(tuple(_body().targets or ())))


def accepted(filed: RefreshRequest) -> Response:
    response = json_response(RefreshView.of(filed), 202)
    response.headers["Location"] = url_for("api.refresh_state", refresh_id=filed.id)
    return response


def _return_to(wanted: str, filed: RefreshRequest) -> AnyResponse:
    """The page says by `?refresh=` what became of it."""
    parts = urlsplit(safe_path(wanted))
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name != "refresh"]
    query = urlencode([*kept, ("refresh", filed.id)])
    return redirect(parts._replace(query=query).geturl(), 303)


def file_refresh(targets: tuple[str, ...]) -> RefreshRequest:
    """File it in the store. Raises RefusedError for an unknown target and during the cool-down."""
    snapshot, deps = current_snapshot(), dependencies()
    known = [target.id for target in snapshot.targets]
    for target in targets:
        if target not in known:
            raise not_found(lazy("No such model is configured."), target, known)
    filed = RefreshRequest(
        id=str(uuid4()), requested_at=deps.clock.now(), targets=tuple(dict.fromkeys(targets))
    )
    cooldown = cooldown_of(snapshot.plan.refresh_cooldown_seconds if snapshot.plan else None)
    in_the_way = deps.store.request_refresh(filed, cooldown)
    if in_the_way is not None:
        raise _cooling_down(in_the_way, cooldown, deps.clock.now())
    return filed


def cooldown_of(planned_seconds: float | None) -> timedelta:
    """The running plan's, for it may be newer than the settings that the web started with."""
    settings = dependencies().settings
    return timedelta(
        seconds=settings.refresh_cooldown_seconds if planned_seconds is None else planned_seconds
    )


def require_own_site() -> None:
    """Refuse what another site's page sends with a visitor's browser; programs send neither header."""
    if not comes_from_own_site():
        raise RefusedError(
            Failure(
                403,
                ErrorCode.FORBIDDEN,
                lazy("Another site's page cannot press Refresh."),
                cure=lazy("Press it on this site."),
            )
        )


def comes_from_own_site() -> bool:
    return _is_own_site(request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"))


def _is_own_site(site: str | None, origin: str | None) -> bool:
    if site is not None:
        return site in OWN_SITES
    return origin is None or origin in (f"http://{request.host}", f"https://{request.host}")


def require_permission() -> None:
    """Where an admin token is set: as Bearer, as form field `token`, or as the cookie that a right one left."""
    if is_permitted():
        return
    raise RefusedError(
        Failure(
            401,
            ErrorCode.UNAUTHORIZED,
            lazy("Refresh needs the admin token."),
            cure=lazy("Give it as a Bearer token, or in the field of the Refresh form."),
            headers={"WWW-Authenticate": "Bearer"},
            asks_token=True,
        )
    )


def is_permitted() -> bool:
    secret = dependencies().settings.admin_token
    if secret is None:
        return True
    token = secret.reveal()
    return is_same(given_token(), token) or is_same(request.cookies.get(TOKEN_COOKIE, ""), _pass_of(token))


def given_token() -> str:
    """As Bearer, else as form field `token`; empty without either."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else request.form.get("token", "")


def safe_path(wanted: str) -> str:
    """The path on this site to return to; the board for anything that might lead elsewhere."""
    board = url_for("pages.board")
    if len(wanted) > MAX_PATH_LENGTH or not wanted.isprintable() or "\\" in wanted:
        return board
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return board
    is_local = wanted.startswith("/") and not wanted.startswith("//") and not (parts.scheme or parts.netloc)
    return parts._replace(fragment="").geturl() if is_local else board


def _body() -> RefreshBody:
    cure = lazy("Send Content-Type: application/json, or no body to probe all.")
    return json_body(RefreshBody, cure, empty=RefreshBody)


def _cooling_down(in_the_way: RefreshRequest, cooldown: timedelta, now: datetime) -> RefusedError:
    remaining = max(1, math.ceil((in_the_way.requested_at + cooldown - now).total_seconds()))
    return RefusedError(
        Failure(
            429,
            ErrorCode.COOLING_DOWN,
            lazy("Refresh was pressed a moment ago."),
            cure=lazy("Try again in %(n)s s; the one before is still reported.", n=remaining),
            headers={
                "Retry-After": str(remaining),
                "Location": url_for("api.refresh_state", refresh_id=in_the_way.id),
            },
        )
    )


def remember_permission(response: AnyResponse) -> None:
    secret = dependencies().settings.admin_token
    if secret is None or "token" not in request.form:
        return
    response.set_cookie(
        TOKEN_COOKIE,
        _pass_of(secret.reveal()),
        max_age=TOKEN_COOKIE_SECONDS,
        httponly=True,
        secure=request.is_secure,
        samesite="Strict",
    )


def _pass_of(token: str) -> str:
    """What the cookie holds: worth a refresh, but not the token itself."""
    return hmac.new(token.encode(), b"firsttoken refresh", "sha256").hexdigest()


def is_same(given: str, expected: str) -> bool:
    """In a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
