"""A service of a test's own: a real simulator, a YAML file that the test may edit, and `python app.py` on top."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from probes.simulator.run import RunningSimulator, serve_in_thread
from tests.service_process import Service, running
from tests.waiting import wait_until

UNPROBED: Final = ("paused", "not_configured")


@dataclass
class Shop:
    """Nothing is due for an hour, so that only what a test asks for changes the board."""

    service: Service
    config: Path
    simulator: RunningSimulator

    @property
    def url(self) -> str:
        return self.service.url

    def write(self, text: str) -> None:
        """Save the file as an editor does, with the simulator's address filled in."""
        self.config.write_text(filled(text, self.simulator))

    def refresh(self, *targets: str) -> str:
        """File a refresh as another program would; its id."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/refresh",
            data=json.dumps({"targets": targets} if targets else {}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            filed: dict[str, Any] = json.load(response)
        return str(filed["id"])

    def newest(self, target: str) -> str | None:
        """Id of the target's newest result."""
        found = self.service.json(f"/api/v1/results?limit=1&target={quote(target)}")["results"]
        return str(found[0]["id"]) if found else None

    def wait_for_all_targets(self) -> None:
        """Until every configured target that is probed has a result on the board."""
        wait_until("a first result of every target", self._all_seen, timeout_seconds=40)

    def _all_seen(self) -> bool:
        targets = self.service.json("/api/v1/targets")["targets"]
        probed = [target for target in targets if target["state"] not in UNPROBED]
        return bool(probed) and all(target["last_check"] for target in probed)


def filled(text: str, simulator: RunningSimulator) -> str:
    return text.replace("SIMULATOR", simulator.base_url)


@contextmanager
def open_shop(directory: Path, text: str) -> Iterator[Shop]:
    config = directory / "local.yaml"
    with serve_in_thread() as simulator:
        config.write_text(filled(text, simulator))
        with running(directory, "--config", str(config)) as service:
            shop = Shop(service, config, simulator)
            shop.wait_for_all_targets()
            yield shop
