"""Runs one case in processes of its own, none of which can outlast its limit, and compares it with the truth."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from tests.bench.accuracy.client import Job, Took
from tests.bench.accuracy.errors import (
    Measured,
    Sent,
    Spread,
    errors_of,
    in_flight,
    joined,
    lateness,
    paired,
    percentile,
    spread,
    uncertainty,
)
from tests.bench.accuracy.plan import Beside, Case
from tests.bench.accuracy.schedule import Schedule
from tests.bench.accuracy.tools import TOOLS, Asked, Tool, environment
from tests.bench.accuracy.truth import TruthServer
from tests.bench.accuracy.web_load import Board, Readers

ROOT = Path(__file__).parent.parent.parent.parent
OWN_PATIENCE_SECONDS = 45.0  # beyond what the schedule takes; an overloaded way takes many times its schedule
CROWDED_PATIENCE_SECONDS = 90.0
TOOL_PATIENCE_SECONDS = 90.0  # half a minute passes before GuideLLM begins
ONE_CORE = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One case's outcome; durations in seconds, None where nothing tells."""

    case: Case
    asked: int
    matched: int  # measured streams whose truth is known
    most_in_flight: int
    ttft: Spread
    gaps: Spread
    tpot: Spread
    total: Spread
    exact: int | None  # records that say so; None for ways without such a word
    bounded: int | None
    degraded: int | None
    exact_ttft: Spread | None  # of the records that call themselves exact
    lag_p95_seconds: float | None
    took: Took | None
    truth_lateness: Spread
    truth_uncertainty: Spread
    pages_per_second: float | None
    load: float
    lost: Mapping[str, int]  # why streams came to no good end, and how many
    failure: str | None = None  # why nothing was measured at all

    @property
    def bounded_share(self) -> float | None:
        return None if self.bounded is None or not self.matched else self.bounded / self.matched

    @property
    def cpu_per_stream(self) -> float | None:
        return self.took.cpu_seconds / self.matched if self.took is not None and self.matched else None

    @property
    def cpu_per_token(self) -> float | None:
        per_stream = self.cpu_per_stream
        return None if per_stream is None else per_stream / SCHEDULE.tokens


SCHEDULE = Schedule()


class FailedError(Exception):
    """A process ended badly, or not in time; the text is for the table."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs share."""

    truth: TruthServer
    board: Board | None
    scratch: Path

    def run(self, case: Case, number: int) -> Row:
        """The case's row; one that says why where it came to nothing."""
        model = f"{SCHEDULE.model}-r{number}-"
        readers = Readers(self.board) if case.beside is Beside.WEB and self.board is not None else None
        load = os.getloadavg()[0]
        measured: list[Measured] = []
        took, failure = None, None
        with readers or contextlib.nullcontext():
            try:
                measured, took = self._tool(case, model) if case.way in TOOLS else self._own(case, model)
            except FailedError as error:
                failure = str(error)
        sent = [one for one in self.truth.sent(model) if one.end_ns]
        pages = readers.served if readers is not None else None
        return row(case, measured, sent, took, Surroundings(pages, load, failure))

    def _own(self, case: Case, model: str) -> tuple[list[Measured], Took]:
        job = Job(
            case.way,
            self.truth.url(is_tls=case.is_tls),
            model,
            SCHEDULE,
            case.pace,
            has_busy_thread=case.beside is Beside.THREAD,
            core=ONE_CORE if case.beside is Beside.CORE else None,
        )
        command = [sys.executable, "-m", "tests.bench.accuracy.client", json.dumps(asdict(job))]
        patience = case.pace.rounds * SCHEDULE.seconds + (
            OWN_PATIENCE_SECONDS if case.beside is Beside.NOTHING else CROWDED_PATIENCE_SECONDS
        )
        said, _ = finished(command, dict(os.environ) | {"SSL_CERT_FILE": self.truth.certificate}, patience)
        outcome = json.loads(said)
        return [Measured(**one) for one in outcome["measured"]], Took(**outcome["took"])

    def _tool(self, case: Case, model: str) -> tuple[list[Measured], Took]:
        tool: Tool = TOOLS[case.way]
        installed = tool.installed()
        if installed is None:
            raise FailedError("not installed")
        with tempfile.TemporaryDirectory(dir=self.scratch) as directory:
            url = self.truth.url(is_tls=case.is_tls)
            asked = Asked(installed, url, model, SCHEDULE, case.pace, Path(directory))
            patience = case.pace.rounds * SCHEDULE.seconds + TOOL_PATIENCE_SECONDS
            _, took = finished(tool.command(asked), environment(self.truth.certificate), patience)
            try:
                return list(tool.report(Path(directory))), took
            except (OSError, ValueError, LookupError) as error:
                raise FailedError(f"no report: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Surroundings:
    pages_per_second: float | None
    load: float
    failure: str | None


def row(
    case: Case,
    measured: Sequence[Measured],
    sent: Sequence[Sent],
    took: Took | None,
    around: Surroundings,
) -> Row:
    """Everything that the table shows of one case. Pure."""
    pairs = paired(measured, sent)
    errors = joined(errors_of(one, truth) for one, truth in pairs)
    exact = joined(errors_of(one, truth) for one, truth in pairs if one.quality == "exact")
    qualities = [one.quality for one, _ in pairs]
    is_judged = any(quality is not None for quality in qualities)
    lags = [one.lag_seconds for one, _ in pairs if one.lag_seconds is not None]
    return Row(
        case=case,
        asked=case.pace.total,
        matched=len(pairs),
        most_in_flight=in_flight(sent),
        ttft=spread(errors.ttft),
        gaps=spread(errors.gaps),
        tpot=spread(errors.tpot),
        total=spread(errors.total),
        exact=qualities.count("exact") if is_judged else None,
        bounded=qualities.count("bounded") if is_judged else None,
        degraded=qualities.count("degraded") if is_judged else None,
        exact_ttft=spread(exact.ttft) if is_judged else None,
        lag_p95_seconds=percentile(lags, 0.95),
        took=took,
        truth_lateness=spread(lateness(sent, SCHEDULE)),
        truth_uncertainty=spread(uncertainty(sent)),
        pages_per_second=around.pages_per_second,
        load=around.load,
        lost=Counter(one.failure[:200] for one in measured if one.failure is not None),
        failure=around.failure,
    )


def finished(
    command: Sequence[str | Path], environ: Mapping[str, str], patience_seconds: float
) -> tuple[str, Took]:
    """What a process said until it ended, and what it cost, its start included. Raises FailedError."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=complained,
            start_new_session=True,
        )
        try:
            usage = _reaped(process, began + patience_seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it left behind
            process.wait()
        if usage is None:
            raise FailedError(f"not done within {patience_seconds:.0f} s")
        if process.returncode != 0:
            raise FailedError(_last_line(_text(complained)) or f"exit code {process.returncode}")
        cpu_seconds = usage.ru_utime + usage.ru_stime
        return _text(said), Took(time.monotonic() - began, cpu_seconds, usage.ru_maxrss * 1024)


def _reaped(process: "subprocess.Popen[bytes]", deadline: float) -> resource.struct_rusage | None:
    """What the process and its children used; None when it is still running at the deadline."""
    while time.monotonic() < deadline:
        reaped, status, usage = os.wait4(process.pid, os.WNOHANG)
        if reaped:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        time.sleep(0.05)
    return None


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
