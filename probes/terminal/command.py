"""From the command line's words to a run: which targets, with which prober. Raises StartError for what cannot be."""

import fnmatch
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from probes.clock import SystemClock
from probes.domain.result import Observer
from probes.domain.target import Target
from probes.prober import Prober
from probes.service import Context, StartError
from probes.settings.model import Settings
from probes.terminal.compare import Rules, compare
from probes.terminal.figures import Metric
from probes.terminal.measuring import Bench
from probes.terminal.plans import Pace
from probes.terminal.session import Session, remark
from probes.terminal.watch import watch

DEFAULT_EVERY_SECONDS: Final = 5.0
DEFAULT_ROUNDS: Final = 20
_WILDCARDS: Final = frozenset("*?[")

FindTarget = Callable[[Settings, str], Target]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said of a live view; None where it was silent."""

    targets: tuple[str, ...]
    every_seconds: float | None = None
    count: int | None = None
    by: str | None = None
    until_clear: bool = False
    as_json: bool = False


def run_watch(context: Context, asked: Asked, find_target: FindTarget) -> int:
    targets = find_targets(context.settings, asked.targets, find_target)
    every = asked.every_seconds if asked.every_seconds is not None else DEFAULT_EVERY_SECONDS
    return watch(_session(context, targets), Pace(every, asked.count), as_json=asked.as_json)


def run_compare(context: Context, asked: Asked, find_target: FindTarget) -> int:
    targets = find_targets(context.settings, asked.targets, find_target)
    if len(targets) < 2:
        raise StartError(
            f"--compare needs two targets at least; {asked.targets[0]!r} is {targets[0].id} alone"
        )
    rules = Rules(
        rounds=asked.count if asked.count is not None else DEFAULT_ROUNDS,
        every_seconds=asked.every_seconds if asked.every_seconds is not None else DEFAULT_EVERY_SECONDS,
        by=Metric(asked.by) if asked.by is not None else Metric.TTFT,
        until_clear=asked.until_clear,
    )
    return compare(_session(context, targets), rules, as_json=asked.as_json)


def find_targets(settings: Settings, wanted: Sequence[str], find_target: FindTarget) -> tuple[Target, ...]:
    """Every target that one of the words names, once, in the order of the words; a word for several may be a pattern
    ("openai/*", "*mini*"), a provider or a client. Raises StartError where none can be probed.

    One that is named by itself must be ready; one of many is left out with a remark.
    """
    found: dict[str, Target] = {}
    for word in wanted:
        many = _of_pattern(settings, word)
        if not many:
            target = find_target(settings, word)
            if not target.is_probed:
                raise StartError(_idle(target))
            many = [target]
        ready = [target for target in many if target.is_probed]
        if not ready:
            raise StartError(f"{word!r}: no target of it can be probed; {_idle(many[0])}")
        for target in many:
            if not target.is_probed:
                remark(f"left out: {_idle(target)}")
        found |= {target.id: target for target in ready}
    return tuple(found.values())


def _of_pattern(settings: Settings, word: str) -> list[Target]:
    """What a pattern, a provider or a client stands for; nothing for the name of one target."""
    folded = word.casefold().rstrip("/")
    if any(target.id.casefold() == folded for target in settings.targets):
        return []
    is_pattern = not _WILDCARDS.isdisjoint(word)
    return [
        target
        for target in settings.targets
        if (
            fnmatch.fnmatchcase(target.id.casefold(), folded)
            if is_pattern
            else target.id.casefold().startswith(f"{folded}/")
        )
    ]


def _idle(target: Target) -> str:
    return f"{target.id} is {target.readiness.value}: {target.readiness_reason or 'see the file'}"


def _session(context: Context, targets: tuple[Target, ...]) -> Session:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # what a model writes need not be in the terminal's alphabet
    clock = SystemClock()
    version = context.settings.version
    observer = Observer(context.options.location or context.settings.agent.location, "command line")
    prober = Prober(observer, clock, context.redact, config_version=lambda: version)
    bench = Bench(prober, clock, context.settings.agent)
    return Session(targets, bench, context.redact, context.options.environ)
