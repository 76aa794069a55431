"""HTTP for alerts: one POST or GET with a time limit, no redirects, and failures in words without the address."""

import base64
import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message as Headers
from typing import IO, Final
from urllib.parse import unquote, urlsplit, urlunsplit

TIMEOUT_SECONDS: Final = 15.0  # of each read
USER_AGENT: Final = "FirstToken"
SEPARATORS: Final = (",", ":")


class SendError(Exception):
    """It was not accepted; the text says why in a few words."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET without its body, and look like success."""

    def redirect_request(
        self, req: object, fp: IO[bytes], code: int, msg: str, headers: Headers, newurl: str
    ) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirects)


def post_json(url: str, content: object, headers: Mapping[str, str] | None = None) -> None:
    post_body(url, to_json(content), headers)


def to_json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=SEPARATORS).encode()


def post_body(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    """Raises SendError unless the answer is 2xx."""
    _exchange(url, body, {"Content-Type": "application/json", **(headers or {})})


def get(url: str) -> None:
    """Raises SendError unless the answer is 2xx."""
    _exchange(url, None, {})


def _exchange(url: str, body: bytes | None, headers: Mapping[str, str]) -> None:
    address, login = _without_login(url)
    sent = {"User-Agent": USER_AGENT, **login, **headers}
    request = urllib.request.Request(address, data=body, headers=sent)  # noqa: S310 - settings let only http(s) in
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            answer.read(1024)
    except urllib.error.HTTPError as error:
        error.close()
        raise SendError(f"HTTP {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SendError(_in_words(error)) from None


def _without_login(url: str) -> tuple[str, Mapping[str, str]]:
    """user:password@ leaves the address and becomes its header."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    host = parts.netloc.rpartition("@")[2]
    token = base64.b64encode(login.encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {token}"}


def _in_words(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    match reason:
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "connection refused"
        case socket.gaierror():
            return "the host name could not be looked up"
        case ssl.SSLError():
            return "TLS failed"
        case ConnectionError() | http.client.RemoteDisconnected():
            return "the connection broke"
        case _:
            return type(reason).__name__ if isinstance(reason, Exception) else "no connection"
