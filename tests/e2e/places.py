"""The pages of the board by the names that tests print, with addresses that exist in the demo."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from tests.service_process import Site
from tests.waiting import wait_until

STEADY: Final = "Northwind AI/main/northwind-swift"
FLAKY: Final = "Quokka Cloud/main/quokka-7b"
UNCONFIGURED: Final = "Quokka Cloud/second account/quokka-405b"
PAUSED: Final = "Basalt/main/basalt-core"


def model_path(target: str) -> str:
    return f"/models/{quote(target)}"


def _failed_record(service: Site) -> str:
    found = service.json(f"/api/v1/results?target={quote(FLAKY)}&outcome=server_error&limit=1")["results"]
    return f"/result/{found[0]['id']}"


def _good_record(service: Site) -> str:
    found = service.json(f"/api/v1/results?target={quote(STEADY)}&outcome=ok&limit=1")["results"]
    return f"/result/{found[0]['id']}"


def _an_incident(service: Site) -> str:
    """The demo's past has some, once it is written."""
    wait_until(
        "an incident", lambda: service.json("/api/v1/incidents?limit=1")["incidents"], timeout_seconds=90
    )
    return f"/incidents/{service.json('/api/v1/incidents?limit=1')['incidents'][0]['id']}"


_PATHS: Final[dict[str, str | Callable[[Site], str]]] = {
    "board": "/",
    "board filtered to nothing": "/?q=no-such-model",
    "kanban": "/kanban",
    "kanban in lanes": "/kanban?lanes=1",
    "kanban on the wall": "/kanban?wall=1",
    "statistics": "/stats",
    "statistics of an hour": "/stats?window=1h&sort=-ttft_p95",
    "records": "/result",
    "records of failures": "/result?outcome=server_error&outcome=truncated_stream",
    "record": _good_record,
    "failed record": _failed_record,
    "incidents": "/incidents",
    "incidents filtered to nothing": "/incidents?q=no-such-incident",
    "incident": _an_incident,
    "model": model_path(STEADY),
    "flaky model": model_path(FLAKY),
    "model without a key": model_path(UNCONFIGURED),
    "maintenance": "/maintenance",
    "methodology": "/methodology",
    "health": "/health",
    "API guide": "/api/v1/docs",
}
NAMES: Final = tuple(_PATHS)
MAIN: Final = (
    "board",
    "kanban",
    "statistics",
    "records",
    "record",
    "incidents",
    "incident",
    "model",
    "maintenance",
    "methodology",
    "health",
    "API guide",
)


def path_of(name: str, service: Site) -> str:
    path = _PATHS[name]
    return path if isinstance(path, str) else path(service)
