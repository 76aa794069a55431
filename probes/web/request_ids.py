"""One id per request: in its X-Request-ID header, in the log, on error pages."""

from uuid import uuid4

from flask import g


def request_id() -> str:
    """The id of the running request; never taken over from the client."""
    if "request_id" not in g:
        g.request_id = uuid4().hex[:16]
    return str(g.request_id)
