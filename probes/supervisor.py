"""Keeps child processes running: starts, restarts with growing pauses, stops in time."""

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import IO, Final, Self

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
HEALTHY_AFTER_SECONDS: Final = 60.0  # a child that lived this long starts again with the first pause
POLL_SECONDS: Final = 0.2
STOP_SECONDS: Final = 4.0  # Ctrl-C to the end of everything stays under 5 s


class RestartPause:
    """How long to wait before a process is started again: the longer, the oftener it died young."""

    def __init__(self) -> None:
        self._seconds = FIRST_PAUSE_SECONDS

    def after(self, lived_seconds: float) -> float:
        if lived_seconds > HEALTHY_AFTER_SECONDS:
            self._seconds = FIRST_PAUSE_SECONDS
        pause_seconds, self._seconds = self._seconds, min(self._seconds * 2, LONGEST_PAUSE_SECONDS)
        return pause_seconds


class Child:
    """One child process. Its stdin is a pipe that closes when we die, so that it never outlives us."""

    def __init__(self, name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name = name
        self._arguments = list(arguments)
        self._environ = dict(environ)
        self._process: subprocess.Popen[str] | None = None
        self._started_at = 0.0
        self._pause = RestartPause()
        self._restart_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        if self._process is None:
            self._spawn(stdout=None)

    def start_and_read_line(self) -> str:
        """Start and return the first line of its standard output; raises RuntimeError when there is none."""
        self._spawn(stdout=subprocess.PIPE)
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with code {self._process.wait()} before it was ready")
        threading.Thread(target=_discard, args=(self._process.stdout,), daemon=True).start()
        return line.strip()

    def pin_argument(self, option: str, value: str) -> None:
        """What a restart must pass, learnt from the first start."""
        at = self._arguments.index(option)
        self._arguments[at + 1] = value

    def keep_alive(self) -> None:
        """Restart it when it ended; pauses grow while it keeps dying."""
        assert self._process is not None
        code = self._process.poll()
        if code is None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            pause_seconds = self._pause.after(now - self._started_at)
            self._restart_at = now + pause_seconds
            logger.error("%s ended with code %s; restart in %.1f s", self.name, code, pause_seconds)
        elif now >= self._restart_at:
            self._spawn(stdout=None)

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait_or_kill(self, deadline: float) -> None:
        """Wait until `deadline` on the monotonic clock, then kill."""
        if self._process is None:
            return
        try:
            self._process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            logger.error("%s did not stop in time and is killed", self.name)
            self._process.kill()
            self._process.wait()
        self._close_pipes()

    def _close_pipes(self) -> None:
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _spawn(self, stdout: int | None) -> None:
        self._close_pipes()
        self._restart_at = None
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and arguments
            self._arguments,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=stdout,
            text=True,
            start_new_session=True,  # Ctrl-C reaches only us; we stop the children in order
        )
        logger.info("%s started, pid %d", self.name, self._process.pid)


def _discard(pipe: IO[str]) -> None:
    for _ in pipe:
        pass


def watch_parent(on_end: Callable[[], object]) -> None:
    """Call `on_end` when our supervisor is gone, however it died: our stdin is its pipe, which then ends.

    By os.read, because a daemon thread that holds sys.stdin's lock aborts the interpreter's exit.
    """

    def wait() -> None:
        while os.read(0, 4096):
            pass
        on_end()

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()


class Supervisor:
    """Keeps children running beside the caller for as long as the context lasts. Thread-safe."""

    def __init__(self, stop_seconds: float = STOP_SECONDS) -> None:
        self._children: list[Child] = []
        self._stop_seconds = stop_seconds
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        deadline = time.monotonic() + self._stop_seconds
        with self._lock:
            for child in reversed(self._children):  # the agent before the providers that it probes
                child.ask_to_stop()
                child.wait_or_kill(deadline)

    def start(self, child: Child) -> None:
        """Start it and keep it running; nothing starts any more once the context ends."""
        with self._lock:
            if not self._stop.is_set():
                child.start()
                self._children.append(child)

    def start_and_read_line(self, child: Child) -> str:
        """As start; returns the first line of its standard output. Raises RuntimeError when there is none."""
        with self._lock:
            self._children.append(child)
            return child.start_and_read_line()

    def _watch(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            with self._lock:
                for child in self._children:
                    child.keep_alive()
