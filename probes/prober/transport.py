"""The SDKs' httpx2 transport, over connections of ours: one journal an attempt, no environment, no retries.

The library's own transport offers no place for a network backend; this is the same small bridge with one.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Final

import httpcore2
import httpx2

from probes.domain.target import Target
from probes.prober.body import Unwrapping, unwrapping_of
from probes.prober.head import HeadGate
from probes.prober.network import Line, NetworkBackend
from probes.prober.receiver import Receiver
from probes.prober.stamps import Journal, ReadStamp

# httpcore2's exceptions as httpx2 names them, most specific first.
TRANSPORT_ERRORS: Final[tuple[tuple[type[Exception], type[httpx2.TransportError]], ...]] = (
    (httpcore2.ConnectTimeout, httpx2.ConnectTimeout),
    (httpcore2.ReadTimeout, httpx2.ReadTimeout),
    (httpcore2.WriteTimeout, httpx2.WriteTimeout),
    (httpcore2.PoolTimeout, httpx2.PoolTimeout),
    (httpcore2.TimeoutException, httpx2.TimeoutException),
    (httpcore2.ConnectError, httpx2.ConnectError),
    (httpcore2.ReadError, httpx2.ReadError),
    (httpcore2.WriteError, httpx2.WriteError),
    (httpcore2.NetworkError, httpx2.NetworkError),
    (httpcore2.ProxyError, httpx2.ProxyError),
    (httpcore2.UnsupportedProtocol, httpx2.UnsupportedProtocol),
    (httpcore2.RemoteProtocolError, httpx2.RemoteProtocolError),
    (httpcore2.LocalProtocolError, httpx2.LocalProtocolError),
    (httpcore2.ProtocolError, httpx2.ProtocolError),
    (httpcore2.ConnectionNotAvailable, httpx2.NetworkError),
)
_READ_BYTES: Final = 64 * 1024
_IDENTITY: Final = ("", "identity")


class UnsupportedProxyError(Exception):
    """The target's proxy is of a kind that we cannot use."""


@contextlib.contextmanager
def _as_httpx2() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for theirs, ours in TRANSPORT_ERRORS:
            if isinstance(error, theirs):
                raise ours(str(error)) from error
        raise


class _Body(httpx2.AsyncByteStream):
    """The library's own body; where `unwrapping` is given, the bytes are taken from beneath it."""

    def __init__(self, response: httpcore2.Response, unwrapping: Unwrapping | None) -> None:
        assert isinstance(response.stream, AsyncIterable)
        self._parts = response.stream
        self._wire: httpcore2.AsyncNetworkStream = response.extensions["network_stream"]
        self._unwrapping = unwrapping

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx2():
            if self._unwrapping is None:
                async for part in self._parts:
                    yield part
                return
            while not self._unwrapping.is_done:
                received = await self._wire.read(_READ_BYTES)
                if not received:
                    self._unwrapping.end()
                    return
                if part := self._unwrapping.feed(received):
                    yield part

    async def aclose(self) -> None:
        if hasattr(self._parts, "aclose"):
            await self._parts.aclose()


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """What came before the body, and the read that completed it."""

    status: int
    headers: httpx2.Headers
    stamp: ReadStamp | None


class Connection(httpx2.AsyncBaseTransport):
    """A transport with at most one connection, which belongs to one attempt at a time.

    Closing the SDK's client leaves it alone (the next attempt may want it); `hang_up` closes it.
    """

    def __init__(self, target: Target, context: ssl.SSLContext, receiver: Receiver | None = None) -> None:
        self._target = target
        self._context = context
        self._receiver = receiver
        self._line = Line(Journal())
        self._pool: httpcore2.AsyncConnectionPool | None = None
        self.head: ResponseHead | None = None

    def begin(self, journal: Journal) -> None:
        """From here on everything is written into this journal."""
        self._line.journal = journal
        if (
            not self._target.options.reuse_connection
        ):  # the library must see the body to its end to use it again
            journal.gate = HeadGate()
        self.head = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        if self._pool is None:
            self._pool = _open_pool(self._target, self._context, NetworkBackend(self._line, self._receiver))
        with _as_httpx2():
            response = await self._pool.handle_async_request(
                httpcore2.Request(
                    method=request.method,
                    url=_url(request.url),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        headers = httpx2.Headers(response.headers)
        if response.status >= 400:  # a packed error page would be unpacked without any limit
            headers.pop("content-encoding", None)
        self.head = ResponseHead(response.status, headers, self._line.journal.last_read)
        gate, self._line.journal.gate = self._line.journal.gate, None
        is_body_apart = response.status == 200 and gate is not None and gate.is_at_head_end
        return httpx2.Response(
            status_code=response.status,
            headers=headers,
            stream=_Body(response, unwrapping_of(headers) if is_body_apart else None),
            extensions=response.extensions,
        )

    def catch_up(self, done: Callable[[], None]) -> None:
        """Call `done` once whoever waits for bytes has seen all that arrived until now."""
        loop = asyncio.get_running_loop()

        def after_the_woken() -> None:
            loop.call_soon(done)

        if self._receiver is not None:
            self._receiver.catch_up(after_the_woken)
        else:
            loop.call_soon(after_the_woken)  # after a turn in which what is readable is read

    @property
    def is_open(self) -> bool:
        """Whether a connection is kept that another attempt may use."""
        pool = self._pool
        return pool is not None and any(connection.is_available() for connection in pool.connections)

    async def hang_up(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()


def is_packed(response: httpx2.Response) -> bool:
    """Whether the server encoded the body although we asked it not to."""
    return response.headers.get("content-encoding", "").strip().lower() not in _IDENTITY


def _url(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _open_pool(
    target: Target, context: ssl.SSLContext, backend: NetworkBackend
) -> httpcore2.AsyncConnectionPool:
    if target.proxy is None:
        return httpcore2.AsyncConnectionPool(
            ssl_context=context, max_connections=1, retries=0, network_backend=backend
        )
    try:
        proxy = httpx2.Proxy(target.proxy.reveal())
    except (ValueError, httpx2.InvalidURL) as error:  # its text repeats the URL, which may hold a password
        raise UnsupportedProxyError("the proxy is no http:// or https:// URL") from error
    if proxy.url.scheme not in ("http", "https"):
        raise UnsupportedProxyError(f"a {proxy.url.scheme} proxy is not supported; use an http one")
    return httpcore2.AsyncHTTPProxy(
        proxy_url=_url(proxy.url),
        proxy_auth=proxy.raw_auth,
        proxy_headers=proxy.headers.raw,
        proxy_ssl_context=context if proxy.url.scheme == "https" else None,
        ssl_context=context,
        max_connections=1,
        retries=0,
        network_backend=backend,
    )
