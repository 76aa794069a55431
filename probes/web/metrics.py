"""/metrics: the exposition for Prometheus, as plain text 0.0.4 or as OpenMetrics, whichever the scraper prefers."""

from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.openmetrics import exposition as openmetrics

from probes.web.context import current_snapshot, dependencies, installed
from probes.web.exposition import SnapshotCollector

blueprint: Final = Blueprint("metrics", __name__)

PLAIN: Final = exposition.CONTENT_TYPE_PLAIN_0_0_4
OPENMETRICS: Final = openmetrics.CONTENT_TYPE_LATEST
ENCODERS: Final[dict[str, Callable[[CollectorRegistry], bytes]]] = {
    PLAIN: exposition.generate_latest,
    OPENMETRICS: openmetrics.generate_latest,
}


@blueprint.get("/metrics")
def metrics() -> Response:
    """200 even while the store is away: the scraper learns that from `firsttoken_store_up`."""
    content_type = (
        OPENMETRICS if _wish_for("application/openmetrics-text") > _wish_for("text/plain") else PLAIN
    )
    snapshot, memo = current_snapshot(), installed().memo
    registry = CollectorRegistry(auto_describe=False)  # our own: the global one would tell of this process
    registry.register(SnapshotCollector(snapshot, memo, dependencies().version))
    reading = (snapshot.now, snapshot.store_error is None)
    text = memo.get(("metrics text", content_type), reading, lambda: ENCODERS[content_type](registry))
    response = Response(text, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    return response


def _wish_for(media: str) -> float:
    """How much the scraper wants a type, of whatever version."""
    wishes = (
        quality for wanted, quality in request.accept_mimetypes if wanted.split(";")[0].strip() == media
    )
    return max(wishes, default=0.0)
