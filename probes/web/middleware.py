"""What every request and response passes through: limits, request id, security headers, conditional answers, gzip."""

import hashlib
import re
from typing import Final

from flask import Flask, Response, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

from probes.web.assets import asset, install_assets
from probes.web.compression import compress
from probes.web.context import EXTENSION, Installed
from probes.web.errors import ErrorCode, Failure, error_response
from probes.web.i18n import lazy
from probes.web.request_ids import request_id
from probes.web.slots import share_threads, thread_shares

__all__ = ["asset", "install_middleware"]

MAX_BODY_BYTES: Final = 64 * 1024
MAX_URL_LENGTH: Final = 8 * 1024
API_PREFIX: Final = "/api/"

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
        "form-action 'self'; img-src 'self' data:"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

PAGE_CACHE: Final = "private, no-cache"  # kept, but asked for each time: the answer is mostly 304
JSON_CACHE: Final = "public, max-age=2"
NO_STORE: Final = "no-store"

EVENT_STREAM: Final = "text/event-stream"
BUSY: Final = Failure(
    503,
    ErrorCode.BUSY,
    lazy("Too many exports are running."),
    cure=lazy("Try again in a moment."),
    headers={"Retry-After": "10"},
)

# The time of reading differs each second while nothing else does; a tag must not.
_AS_OF: Final = re.compile(rb'"as_of":"[^"]*"')


def install_middleware(app: Flask, trusted_proxies: int = 0) -> None:
    """Wire everything of this module into the app; called once by the factory."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = 100
    install_assets(app)
    installed: Installed = app.extensions[EXTENSION]
    share_threads(app, installed.dependencies.settings.threads)
    app.before_request(_begin)
    app.after_request(_finish)
    if trusted_proxies > 0:
        # The host is not taken over: proxies that do not set X-Forwarded-Host hand on what a stranger wrote there.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=trusted_proxies, x_proto=trusted_proxies, x_host=0
        )


def _begin() -> None:
    request_id()
    if len(request.environ.get("QUERY_STRING", "")) + len(request.path) > MAX_URL_LENGTH:
        abort(414)
    if (request.content_length or 0) > MAX_BODY_BYTES:
        abort(413)


def _finish(response: Response) -> Response:
    response = _guard_threads(response)
    _set_headers(response)
    _answer_conditionally(response)
    compress(response, request)
    return response


def _guard_threads(response: Response) -> Response:
    """A streamed export holds its thread as long as its reader likes; only a share of them may."""
    is_export = response.is_streamed and response.status_code == 200 and response.mimetype != EVENT_STREAM
    if not is_export or request.method == "HEAD":
        return response
    exports = thread_shares().exports
    if exports.take():
        response.call_on_close(exports.release)
        return response
    response.close()
    return error_response(BUSY)


def _set_headers(response: Response) -> None:
    headers = response.headers
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers["X-Request-ID"] = request_id()
    if request.path.startswith(API_PREFIX):
        _open_to_all(response)
    elif response.mimetype == "text/html":
        response.vary.update(("Cookie", "Accept-Language"))
    headers.setdefault("Cache-Control", _cache_policy(response))


def _open_to_all(response: Response) -> None:
    """Anyone's page may read the API, never with credentials; a POST from elsewhere is refused by refresh."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Link, Location, Retry-After, X-Request-ID"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Max-Age"] = "86400"


def _cache_policy(response: Response) -> str:
    if request.method not in ("GET", "HEAD") or response.status_code >= 400 or response.is_streamed:
        return NO_STORE
    return PAGE_CACHE if response.mimetype == "text/html" else JSON_CACHE


def _answer_conditionally(response: Response) -> None:
    """Tag what may be kept and say 304 to who has it already. Tags are weak, for gzip changes the bytes."""
    is_taggable = (
        request.method in ("GET", "HEAD") and response.status_code == 200 and not response.is_streamed
    )
    if not is_taggable or "no-store" in response.headers["Cache-Control"]:
        return
    if "ETag" not in response.headers:
        body = _AS_OF.sub(b"", response.get_data())
        response.set_etag(hashlib.sha256(body).hexdigest()[:20], weak=True)
    response.make_conditional(request)
