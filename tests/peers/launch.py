"""Starts a server as a process of its own, waits for the line in which it says where it listens, and ends it."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

STOP_SECONDS = 5.0
# Nothing else of our environment reaches a server: above all no keys and no proxies.
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Launch:
    command: Sequence[str | Path]
    announces: re.Pattern[str]
    """Matches the line that says it is ready; group 1 is the address."""
    environment: Mapping[str, str] = field(default_factory=dict)
    patience_seconds: float = 60.0


class StartError(Exception):
    """The server ended, or kept silent for too long; the message ends with what it printed."""


@contextmanager
def running(launch: Launch, log: Path) -> Iterator[str]:
    """Yields the address which the server announces; its whole output is kept in the log."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    with subprocess.Popen(
        launch.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment | dict(launch.environment),
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        announcement = _Announcement(process.stdout, launch.announces, log)
        try:
            yield announcement.wait(launch.patience_seconds)
        finally:
            _stop(process)
            announcement.join()


class _Announcement(threading.Thread):
    """Copies the output of a server into its log until it ends, looking for the address on the way."""

    def __init__(self, output: IO[str], announces: re.Pattern[str], log: Path) -> None:
        super().__init__(name=f"output of {log.stem}", daemon=True)
        self._output, self._announces, self._log = output, announces, log
        self._is_known = threading.Event()
        self._address: str | None = None
        self.start()

    def run(self) -> None:
        with self._log.open("w", encoding="utf-8", buffering=1) as log:
            for line in self._output:
                log.write(line)
                if self._address is None and (found := self._announces.search(line)):
                    self._address = found[1]
                    self._is_known.set()
        self._is_known.set()

    def wait(self, seconds: float) -> str:
        self._is_known.wait(seconds)
        if self._address is None:
            tail = self._log.read_text("utf-8")[-2000:]
            how = f"said no address within {seconds:g} s" if self.is_alive() else "ended while it started"
            raise StartError(f"{self._log.stem} {how}; see {self._log}\n{tail}")
        return self._address


def _stop(process: subprocess.Popen[str]) -> None:
    """Ends the server with every process that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            return
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
