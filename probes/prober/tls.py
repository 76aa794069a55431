"""TLS over a stamped stream. The bytes are decrypted here, so that a record keeps the stamp of its last segment."""

import contextlib
import ssl
import typing
from collections.abc import Callable

import httpcore2

from probes.prober.stamps import Journal

_LOWER_READ_BYTES: typing.Final = 64 * 1024


class TlsStream(httpcore2.AsyncNetworkStream):
    """Plaintext side of a TLS session over `lower`, which may be TLS itself (an https proxy)."""

    def __init__(
        self,
        lower: httpcore2.AsyncNetworkStream,
        context: ssl.SSLContext,
        server_hostname: str | None,
        journal: Callable[[], Journal],
    ) -> None:
        self._lower = lower
        self._journal = journal
        self._is_beneath_tls = False
        self._rest = b""  # decrypted, but not to be passed on yet
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    @classmethod
    async def handshake(
        cls,
        lower: httpcore2.AsyncNetworkStream,
        context: ssl.SSLContext,
        server_hostname: str | None,
        journal: Callable[[], Journal],
    ) -> "TlsStream":
        """A session ready to use. Raises httpcore2.ConnectError; `lower` is closed then."""
        began_ns = journal().tls_begins()
        try:
            stream = cls(lower, context, server_hostname, journal)
            await stream._shake_hands()
        except (ssl.SSLError, ValueError) as error:  # ValueError: a host name that no certificate can name
            await lower.aclose()
            raise httpcore2.ConnectError(str(error)) from error
        except BaseException:
            await lower.aclose()
            raise
        journal().tls_done(began_ns)
        return stream

    async def _shake_hands(self) -> None:
        is_done = False
        while not is_done:
            refusal: ssl.SSLError | None = None
            try:
                self._session.do_handshake()
                is_done = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                refusal = error
            await self._flush()  # also when we refuse: the alert tells the server why we leave
            if refusal is not None:
                raise refusal
            if not is_done:
                await self._receive()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        while True:
            # No await inside an except clause: a later error would name the handled one as its context.
            with contextlib.suppress(ssl.SSLWantReadError):
                return self._decrypted(max_bytes)
            await self._flush_aside()
            await self._receive()

    def _decrypted(self, max_bytes: int) -> bytes:
        """At most one record. Raises SSLWantReadError while the next one is incomplete."""
        plaintext, self._rest = self._rest[:max_bytes], self._rest[max_bytes:]
        try:
            plaintext = plaintext or self._session.read(max_bytes)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass  # the end; a missing close_notify is judged by HTTP's own framing
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as error:
            raise httpcore2.ReadError(str(error)) from error
        if not self._is_beneath_tls:
            size = self._journal().heard(plaintext)
            plaintext, self._rest = plaintext[:size], plaintext[size:] + self._rest
        return plaintext

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        rest = memoryview(buffer)
        while rest:
            try:
                rest = rest[self._session.write(rest) :]
            except ssl.SSLError as error:
                raise httpcore2.WriteError(str(error)) from error
        await self._flush()

    async def _receive(self) -> None:
        if received := await self._lower.read(_LOWER_READ_BYTES):
            self._incoming.write(received)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._lower.write(self._outgoing.read())

    async def _flush_aside(self) -> None:
        """Send what TLS itself has to say while we read; that is no part of the request, so t0 stays."""
        journal = self._journal()
        sent_ns, sending_ns = journal.sent_ns, journal.sending_ns
        await self._flush()
        journal.sent_ns, journal.sending_ns = sent_ns, sending_ns

    async def aclose(self) -> None:
        await self._lower.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        del timeout
        self._is_beneath_tls = True
        return await TlsStream.handshake(self, ssl_context, server_hostname, self._journal)

    def get_extra_info(self, info: str) -> typing.Any:
        if info == "ssl_object":
            return self._session
        return self._lower.get_extra_info(info)
