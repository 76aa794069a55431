"""A worker process: today's pool on a loop of its own, fed over a pipe. Run by workers.py, never by hand.

It imports neither the store nor the settings' reader: a worker costs what its SDKs cost.
"""

import os
import signal
from functools import partial
from multiprocessing.connection import Connection
from typing import assert_never

from probes.clock import SystemClock
from probes.domain.plan import SelfCheck
from probes.domain.result import ProbeResult
from probes.log import Redactor, set_up_logging
from probes.prober.frames import Assign, Checked, Configure, Done, Drain, Learn, Start, ToWorker
from probes.prober.pool import ProbePool
from probes.prober.probe import Prober

Pipe = Connection  # both directions


class Worker:
    def __init__(self, start: Start, pipe: Pipe) -> None:
        self._pipe = pipe
        self._redact = Redactor()
        self._config_version: str | None = None
        set_up_logging(self._redact, f"worker {start.number}", start.log_level)
        prober = Prober(
            start.observer, SystemClock(), self._redact, config_version=lambda: self._config_version
        )
        self._pool = ProbePool(prober, start.settings, on_check=self._tell_check)

    def run(self) -> None:
        """Work until told to drain. Raises EOFError or OSError when the agent is gone."""
        self._pool.start()
        while self._obey(self._pipe.recv()):
            pass

    def _obey(self, frame: ToWorker) -> bool:
        """Whether there is more to come."""
        match frame:
            case Assign():
                self._config_version = frame.config_version
                self._pool.submit(frame.target, frame.slot, partial(self._tell_result, frame.number))
            case Learn():
                self._redact.learn(secret.reveal() for secret in frame.secrets)
            case Configure():
                self._pool.configure(frame.settings)
            case Drain():
                self._pool.drain(frame.timeout_seconds)
                return False
            case Start():
                raise ValueError("a worker starts once")
            case _:
                assert_never(frame)
        return True

    # On the thread of the pool's results.

    def _tell_result(self, number: int, result: ProbeResult) -> None:
        self._pipe.send(Done(number, result))

    def _tell_check(self, check: SelfCheck) -> None:
        self._pipe.send(Checked(check))


def main() -> None:
    """Our standard input is the pipe; it ends when the agent does, however that died, and then so do we."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the agent has them too, and tells us when to stop
        signal.signal(number, signal.SIG_IGN)
    pipe = Connection(os.dup(0))
    with open(os.devnull) as nothing:  # noqa: PTH123  # a descriptor is wanted
        os.dup2(nothing.fileno(), 0)
    try:
        Worker(pipe.recv(), pipe).run()
    except (EOFError, OSError):
        os._exit(1)  # nobody is left to tell; the kernel closes what is open
    pipe.close()


if __name__ == "__main__":
    main()
