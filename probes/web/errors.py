"""Every failure a reader can meet, as a page or as the one JSON shape. Nothing here ever shows a traceback.

exception                      status  code
ParameterError                 400     bad_parameter
CursorError                    400     bad_parameter (parameter "cursor")
RefusedError                   its own
StoreUnavailableError          503     store_unavailable
werkzeug's HTTPException       its own, named by CODES
anything else                  500     internal, logged under the request's id
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from flask import Flask, Response, current_app, render_template, request, url_for
from flask_babel import force_locale
from werkzeug.exceptions import HTTPException

from probes.store.base import CursorError, StoreUnavailableError
from probes.web.context import current_snapshot
from probes.web.i18n import Lazy
from probes.web.i18n import lazy as _
from probes.web.params import ParameterError
from probes.web.request_ids import request_id
from probes.web.serialize import to_json

Text = str | Lazy
RETRY_STORE_SECONDS: Final = 5
JSON_PATHS: Final = ("/api/", "/live", "/healthz", "/readyz")
JSON_SUFFIXES: Final = (".json", ".csv", ".ndjson")


class ErrorCode(StrEnum):
    """What a program may branch on; messages may change, these do not."""

    BAD_REQUEST = "bad_request"
    BAD_PARAMETER = "bad_parameter"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    URI_TOO_LONG = "uri_too_long"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    CONFLICT = "conflict"
    COOLING_DOWN = "cooling_down"
    BUSY = "busy"
    STORE_UNAVAILABLE = "store_unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    code: ErrorCode
    message: str
    request_id: str
    parameter: str | None = None
    cure: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """The one shape of every error of the API."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Link:
    label: Text
    url: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An error ready to be told, in whatever form and language the reader wants."""

    status: int
    code: ErrorCode
    message: Text
    cure: Text | None = None
    parameter: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()  # on the page only
    asks_token: bool = False  # on the page only: show a field for the admin token
    asks_operator: bool = False  # likewise, and send the same form again with it


class RefusedError(Exception):
    """A view's way to end a request with a Failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code.value)
        self.failure = failure


CODES: Final[dict[int, tuple[ErrorCode, Text]]] = {
    400: (ErrorCode.BAD_REQUEST, _("The request cannot be understood.")),
    401: (ErrorCode.UNAUTHORIZED, _("This needs the admin token.")),
    403: (ErrorCode.FORBIDDEN, _("This is not allowed.")),
    404: (ErrorCode.NOT_FOUND, _("There is nothing at this address.")),
    405: (ErrorCode.METHOD_NOT_ALLOWED, _("This address does not know that method.")),
    413: (ErrorCode.PAYLOAD_TOO_LARGE, _("The request's body is too large.")),
    414: (ErrorCode.URI_TOO_LONG, _("The request's address is too long.")),
    415: (ErrorCode.UNSUPPORTED_MEDIA_TYPE, _("The request's body is of a type that is not read here.")),
    500: (ErrorCode.INTERNAL, _("Something went wrong on our side.")),
}


def install_errors(app: Flask) -> None:
    """Answer every exception with `failure_of` it; called once by the factory."""
    app.register_error_handler(Exception, _answer)


def failure_of(error: Exception) -> Failure:
    """The exception in the reader's terms."""
    match error:
        case RefusedError():
            return error.failure
        case ParameterError():
            return Failure(400, ErrorCode.BAD_PARAMETER, error.message, cure=error.cure, parameter=error.name)
        case CursorError():
            return Failure(
                400,
                ErrorCode.BAD_PARAMETER,
                _("This page cursor was never given out."),
                cure=_("Start again without it."),
                parameter="cursor",
            )
        case StoreUnavailableError():
            return Failure(
                503,
                ErrorCode.STORE_UNAVAILABLE,
                _("The store cannot be reached."),
                cure=_("Try again in a moment."),
                headers={"Retry-After": str(RETRY_STORE_SECONDS)},
            )
        case HTTPException():
            return _http_failure(error)
        case _:
            return _internal_failure()


def not_found(what: Text, wanted: str, known: Collection[str], *, url_endpoint: str = "") -> RefusedError:
    """404 for a name that is not among `known`, with the nearest ones as cure and links."""
    near = nearest(wanted, known)
    links = tuple(Link(name, url_for(url_endpoint, target=name)) for name in near) if url_endpoint else ()
    cure = _("Did you mean %(names)s?", names=", ".join(near)) if near else None
    return RefusedError(Failure(404, ErrorCode.NOT_FOUND, what, cure=cure, links=links))


def nearest(wanted: str, known: Collection[str]) -> list[str]:
    """Up to three known names that look like the wanted one, whole or by their last part."""
    by_form = {name.lower(): name for name in known}
    by_form |= {name.lower().rsplit("/", 1)[-1]: name for name in known}
    found = difflib.get_close_matches(wanted.lower()[:200], by_form, n=6, cutoff=0.7)
    return list(dict.fromkeys(by_form[form] for form in found))[:3]


def wants_json() -> bool:
    """Programs get JSON, browsers get a page."""
    if request.path.startswith(JSON_PATHS) or request.path.endswith(JSON_SUFFIXES):
        return True
    accept = request.accept_mimetypes
    return accept["application/json"] > accept["text/html"]


def error_response(failure: Failure) -> Response:
    body = _json(failure) if wants_json() else _page(failure)
    response = Response(body, status=failure.status)
    response.mimetype = "application/json" if wants_json() else "text/html"
    response.headers.update(failure.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def _answer(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException) and error.response is not None:
        return error
    failure = failure_of(error)
    if failure.status == 500:
        current_app.logger.error(
            "request %s: %s %r failed", request_id(), request.method, request.path, exc_info=error
        )
    return error_response(failure)


def _http_failure(error: HTTPException) -> Failure:
    status = error.code or 500
    code, message = CODES.get(status, CODES[400] if status < 500 else CODES[500])
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return Failure(status, code, message, headers=kept)


def _internal_failure() -> Failure:
    code, message = CODES[500]
    return Failure(500, code, message, cure=_("Tell the operator the request's id; the log has the rest."))


def _json(failure: Failure) -> bytes:
    with force_locale("en"):
        detail = ErrorDetail(
            code=failure.code,
            message=str(failure.message),
            request_id=request_id(),
            parameter=failure.parameter,
            cure=str(failure.cure) if failure.cure is not None else None,
        )
    return to_json(ErrorAnswer(detail), omit_none=True)


def _page(failure: Failure) -> str:
    try:
        return render_template(
            "error.html", failure=failure, request_id=request_id(), snapshot_as_of=current_snapshot().as_of
        )
    except Exception:  # the page around the error may be what is broken
        current_app.logger.exception("request %s: the error page failed", request_id())
        return _BARE_PAGE.format(status=failure.status, request_id=request_id())


_BARE_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Error {status}</title>
<h1>Error {status}</h1><p>Something went wrong on our side. Request {request_id}.</p><p><a href="/">Board</a></p></html>
"""
