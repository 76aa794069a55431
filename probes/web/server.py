"""Runs the application under waitress: bind, tell the address, serve, and stop within two seconds when told to."""

import errno
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server
from waitress.trigger import trigger

from probes.web.context import EXTENSION, Installed
from probes.web.live import feed_of
from probes.web.slots import share_threads

log = logging.getLogger(__name__)

FINISH_SECONDS: Final = 0.9  # how long requests in flight may take to end at a stop
GIVE_UP_SECONDS: Final = 1  # and then how long threads are waited for before they are left behind
WAKE_SECONDS: Final = 1.0
CONNECTION_LIMIT: Final = 1000
CHANNEL_TIMEOUT_SECONDS: Final = 60
MAX_HEADER_BYTES: Final = 32 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024  # the application refuses far smaller ones, in its own words
IDENTITY: Final = ""  # no Server header
WATERMARK_BYTES: Final = 256 * 1024  # of an export that waits for a slow reader

Handler = Callable[[int, FrameType | None], Any] | int | None


class ListenError(Exception):
    """The address cannot be listened on; `cure` tells what to do."""

    exit_code: Final = 3  # as the command line documents it

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(f"{message}. {cure}")
        self.message = message
        self.cure = cure


class WebServer:
    """One server on one address. Raises ListenError on construction; `run` blocks until `stop`."""

    def __init__(self, app: Flask, host: str, port: int, threads: int) -> None:
        self._app = app
        self._feed = feed_of(app)
        self._map: Any = {}  # file descriptor -> what waitress does with it
        self._is_stopping = threading.Event()
        self._closing = (
            threading.RLock()
        )  # so that stop() never writes to a closed waker; a signal may interrupt it
        self._sockets = listening_sockets(host, port)
        share_threads(app, threads)
        self._server = create_server(
            app, map=self._map, sockets=self._sockets, **_adjustments(threads, _trusted_proxies(app))
        )
        self._waker = trigger(self._map)
        self.host = host
        self.port: int = self._sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    def run(self) -> None:
        while not self._is_stopping.is_set():
            wasyncore.loop(timeout=WAKE_SECONDS, use_poll=True, map=self._map, count=1)
        self._finish()

    def stop(self) -> None:
        """Make `run` return soon; from any thread or a signal handler, as often as you like."""
        with self._closing:
            if not self._is_stopping.is_set():
                self._is_stopping.set()
                self._waker.pull_trigger()

    def _finish(self) -> None:
        """Take no new connections, end the streams, let short requests end, then close what is left."""
        for listener in self._listeners():
            listener.del_channel()
            listener.socket.close()
        self._feed.close()
        until = time.monotonic() + FINISH_SECONDS
        while self._is_busy() and time.monotonic() < until:
            wasyncore.loop(timeout=0.05, use_poll=True, map=self._map, count=1)
        self._server.task_dispatcher.shutdown(timeout=GIVE_UP_SECONDS)
        with self._closing:
            wasyncore.close_all(self._map, ignore_all=True)

    def _listeners(self) -> list[Any]:
        return [dispatcher for dispatcher in self._map.values() if getattr(dispatcher, "accepting", False)]

    def _is_busy(self) -> bool:
        channels = (entry for entry in self._map.values() if hasattr(entry, "requests"))
        return any(channel.requests or channel.total_outbufs_len for channel in channels)


def serve(
    app: Flask, host: str, port: int, threads: int, on_listening: Callable[[str], None] | None = None
) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. `on_listening` hears the URL once connections are taken.

    An address that cannot be listened on is logged with its cure. Signals are only handled in the main thread.
    """
    try:
        server = WebServer(app, host, port, threads)
    except ListenError as error:
        log.error("%s", error)
        return error.exit_code
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a request that waits a moment is no warning
    with _stopped_by_signals(server):
        if on_listening is not None:
            on_listening(server.url)
        server.run()
    return 0


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """One socket for each address that the host name has, all on one port. Raises ListenError."""
    sockets: list[socket.socket] = []
    try:
        for family, address in _addresses(host, port):
            chosen = sockets[0].getsockname()[1] if sockets else port
            sockets.append(_bound(family, (address, chosen)))
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise _listen_error(error, host, port) from error
    return sockets


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    unique = dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found)
    return [pair for pair in unique if pair[0] in (socket.AF_INET, socket.AF_INET6)]


def _bound(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart must not wait for TIME_WAIT
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen()  # now, so that a second server fails here and not later
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def _listen_error(error: OSError, host: str, port: int) -> ListenError:
    where = f"{host}:{port}"
    if isinstance(error, socket.gaierror):
        return ListenError(
            f"{host!r} is no address of this machine", "Give --host 127.0.0.1, or 0.0.0.0 for all."
        )
    match error.errno:
        case errno.EADDRINUSE:
            return ListenError(
                f"{where} is in use, perhaps by another FirstToken",
                f"Stop that one, or choose another port: --port {port + 1}.",
            )
        case errno.EACCES:
            return ListenError(
                f"{where} is not allowed to this user", "Choose a port above 1023 with --port."
            )
        case errno.EADDRNOTAVAIL:
            return ListenError(
                f"{host!r} is no address of this machine", "Give --host 127.0.0.1, or 0.0.0.0 for all."
            )
        case _:
            return ListenError(
                f"{where} cannot be listened on: {error.strerror}", "Choose another --host or --port."
            )


def _adjustments(threads: int, trusted_proxies: int) -> dict[str, Any]:
    return {
        "threads": threads,
        "ident": IDENTITY,
        "connection_limit": CONNECTION_LIMIT,
        "channel_timeout": CHANNEL_TIMEOUT_SECONDS,
        "max_request_header_size": MAX_HEADER_BYTES,
        "max_request_body_size": MAX_BODY_BYTES,
        "outbuf_high_watermark": WATERMARK_BYTES,
        "asyncore_use_poll": True,
        "channel_request_lookahead": 1,  # so that a stream notices at once that its reader went away
        "log_socket_errors": False,  # readers go away; that is no error
        # waitress would drop the headers that ProxyFix is to read
        "clear_untrusted_proxy_headers": trusted_proxies == 0,
    }


def _trusted_proxies(app: Flask) -> int:
    installed: Installed = app.extensions[EXTENSION]
    return installed.dependencies.settings.trusted_proxies


@contextmanager
def _stopped_by_signals(server: WebServer) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    before: dict[int, Handler] = {
        number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
