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

PLAIN_SHOP: Final = """
web: {refresh_cooldown: 1s}
defaults: {interval: 1h, max_tokens: 16}
apis:
  Acme:
    main:
      base_url: SIMULATOR/v1
      api_key: not-a-secret-at-all
      models:
        - {model: fast, display_name: Acme Fast}
        - {model: "ok?ttft=1.5", id: patient, display_name: Acme Patient}
  Zenith:
    main:
      base_url: SIMULATOR
      protocol: anthropic_messages
      api_key: not-a-secret-at-all
      models: [{model: ok, display_name: Zenith One}]
"""

# Of no shape that looks like a key, so that only knowing them hides them.
SECRETS: Final = {
    "typed into the file": "Quartz7/Lantern9+Meadow",
    "from the environment": "Velvet3&Harbour'Tundra",
    "in a file of its own": "Cobalt5.Willow_Ember",
    "in a header": "Saffron8~Glacier",
}
ENVIRONMENT_NAME: Final = "FIRSTTOKEN_E2E_KEY"
KEY_FILE: Final = "own.key"

HOSTILE_SHOP: Final = f"""
web: {{refresh_cooldown: 1s}}
defaults: {{interval: 1h, max_tokens: 16, labels: {{team: "<b onmouseover=alert(1)>{{{{7*7}}}}"}}}}
apis:
  "<img src=x onerror=alert(1)>":
    "<svg onload=alert(1)>":
      base_url: SIMULATOR/v1
      api_key: '{SECRETS["typed into the file"]}'
      models:
        - {{model: hostile, display_name: "</title><script>alert('name')</script>"}}
        - {{model: hostile-names, id: "<i onclick=alert(1)>'x", display_name: "{{{{7*7}}}} {{n}} {{done}}"}}
        - {{model: fast, id: "50%25#1?a=b&c='d", display_name: Odd}}
        - hostile-error
        - hostile-long-word
        - echoes-key
  Second:
    environment:
      base_url: SIMULATOR
      protocol: anthropic_messages
      api_key: "${{{ENVIRONMENT_NAME}}}"
      headers: {{X-Secret-Token: "{SECRETS["in a header"]}"}}
      models: [hostile-surrogate, hostile-error, hostile-names, echoes-key]
    file:
      base_url: SIMULATOR/v1
      api_key_file: {KEY_FILE}
      models: [hostile-nul, echoes-key]
"""


@dataclass
class Shop:
    """Nothing is due for an hour, so that only what a test asks for changes the board."""

    service: Service
    config: Path
    simulator: RunningSimulator

    @property
    def data(self) -> Path:
        return self.config.with_name("data")

    @property
    def url(self) -> str:
        return self.service.url

    def write(self, text: str) -> None:
        """Save the file as an editor does, with the simulator's address filled in."""
        self.config.write_text(filled(text, self.simulator))

    def refresh(self, *targets: str) -> str:
        """File a refresh as another program would; its id."""
        body = json.dumps({"targets": targets} if targets else {}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v1/refresh", body, headers)
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
