from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.simulator.run import RunningSimulator, serve_in_thread

KEY = "sk-cli-0123456789abcdef"
CONFIG = """\
apis:
  acme:
    main:
      api_key: {key}
      base_url: {url}/v1
      models:
        - {{model: "ok;ttft=0.2;gap=0.001;tokens=4", id: early, display_name: early}}
        - {{model: "ok;ttft=0.4;gap=0.001;tokens=4", id: late, display_name: late}}
        - {{model: "ok;ttft=0.2;gap=0.001;tokens=5", id: twin, display_name: twin}}
        - {{model: fast, prices: {{input_per_million: 1, output_per_million: 5}}}}
        - {{model: "ok;ttft=0.01;gap=0.2;tokens=20", id: writer, display_name: writer}}
        - {{model: "ok;ttft=0.01;gap=0.03;tokens=20", id: chatty, display_name: chatty}}
        - {{model: "hostile-ansi;gap=0.02", id: ansi}}
        - error-500
        - echoes-key
  openai:
    main: {{api_key: example, models: [gpt-4o-mini]}}
"""


@pytest.fixture(scope="session")
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, simulator: RunningSimulator) -> Path:
    path = tmp_path / "local.yaml"
    path.write_text(CONFIG.format(key=KEY, url=simulator.base_url))
    return path
