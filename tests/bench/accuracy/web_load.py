"""The web role under load: `python app.py web` on a store with a history, read by clients in a process of their own."""

import asyncio
import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.history import Size, database_of

ROOT = Path(__file__).parent.parent.parent.parent
PATHS = ("/", "/stats", "/kanban", "/api/v1/statistics")
CLIENTS = 200
EVERY_SECONDS = 2.0
START_SECONDS = 30.0
STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Board:
    url: str


@contextlib.contextmanager
def web_role(directory: Path) -> Iterator[Board]:
    """A board with 200 targets. Raises RuntimeError when it does not start."""
    data = directory / "data"
    data.mkdir()
    shutil.copyfile(database_of(Size(10_000)), data / "firsttoken.sqlite3")
    log = directory / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py", "web", "--port", "0", "--data", data],
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        board = Board(_address(process, log))
        urllib.request.urlopen(board.url, timeout=START_SECONDS).close()  # the first page costs the most
        yield board
    finally:
        _stop(process)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"is at (http://\S+)", log.read_text("utf-8")):
            return found[1].rstrip("/")
        time.sleep(0.05)
    raise RuntimeError(f"the web role did not start: {log.read_text('utf-8')[-1000:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for sign in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)


class Readers:
    """While the block runs, the clients read; `served` is known after it."""

    def __init__(self, board: Board) -> None:
        self._command = [sys.executable, "-m", "tests.bench.accuracy.web_load", board.url]
        self.served: float | None = None  # pages a second

    def __enter__(self) -> "Readers":
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # every client has had its first page
        return self

    def __exit__(self, *_: object) -> None:
        try:
            said, _errors = self._process.communicate(timeout=STOP_SECONDS)  # closes its stdin
            self.served = json.loads(said)["pages_per_second"]
        except (subprocess.TimeoutExpired, ValueError):
            self._process.kill()
            self._process.wait(STOP_SECONDS)


# The clients' process.


async def read_pages(host: str, port: int, number: int, seen: list[int]) -> None:
    """One reader: a page each `EVERY_SECONDS`, or as fast as they come when that is slower."""
    reader, writer = await asyncio.open_connection(host, port)
    await asyncio.sleep(number * EVERY_SECONDS / CLIENTS)
    loop = asyncio.get_running_loop()
    due = loop.time()
    try:
        while True:
            path = PATHS[(number + seen[number]) % len(PATHS)]
            request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept-Encoding: gzip\r\n\r\n"
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            assert length is not None, head
            await reader.readexactly(int(length[1]))
            seen[number] += 1
            due = max(due + EVERY_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())
    finally:
        writer.close()


async def read_until_told(url: str) -> None:
    address = urllib.parse.urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    seen = [0] * CLIENTS
    readers = [
        asyncio.create_task(read_pages(address.hostname, address.port, number, seen))
        for number in range(CLIENTS)
    ]
    for _ in range(round(START_SECONDS / 0.1)):
        if all(seen):
            break
        await asyncio.sleep(0.1)
    print("reading", flush=True)
    before, began = sum(seen), time.monotonic()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    took = time.monotonic() - began
    print(json.dumps({"pages_per_second": (sum(seen) - before) / took}))
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(read_until_told(sys.argv[1]))
