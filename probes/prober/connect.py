"""From a host name to a connected socket: look-up in a thread of its own, then the fastest address."""

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from probes.prober.stamps import NowNs, ask_for_kernel_stamps

STAGGER_SECONDS: Final = 0.25  # RFC 8305's delay before the next address is tried beside the first

_SocketAddress = tuple[str, int] | tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Address:
    family: socket.AddressFamily
    socket_address: _SocketAddress


async def look_up(host: str, port: int, now_ns: NowNs) -> tuple[list[Address], int | None]:
    """Addresses in the order to try them, and the look-up's nanoseconds; None for a literal address.

    A thread for each look-up, a daemon: a pool would make probes wait for one another's dead name servers, count
    that as the provider's, and hold the process at exit. Raises OSError.
    """
    with contextlib.suppress(socket.gaierror):
        return _addresses(_ask(host, port, socket.AI_NUMERICHOST)), None
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[list[Address], int]] = loop.create_future()

    def ask() -> None:
        began_ns = now_ns()
        try:
            found = _addresses(_ask(host, port))
        except OSError as error:
            _tell(loop, answer, error)
        else:
            _tell(loop, answer, (found, now_ns() - began_ns))

    threading.Thread(target=ask, name=f"lookup {host}", daemon=True).start()
    return await answer


_AddressInfo = Sequence[
    tuple[
        socket.AddressFamily,
        socket.SocketKind,
        int,
        str,
        tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
    ]
]


def _ask(host: str, port: int, flags: int = 0) -> _AddressInfo:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=flags)
    except UnicodeError as error:  # a label too long for the IDNA codec
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is no host name") from error


def _tell(
    loop: asyncio.AbstractEventLoop,
    answer: "asyncio.Future[tuple[list[Address], int]]",
    what: "tuple[list[Address], int] | OSError",
) -> None:
    def settle() -> None:
        if answer.done():  # the attempt gave up before
            return
        if isinstance(what, OSError):
            answer.set_exception(what)
        else:
            answer.set_result(what)

    with contextlib.suppress(RuntimeError):  # the loop may be gone by now
        loop.call_soon_threadsafe(settle)


def _addresses(found: _AddressInfo) -> list[Address]:
    """Families taken in turn, the resolver's first choice first."""
    families: dict[socket.AddressFamily, list[Address]] = {}
    for family, _kind, _protocol, _name, address in found:
        if isinstance(address[0], str):
            families.setdefault(family, []).append(Address(family, address))
    in_turn = itertools.zip_longest(*families.values())
    return [address for row in in_turn for address in row if address is not None]


async def connect_fastest(addresses: Sequence[Address]) -> socket.socket:
    """The first socket that connects, the others closed. Raises the first OSError when none does."""
    if len(addresses) == 1:
        return await _connect(addresses[0])
    errors: list[OSError] = []
    running: set[asyncio.Task[socket.socket]] = set()
    try:
        for address in addresses:
            running.add(asyncio.create_task(_connect(address)))
            if (winner := await _first_connected(running, errors, STAGGER_SECONDS)) is not None:
                return winner
        while running:
            if (winner := await _first_connected(running, errors, None)) is not None:
                return winner
    finally:
        await _abandon(running)
    raise errors[0] if errors else OSError("the name has no address")


async def _first_connected(
    running: set[asyncio.Task[socket.socket]], errors: list[OSError], seconds: float | None
) -> socket.socket | None:
    """A connected socket, or None once one attempt failed or the time is up."""
    done, _ = await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        error = task.exception()
        if error is None:
            running.discard(task)
            return task.result()
        running.discard(task)
        if not isinstance(error, OSError):
            raise error
        errors.append(error)
    return None


async def _abandon(running: set[asyncio.Task[socket.socket]]) -> None:
    for task in running:
        task.cancel()
    for task in running:
        with contextlib.suppress(asyncio.CancelledError, OSError):
            (await task).close()  # it connected in the very moment it was cancelled


async def _connect(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        ask_for_kernel_stamps(sock)
        await asyncio.get_running_loop().sock_connect(sock, address.socket_address)
    except BaseException:
        sock.close()
        raise
    return sock
