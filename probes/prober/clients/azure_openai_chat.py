"""Azure OpenAI: chat completions behind a deployment's URL, an api-key header and an API version."""

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from probes.domain.target import Target
from probes.prober.clients.openai_chat import NO_KEY, stream_of

if TYPE_CHECKING:
    import httpx2

DEFAULT_API_VERSION: Final = "2024-10-21"  # the newest general one of the dated API


@contextlib.asynccontextmanager
async def open_stream(
    target: Target, prompt: str, http: "httpx2.AsyncClient"
) -> "AsyncIterator[httpx2.Response]":
    """Send the request and give the response, its body unread. Raises what the SDK raises."""
    from openai import AsyncAzureOpenAI

    client = AsyncAzureOpenAI(
        api_key=target.api_key.reveal() if target.api_key else NO_KEY,
        azure_endpoint=target.base_url or "",
        api_version=target.api_version or DEFAULT_API_VERSION,
        max_retries=0,  # two silent retries would turn an outage into a slow success
        timeout=None,
        default_headers=dict(target.headers),
        http_client=http,
    )
    async with stream_of(client, target, prompt, key_header="api-key") as response:
        yield response
