"""One prober and one simulator for the whole directory."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.simulator import RunningSimulator, serve_in_thread
from tests.prober.asking import RunningProber, running_prober

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="package")
def prober() -> Iterator[RunningProber]:
    with running_prober() as running:
        yield running


@pytest.fixture(scope="package")
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture(scope="package")
def truth_url() -> Iterator[str]:
    """The truth server, a process of its own."""
    command = [sys.executable, "-m", "tests.prober.truth_server"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()
