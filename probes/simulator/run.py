"""Runs a simulator: blocking for the command line, or in a thread beside a test."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from probes.simulator.catalogue import list_scenarios
from probes.simulator.parameters import ScenarioError
from probes.simulator.scenario_file import load_scenario_file
from probes.simulator.server import Simulator, SimulatorConfig
from probes.simulator.truth import TruthLog

__all__ = ["RunOptions", "RunningSimulator", "list_scenarios", "run_simulator", "serve_in_thread"]

EXIT_BAD_SCENARIOS: Final = 2
KEPT_REQUESTS: Final = 200  # a process that runs for weeks keeps no more truth than a reader asks for


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that listens: its address without a path, its port, and what it truly did."""

    base_url: str
    port: int
    truth: TruthLog


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line sets; port 0 lets the system choose."""

    host: str = "127.0.0.1"
    port: int = 0
    scenarios: Path | None = None
    seed: int = 0
    exit_when_stdin_closes: bool = False


def run_simulator(options: RunOptions) -> int:
    """Serves until SIGTERM or SIGINT, or until stdin closes (a parent that dies closes it); prints the address.

    Returns the exit code: 2 when the scenario file is wrong. Raises OSError when the port cannot be had.
    """
    try:
        models = load_scenario_file(options.scenarios) if options.scenarios else {}
    except ScenarioError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_SCENARIOS
    config = SimulatorConfig(options.host, options.port, options.seed, models, truth_limit=KEPT_REQUESTS)
    asyncio.run(_run(config, exit_when_stdin_closes=options.exit_when_stdin_closes))
    return 0


async def _run(config: SimulatorConfig, *, exit_when_stdin_closes: bool) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopping.set)
    if exit_when_stdin_closes:
        _watch_stdin(lambda: loop.call_soon_threadsafe(stopping.set))
    simulator = Simulator(config)
    port = await simulator.start()
    sys.stdout.write(f"listening on {simulator.base_url(port)}\n")
    sys.stdout.flush()
    await stopping.wait()
    await simulator.stop()


def _watch_stdin(on_close: Callable[[], object]) -> None:
    """Calls once stdin is at its end. By os.read: a daemon thread inside sys.stdin aborts the interpreter's exit."""

    def watch() -> None:
        while True:
            try:
                if not os.read(0, 4096):
                    break
            except OSError:
                break
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            on_close()

    threading.Thread(target=watch, name="stdin-watch", daemon=True).start()


@contextlib.contextmanager
def serve_in_thread(config: SimulatorConfig | None = None) -> Iterator[RunningSimulator]:
    """A simulator on an event loop of its own thread, stopped with the block."""
    simulator = Simulator(config or SimulatorConfig())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(simulator.start(), loop).result()
        yield RunningSimulator(simulator.base_url(port), port, simulator.truth)
    finally:
        asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
