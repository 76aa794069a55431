"""Where readers reach this site: the one start of every whole address that we hand out."""

from flask import request

from probes.web.context import dependencies


def origin() -> str:
    """ "https://status.example.com", without a slash at its end; of this very request unless `web.public_url` says."""
    return dependencies().settings.public_url or request.host_url.rstrip("/")
