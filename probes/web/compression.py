"""Gzip for what shrinks by it: whole bodies at once, streams piece by piece. Event streams stay as they are."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from flask import Request, Response

LEVEL: Final = 5  # of 1 to 9; 5 % smaller than 4 in the same time, 6 saves 1 % for a tenth more
SMALLEST_BYTES: Final = 600  # below it the whole answer fits one packet anyway
COMPRESSIBLE: Final = frozenset(
    {
        "text/html",
        "text/css",
        "text/csv",
        "text/plain",
        "text/javascript",
        "application/json",
        "application/x-ndjson",
        "application/xml",
        "image/svg+xml",
    }
)


def wants_gzip(request: Request) -> bool:
    return request.accept_encodings["gzip"] > 0


def compress(response: Response, request: Request) -> None:
    """Pack the body where the reader takes it and it pays; a streamed body stays streamed."""
    if response.mimetype not in COMPRESSIBLE or "Content-Encoding" in response.headers:
        return
    response.vary.add("Accept-Encoding")
    if not wants_gzip(request) or response.status_code in (204, 304):
        return
    if response.is_streamed:
        _pack_stream(response)
    elif len(body := response.get_data()) >= SMALLEST_BYTES:
        response.set_data(gzip.compress(body, LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"


def _pack_stream(response: Response) -> None:
    original = response.response
    response.response = _packed(response.iter_encoded())
    response.headers.pop("Content-Length", None)
    response.headers["Content-Encoding"] = "gzip"
    if hasattr(original, "close"):
        response.call_on_close(original.close)


def _packed(parts: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for part in parts:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()
