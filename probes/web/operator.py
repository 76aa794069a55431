"""What only the operator may do: announce maintenance, pause, act on incidents. Without an admin token nobody may.

Unlike Refresh, which is open to all where no token is set, these change what everybody is told. A view calls
`require_operator()`; a template imports `operator_entry` from `_operator.html`.
"""

import hmac
from typing import Final

from flask import Blueprint, Response, g, redirect, request
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as AnyResponse

from probes.web.context import dependencies
from probes.web.errors import ErrorCode, Failure, RefusedError
from probes.web.i18n import lazy
from probes.web.refresh import (
    TOKEN_COOKIE,
    TOKEN_COOKIE_SECONDS,
    comes_from_own_site,
    given_token,
    is_same,
    remember_permission,
    safe_path,
)

blueprint = Blueprint("operator", __name__)

OPERATOR_COOKIE: Final = "operator_pass"


@blueprint.post("/operator")
def enter() -> AnyResponse:
    """`token`, and `next` to return to; the cookie is set by `_remember`."""
    require_operator()
    return redirect(safe_path(request.form.get("next", "")), 303)


@blueprint.post("/operator/leave")
def leave() -> AnyResponse:
    if not comes_from_own_site():
        raise _stranger()
    response = redirect(safe_path(request.form.get("next", "")), 303)
    response.delete_cookie(OPERATOR_COOKIE, samesite="Strict")
    response.delete_cookie(TOKEN_COOKIE, samesite="Strict")
    return response


def require_operator() -> None:
    """Raises RefusedError unless the request comes from this site or a program, with the admin token or its cookie."""
    if not comes_from_own_site():
        raise _stranger()
    if not has_operator():
        raise RefusedError(
            Failure(
                403,
                ErrorCode.FORBIDDEN,
                lazy("Nobody can act as the operator here, because no admin token is set."),
                cure=lazy("Set web.admin_token in the configuration and start the web role again."),
            )
        )
    if not is_operator():
        raise RefusedError(
            Failure(
                401,
                ErrorCode.UNAUTHORIZED,
                lazy("Only the operator may do this."),
                cure=lazy("Give the admin token as a Bearer token, or in the field of the form."),
                headers={"WWW-Authenticate": "Bearer"},
                asks_operator=True,
            )
        )
    g.has_entered = "token" in request.form


def has_operator() -> bool:
    """Whether a token is set at all."""
    return dependencies().settings.admin_token is not None


def is_operator() -> bool:
    """Whether this request may act; never where no token is set. The cookie that Refresh leaves is not enough."""
    secret = dependencies().settings.admin_token
    if secret is None:
        return False
    token = secret.reveal()
    return is_same(given_token(), token) or is_same(request.cookies.get(OPERATOR_COOKIE, ""), _pass_of(token))


@blueprint.after_app_request
def _remember(response: Response) -> Response:
    """A form that held the right token is asked for it once."""
    secret = dependencies().settings.admin_token
    if secret is not None and g.get("has_entered", False):
        remember_permission(response)
        response.set_cookie(
            OPERATOR_COOKIE,
            _pass_of(secret.reveal()),
            max_age=TOKEN_COOKIE_SECONDS,
            httponly=True,
            secure=request.is_secure,
            samesite="Strict",
        )
    return response


@blueprint.record_once
def _install(state: BlueprintSetupState) -> None:
    """Macros see no context, so templates get these as globals."""
    state.app.jinja_env.globals.update(is_operator=is_operator, has_operator=has_operator)


def _pass_of(token: str) -> str:
    """What the cookie holds: worth the operator's actions, but not the token itself."""
    return hmac.new(token.encode(), b"firsttoken operator", "sha256").hexdigest()


def _stranger() -> RefusedError:
    return RefusedError(
        Failure(
            403,
            ErrorCode.FORBIDDEN,
            lazy("Another site's page cannot act for the operator."),
            cure=lazy("Do it on this site."),
        )
    )
