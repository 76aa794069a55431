"""The one-shot commands: answer, print, exit. Roles live in service."""

import asyncio
import contextlib
import difflib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

from probes.clock import SystemClock
from probes.domain.outcome import Outcome
from probes.domain.result import Observer, ProbeResult, Slot, Trigger
from probes.domain.target import Target
from probes.service import Context, Options, StartError, prepare
from probes.settings.model import Settings
from probes.store.base import ResultQuery

COUNTED_AT_MOST: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    host: str
    port: int
    scenarios: Path | None
    seed: int
    list_only: bool
    exit_with_parent: bool


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """None where the command line was silent."""

    targets: tuple[str, ...]
    as_json: bool = False
    is_watch: bool = False
    is_compare: bool = False
    every_seconds: float | None = None
    count: int | None = None
    by: str | None = None
    until_clear: bool = False

    def refuse_what_only_views_have(self) -> None:
        """Raises StartError for an option that a single probe would ignore."""
        if self.every_seconds is not None or self.count is not None:
            raise StartError("--every and --count belong to --watch or --compare")
        if self.by is not None or self.until_clear:
            raise StartError("--by and --until-clear belong to --compare")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """`since` and `until` are ISO 8601 as typed; without a zone they are UTC."""

    format: str
    output: Path | None
    targets: tuple[str, ...]
    since: str | None
    until: str | None


def check(options: Options, *, as_json: bool) -> int:
    """Print the plan of a valid configuration; an invalid one raises SettingsError with every fault."""
    from probes.settings.estimate import estimate, plan_as_json, render_plan

    settings = prepare(options, "command").settings
    if as_json:
        print(json.dumps(plan_as_json(settings, estimate(settings)), indent=2, ensure_ascii=False))
    else:
        print(render_plan(settings, estimate(settings)))
    return 0


def probe(options: Options, wanted: ProbeOptions) -> int:
    """Measure each target once and print the records, or hand over to the live views; 0 when all answered ok."""
    if not (wanted.is_watch or wanted.is_compare):
        wanted.refuse_what_only_views_have()
        context = prepare(options, "command")
        targets = [_ready(find_target(context.settings, word)) for word in wanted.targets]
        return max(_probe_once(context, target, wanted) for target in targets)
    from probes.terminal.command import Asked, run_compare, run_watch

    if wanted.is_watch and (wanted.by is not None or wanted.until_clear):
        raise StartError("--by and --until-clear belong to --compare")
    asked = Asked(
        targets=wanted.targets,
        every_seconds=wanted.every_seconds,
        count=wanted.count,
        by=wanted.by,
        until_clear=wanted.until_clear,
        as_json=wanted.as_json,
    )
    run = run_compare if wanted.is_compare else run_watch
    return run(prepare(options, "command"), asked, find_target)


def _ready(target: Target) -> Target:
    if not target.is_probed:
        raise StartError(
            f"{target.id} is {target.readiness.value}: {target.readiness_reason or 'see the file'}"
        )
    return target


def _probe_once(context: Context, target: Target, wanted: ProbeOptions) -> int:
    from probes.prober import Prober

    options, as_json = context.options, wanted.as_json
    clock = SystemClock()
    observer = Observer(options.location or context.settings.agent.location, "command line")
    version = context.settings.version
    prober = Prober(observer, clock, context.redact, config_version=lambda: version)
    slot = Slot(target.id, clock.now(), Trigger.MANUAL, str(uuid4()))
    if not as_json:
        print(f"probing {target.id} ...", file=sys.stderr)
    result = asyncio.run(prober.probe(target, slot, in_flight=1))
    _print_result(result, as_json=as_json, is_line=len(wanted.targets) > 1)
    _print_proposals(target, result)
    return 0 if result.outcome is Outcome.OK else 1


def find_target(settings: Settings, wanted: str) -> Target:
    """The target of that id, or the only one whose id contains it. Raises StartError with suggestions."""
    by_id = {target.id: target for target in settings.targets}
    if wanted in by_id:
        return by_id[wanted]
    matches = [target_id for target_id in by_id if wanted.casefold() in target_id.casefold()]
    if len(matches) == 1:
        return by_id[matches[0]]
    if matches:
        raise StartError(
            f"{wanted!r} matches {len(matches)} targets: {', '.join(matches[:10])}. Name one of them."
        )
    names = {name: target.id for target in settings.targets for name in (target.id, target.model)}
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.3)
    near = list(dict.fromkeys(names[name] for name in close)) or list(by_id)[:3]
    raise StartError(
        f"no target {wanted!r} in {settings.source}. Did you mean {' or '.join(near) or 'nothing'}?"
    )


def simulate(options: SimulateOptions) -> int:
    from probes.simulator.run import RunOptions, list_scenarios, run_simulator

    if options.list_only:
        print("\n".join(f"{name:28} {what}" for name, what in list_scenarios()))
        return 0
    return run_simulator(
        RunOptions(
            host=options.host,
            port=options.port,
            scenarios=options.scenarios,
            seed=options.seed,
            exit_when_stdin_closes=options.exit_with_parent,
        )
    )


def export(options: Options, wanted: ExportOptions) -> int:
    """Stream the matching raw records, newest first, in pages; progress on stderr when that is a terminal."""
    from probes.web.export import results_csv, results_ndjson
    from probes.web.queries.results import every_page

    context = prepare(options, "command")
    store = context.open_store()
    query = ResultQuery(
        since=_moment(wanted.since, "--since"),
        until=_moment(wanted.until, "--until"),
        targets=tuple(find_target(context.settings, target).id for target in wanted.targets),
    )
    progress = Progress("records", store.count_results(query, COUNTED_AT_MOST))
    try:
        pages = progress.counting(every_page(store, query, SystemClock().now()))
        with _output(wanted.output) as output:
            for piece in results_csv(pages) if wanted.format == "csv" else results_ndjson(pages):
                output.write(piece.encode() if isinstance(piece, str) else piece)
    finally:
        progress.finish()
        store.close()
    return 0


def rebuild(options: Options) -> int:
    """Make all rollups again that raw records can vouch for."""
    context: Context = prepare(options, "command")
    store = context.open_store()
    progress = Progress("records", None)
    try:
        count = store.rebuild_rollups(progress.show)
    finally:
        progress.finish()
        store.close()
    print(f"rollups made again from {count} records")
    return 0


class Progress:
    """One line on stderr that counts; silent when stderr is not a terminal."""

    def __init__(self, unit: str, total: int | None) -> None:
        self._unit = unit
        self._total = total
        self._is_shown = sys.stderr.isatty()

    def show(self, done: int, total: int | None) -> None:
        if self._is_shown:
            share = f" of {total} ({done / total:.0%})" if total else ""
            print(f"\r{done}{share} {self._unit} ", end="", file=sys.stderr, flush=True)

    def counting(self, pages: Iterable[tuple[ProbeResult, ...]]) -> Iterator[tuple[ProbeResult, ...]]:
        done = 0
        for page in pages:
            yield page
            done += len(page)
            self.show(done, self._total)

    def finish(self) -> None:
        if self._is_shown:
            print(file=sys.stderr)


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with path.open("wb") as file:
        yield file


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StartError(f"{option} {text!r} is not a time; write 2026-11-01 or 2026-11-01T12:00Z") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


_SHOWN: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("outcome", ("outcome", "fault", "category", "http_status", "error")),
    (
        "waits",
        (
            "dns_seconds",
            "connect_seconds",
            "tls_seconds",
            "first_byte_seconds",
            "ttft_seconds",
            "ttft_visible_seconds",
            "response_seconds",
        ),
    ),
    ("stream", ("chunks", "gap_p50_seconds", "gap_p95_seconds", "gap_max_seconds", "stamps", "quality")),
    ("tokens", ("input_tokens", "output_tokens", "reasoning_tokens", "tokens_source", "throughput", "cost")),
    ("answer", ("answer_ok", "finish_reason", "served_model", "fingerprint", "request_id")),
)


def _print_result(result: ProbeResult, *, as_json: bool, is_line: bool) -> None:
    from probes.web.serialize import to_json

    record: dict[str, object] = json.loads(to_json(result))
    if as_json:
        print(json.dumps(record, indent=None if is_line else 2, ensure_ascii=False))
        return
    print(f"{result.target}: {result.outcome.value}, {result.category.value}")
    for group, names in _SHOWN:
        shown = [f"{name}={_display(name, record[name])}" for name in names if record[name] is not None]
        if shown:
            print(f"  {group:8} {'  '.join(shown)}")


def _print_proposals(target: Target, result: ProbeResult) -> None:
    """On stderr, so that what stdout says stays a record."""
    from probes.settings.proposals import Sent, proposals_after

    for proposal in proposals_after(Sent.by_target(target), target.spec_version, result):
        print(f"{proposal.reason} In {proposal.place}:\n    {proposal.line}", file=sys.stderr)


def _display(name: str, value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".") if name.endswith("_seconds") else f"{value:.4g}"
    return str(value)
