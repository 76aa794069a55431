"""Starts roles of `app.py` at once: a process that has imported everything, and forks a child for each line it reads.

What is killed is a process like any other; only the seconds of its imports are saved, of which two hundred are many.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parent.parent.parent


class Nursery:
    """The process, as those who ask it see it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.nursery"],
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, arguments: Sequence[str], log: Path) -> int:
        """The new process's id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(log), *arguments]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


def main() -> None:
    preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the killed
    for line in sys.stdin:
        log, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            live(Path(log), arguments)
        print(child, flush=True)


def preload() -> None:
    import anthropic  # noqa: F401
    import openai  # noqa: F401

    import probes.agent
    import probes.alerts.channels
    import probes.cli
    import probes.prober
    import probes.service
    import probes.store.spool
    import probes.store.sqlite
    import probes.web.factory
    import probes.web.server  # noqa: F401


def live(log: Path, arguments: Sequence[str]) -> NoReturn:
    from probes.cli import main as run

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, target in ((0, nothing), (1, output), (2, output)):
        os.dup2(target, number)
    os._exit(run(list(arguments)))


if __name__ == "__main__":
    main()
