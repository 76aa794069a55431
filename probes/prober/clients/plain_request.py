"""A streamed POST without an SDK, for protocols whose SDKs cannot hand out the raw response."""

import contextlib
import functools
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from probes.domain.target import Target

if TYPE_CHECKING:
    import httpx2


@functools.cache
def client_version() -> str:
    return f"httpx2 {version('httpx2')}"


@contextlib.asynccontextmanager
async def post(
    target: Target, http: "httpx2.AsyncClient", path: str, *, headers: Mapping[str, str], body: object
) -> "AsyncIterator[httpx2.Response]":
    """The response, its body unread. Raises httpx2.HTTPStatusError, with the body read, for all but a success.

    `path` follows the target's base URL; the target's own headers win over `headers`.
    """
    theirs = {name.lower() for name in target.headers}
    ours = {name: value for name, value in headers.items() if name.lower() not in theirs}
    url = f"{target.base_url}{path}"
    async with http.stream("POST", url, headers={**ours, **target.headers}, json=body) as response:
        if not response.is_success:
            await response.aread()
            response.raise_for_status()
        yield response
