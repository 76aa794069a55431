"""A MongoDB proxy that lets one command run at a time.

FerretDB v1 does not update a document atomically, MongoDB does. Behind this proxy no two commands overlap, so that
races between processes come out as they would on MongoDB, where each of our commands changes one document at a time.
"""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


@contextmanager
def one_at_a_time(uri: str) -> Iterator[str]:
    """Yields the URI of the proxy before the server of the given URI."""
    parts = urlsplit(uri)
    with _Proxy((parts.hostname or "127.0.0.1", parts.port or 27017)) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"mongodb://127.0.0.1:{proxy.server_address[1]}/"
        finally:
            proxy.shutdown()
            thread.join()


class _Proxy(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, server: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.upstream = server
        self.turn = threading.Lock()


class _Conversation(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Proxy)
        with socket.create_connection(self.server.upstream) as upstream:
            while request := _message(self.request):
                with self.server.turn:
                    upstream.sendall(request)
                    reply = _message(upstream)
                if not reply:
                    return
                self.request.sendall(reply)


def _message(connection: socket.socket) -> bytes:
    """One message of the wire protocol, which starts with its own length; empty when the peer has gone."""
    head = _exactly(connection, 4)
    return head + _exactly(connection, struct.unpack("<i", head)[0] - 4) if head else b""


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        try:
            part = connection.recv(size - len(received))
        except ConnectionError:
            return b""
        if not part:
            return b""
        received += part
    return bytes(received)
