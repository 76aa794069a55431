"""One worker process as its agent sees it: started, spoken to, heard, started again when it dies."""

import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Final

import probes
from probes.log import Redactor
from probes.prober.frames import FromWorker, ToWorker
from probes.supervisor import RestartPause

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0  # how often it is asked whether a silent worker is stuck
_EXIT_SECONDS: Final = 0.5  # from the end of its pipe to its own end
_ROOT: Final = Path(probes.__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Hooks:
    """Called from the worker's own thread here; `on_end` gets the exit code."""

    on_up: Callable[["WorkerProcess"], None]
    on_frame: Callable[["WorkerProcess", FromWorker], None]
    on_end: Callable[["WorkerProcess", int], None]
    is_stuck: Callable[["WorkerProcess"], bool]


class WorkerProcess:
    """Keeps a process with this number running from `start` to `finish`."""

    def __init__(self, number: int, environ: Mapping[str, str], hooks: Hooks) -> None:
        self.number = number
        self._environ = environ
        self._hooks = hooks
        self._process: subprocess.Popen[bytes] | None = None
        self._outbox: queue.SimpleQueue[ToWorker | None] = queue.SimpleQueue()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"worker {number}", daemon=True)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        self._thread.start()

    def send(self, frame: ToWorker) -> None:
        """Never blocks, also not on a worker that has stopped reading."""
        self._outbox.put(frame)

    def finish(self) -> None:
        """From now on its end is final."""
        self._is_over.set()

    def wait_or_kill(self, deadline: float) -> None:
        """Wait until `deadline` on the monotonic clock, then kill."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive() and self._process is not None:
            logger.error("worker %d did not stop in time and is killed", self.number)
            self._process.kill()
            self._thread.join()

    # On the worker's thread.

    def _keep(self) -> None:
        pause = RestartPause()
        while not self._is_over.is_set():
            began = time.monotonic()
            code = self._live_once()
            if not self._is_over.is_set():
                pause_seconds = pause.after(time.monotonic() - began)
                logger.error(
                    "worker %d ended with code %d; restart in %.1f s", self.number, code, pause_seconds
                )
            self._hooks.on_end(self, code)
            if not self._is_over.is_set():
                self._is_over.wait(pause_seconds)

    def _live_once(self) -> int:
        """From its start to its exit code."""
        ours, theirs = Pipe()
        with ours:
            with theirs:
                process = self._process = _spawn(theirs, self._environ)
            logger.info("worker %d started, pid %d", self.number, process.pid)
            outbox = self._outbox = queue.SimpleQueue()
            sender = threading.Thread(target=_send_all, args=(ours, outbox), daemon=True)
            sender.start()
            self._hooks.on_up(self)
            self._hear(ours, process)
            outbox.put(None)
            code = _exit_code(process)
            sender.join()
        return code

    def _hear(self, pipe: Connection, process: "subprocess.Popen[bytes]") -> None:
        """Until the pipe ends."""
        try:
            while True:
                while not pipe.poll(LOOK_SECONDS):
                    if self._hooks.is_stuck(self):
                        process.kill()
                self._hooks.on_frame(self, pipe.recv())
        except (EOFError, OSError):
            return


def worker_environ(environ: Mapping[str, str], redact: Redactor) -> dict[str, str]:
    """The given one without anything that holds a secret: keys come over the pipe, where they are needed."""
    ours = {name: value for name, value in environ.items() if redact(value) == value}
    path = os.pathsep.join(part for part in (str(_ROOT), ours.get("PYTHONPATH", "")) if part)
    return {**ours, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "1"}  # as service does for the other roles


def _spawn(pipe: Connection, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Not by multiprocessing: that adds a process that tracks resources, and imports our main module again."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "probes.prober.worker"],
        env=environ,
        stdin=pipe.fileno(),
        start_new_session=True,  # Ctrl-C reaches only the agent, which lets the probes end
    )


def _send_all(pipe: Connection, outbox: "queue.SimpleQueue[ToWorker | None]") -> None:
    try:
        while (frame := outbox.get()) is not None:
            pipe.send(frame)
    except OSError as error:  # it died; what became of its jobs is told where its end is seen
        logger.debug("the pipe to a worker broke: %s", error)


def _exit_code(process: "subprocess.Popen[bytes]") -> int:
    try:
        return process.wait(_EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
