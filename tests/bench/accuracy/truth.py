"""The truth server as a process of its own, and what it tells."""

import contextlib
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.accuracy.errors import Sent

HERE = Path(__file__).parent
START_SECONDS = 10.0
BUILD_SECONDS = 300.0
ASK_SECONDS = 30.0


class NoTruthError(Exception):
    """The server cannot be built or does not start; the text says why."""


@dataclass(frozen=True, slots=True)
class TruthServer:
    plain_url: str
    tls_url: str
    certificate: str
    process_id: int

    def url(self, *, is_tls: bool) -> str:
        return self.tls_url if is_tls else self.plain_url

    def sent(self, model: str) -> list[Sent]:
        """Every answer under model names that begin so."""
        with urllib.request.urlopen(f"{self.plain_url}/streams?model={model}", timeout=ASK_SECONDS) as told:
            streams = json.load(told)
        return [
            Sent(
                id=one["id"],
                request_id=one["request_id"],
                request_ns=one["request_ns"],
                tokens_ns=tuple(one["tokens_ns"]),
                sent_ns=tuple(one["sent_ns"]),
                end_ns=one["end_ns"],
                end_sent_ns=one["end_sent_ns"],
            )
            for one in streams
        ]

    def cpu_seconds(self) -> float | None:
        """What it used so far; None where the system does not tell."""
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{self.process_id}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return None


def build() -> Path:
    """The server's program. Raises NoTruthError."""
    try:
        built = subprocess.run(
            [HERE / "build"], stdout=subprocess.PIPE, text=True, timeout=BUILD_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoTruthError(f"the truth server cannot be built: {error}") from error
    return Path(built.stdout.strip())


@contextlib.contextmanager
def truth_server(directory: Path) -> Iterator[TruthServer]:
    """Runs until the block ends; its certificate is in the directory."""
    command = [str(build()), "-certificates", str(directory)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=_go_first
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline() or "{}")
            if not said:
                raise NoTruthError("the truth server ended as it started")
            yield TruthServer(said["plain"], said["tls"], said["certificate"], process.pid)
        finally:
            process.stdin.close()
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _go_first() -> None:
    """It stands for another machine: where the system lets it, this one's bustle does not touch it."""
    with contextlib.suppress(OSError):
        os.nice(-10)
