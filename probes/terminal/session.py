"""What watching and comparing share: the run beside its viewer, signals, output that may be a broken pipe."""

import contextlib
import io
import logging
import os
import queue
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Final, Protocol

from probes.domain.target import Target
from probes.log import Redactor
from probes.settings.estimate import prompt_tokens
from probes.terminal.measuring import Bench, Event, Measuring
from probes.terminal.plans import Plan
from probes.terminal.text import money_text

EXIT_OK: Final = 0
EXIT_NO_ANSWER: Final = 1  # a target had no ok probe
EXIT_INTERRUPTED: Final = 130
_TICK_SECONDS: Final = 0.1
_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@dataclass(frozen=True, slots=True)
class Session:
    """`environ` decides with stdout whether the view is live."""

    targets: tuple[Target, ...]
    bench: Bench
    redact: Redactor
    environ: Mapping[str, str]

    @property
    def is_live(self) -> bool:
        """Whether stdout is a terminal that can place its cursor."""
        return sys.stdout.isatty() and self.environ.get("TERM", "") not in ("", "dumb", "unknown")


class Viewer(Protocol):
    def take(self, event: Event) -> None:
        """Something happened."""

    def tick(self) -> None:
        """A tenth of a second passed."""


def follow(session: Session, plan: Plan, viewer: Viewer, heading: str | None = None) -> bool:
    """Run the plan to its end or to Ctrl-C, and show the viewer all of it; True when it was interrupted.

    `heading` is remarked first; who reads it may interrupt.
    """
    measuring = Measuring(plan, session.bench)
    with _stopped_by_signals(measuring) as stopped:
        if heading is not None:
            remark(heading)
        viewer.tick()  # not sooner: whoever sees the first frame may press Ctrl-C
        measuring.start()
        try:
            _show_all(session.bench, viewer)
        except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
            stopped.append("SIGPIPE")
            _write_nowhere()
        finally:
            measuring.stop()
            measuring.join()
    return bool(stopped)


def _show_all(bench: Bench, viewer: Viewer) -> None:
    while True:
        try:
            event = bench.events.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            viewer.tick()
            continue
        if event is None:
            return
        viewer.take(event)


@contextlib.contextmanager
def _stopped_by_signals(measuring: Measuring) -> Iterator[list[str]]:
    """A signal ends the run in order; a second one of its kind does what it always does."""
    stopped: list[str] = []
    before = {name: signal.getsignal(getattr(signal, name)) for name in _SIGNALS if hasattr(signal, name)}

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.append(signal.Signals(number).name)
        signal.signal(number, before[signal.Signals(number).name])
        measuring.stop()

    for name in before:
        signal.signal(getattr(signal, name), stop)
    try:
        yield stopped
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _write_nowhere() -> None:
    """What is still buffered would raise again at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(line: str) -> None:
    """One line of output, at once: a pipe's reader waits for it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def remark(line: str) -> None:
    """One line beside the output."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@contextlib.contextmanager
def logs_held_back() -> Iterator[None]:
    """Log lines would tear a live view: they come after it."""
    held = io.StringIO()
    handlers = [h for h in logging.getLogger().handlers if isinstance(h, logging.StreamHandler)]
    streams = [handler.setStream(held) for handler in handlers]
    try:
        yield
    finally:
        for handler, stream in zip(handlers, streams, strict=True):
            handler.setStream(stream or sys.stderr)
        sys.stderr.write(held.getvalue())


def price_text(targets: Sequence[Target], probes_each: int) -> str:
    """What that many probes of each cost at most: "up to 21 probes a target, 1,575 + 1,344 tokens, cost 0.0021"."""
    sent = sum(prompt_tokens(target.options.prompt) for target in targets) * probes_each
    got = sum(target.options.max_tokens for target in targets) * probes_each
    costs = [cost for target in targets if (cost := cost_at_most(target)) is not None]
    money = f", cost {money_text(sum(costs) * probes_each)}" if costs else ""
    missing = f", {len(targets) - len(costs)} without a known price" if len(costs) < len(targets) else ""
    return f"about {sent:,} + up to {got:,} tokens{money}{missing}"


def cost_at_most(target: Target) -> float | None:
    """Of one probe; None without prices."""
    prices = target.prices
    if prices.input_per_million is None or prices.output_per_million is None:
        return None
    sent = prompt_tokens(target.options.prompt) * prices.input_per_million
    return (sent + target.options.max_tokens * prices.output_per_million) / 1e6
