"""`python app.py` as the operator runs it, for tests: a real process on a free port, stopped as Ctrl-C stops it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent


class Site:
    """A service that listens somewhere."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            body: bytes = response.read()
        return body.decode()

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))


class Service(Site):
    """A running `app.py`; output is kept in a file so that no pipe ever fills."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        super().__init__("")
        self.process = process
        self._log = log

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def url(self) -> str:
        """Once it listens; a service that ended instead fails the test with what it said."""
        wait_until("the address", lambda: self._address() or self.process.poll() is not None)
        address = self._address()
        assert address is not None, self.output
        return address

    def _address(self) -> str | None:
        found = re.search(r"is at (http://\S+)", self.output)
        return found.group(1).rstrip("/") if found else None

    def children(self) -> dict[int, str]:
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        return {int(line.split()[0]): line for line in listed.splitlines()}

    def agent_pid(self) -> int | None:
        return next((pid for pid, line in self.children().items() if "app.py agent" in line), None)


@contextmanager
def running(tmp_path: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Service]:
    """A service whose environment is ours without our MongoDB, and with what is given."""
    log = tmp_path / "service.log"
    ours = {key: value for key, value in os.environ.items() if not key.startswith("MONGODB")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py", *arguments, "--port", "0", "--data", str(tmp_path / "data")],
            cwd=ROOT,
            env=ours | dict(environ or {}),
            stdout=output,
            stderr=output,
        )
    try:
        yield Service(process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
