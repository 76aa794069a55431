"""Prometheus' own checker of metrics and rules (see ./build)."""

import subprocess
from pathlib import Path

from tests.peers.absence import missing
from tests.peers.installed import place

HERE = Path(__file__).resolve().parent


def promtool(*arguments: str, fed: str = "") -> subprocess.CompletedProcess[str]:
    """What it says of the files that it is told, or of the text that it is fed."""
    program = place("promtool", [HERE / "go.mod", HERE / "go.sum"])
    if not program.exists():
        missing("promtool, Prometheus' checker", "Run tests/promtool/build.")
    return subprocess.run(
        [program, *arguments], input=fed, capture_output=True, text=True, timeout=60, check=False
    )
