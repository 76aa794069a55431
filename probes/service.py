"""Composition root: builds store, agent and web from Settings, and runs the roles as processes.

The one module that may import everything; it imports late, because a role must not pay for the other's libraries.
"""

import contextlib
import ctypes
import itertools
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from probes import __version__
from probes.clock import SystemClock
from probes.domain.result import Observer
from probes.log import Redactor, set_up_logging
from probes.settings.load import load_settings
from probes.settings.model import Settings
from probes.store.base import Store
from probes.supervisor import Child, Supervisor, watch_parent

if TYPE_CHECKING:
    from flask import Flask

    from probes.agent import Agent
    from probes.agent.ports import Pool
    from probes.settings.reload import SettingsFile
    from probes.store.spool import SpoolingWriter
    from probes.telemetry.handover import TelemetryWriter

logger = logging.getLogger(__name__)

ROOT: Final = Path(__file__).resolve().parent.parent
DEFAULT_CONFIG: Final = Path("config/local.yaml")
DEMO_CONFIG: Final = Path("config/demo.yaml")
DEFAULT_DATA: Final = Path("data")
SIMULATOR_URL: Final = "SIMULATOR_URL"  # how the demo's configuration names the loopback provider
_M_ARENA_MAX: Final = -8  # malloc.h
AGENT_ID: Final = "FIRSTTOKEN_AGENT_ID"  # kept over restarts, so that a restarted agent still owns its lease


class StartError(Exception):
    """The service cannot start; the message says why and how to cure it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said; None where it was silent."""

    config: Path | None = None
    data: Path | None = None
    host: str | None = None
    port: int | None = None
    location: str | None = None
    workers: int | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(frozen=True, slots=True)
class Place:
    """Where configuration and data are; the demo runs only when the operator has named no file of their own."""

    config: Path
    data: Path
    is_demo: bool


def find_place(options: Options) -> Place:
    """`--config`, else config/local.yaml, else the demo with a database of its own. Raises StartError."""
    data = options.data or ROOT / DEFAULT_DATA
    if options.config is not None:
        if not options.config.is_file():
            raise StartError(f"{options.config}: no such file. Copy config/local.example.yaml there.")
        return Place(options.config, data, is_demo=options.config.resolve() == (ROOT / DEMO_CONFIG).resolve())
    if (ROOT / DEFAULT_CONFIG).is_file():
        return Place(_nearby(ROOT / DEFAULT_CONFIG), data, is_demo=False)
    return Place(_nearby(ROOT / DEMO_CONFIG), options.data or data / "demo", is_demo=True)


def _nearby(path: Path) -> Path:
    """As seen from here where it is below: the public board names the file, and need not tell where we live."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@dataclass(frozen=True, slots=True)
class Context:
    """What every role starts from."""

    options: Options
    place: Place
    settings: Settings
    redact: Redactor

    def open_store(self) -> Store:
        """MongoDB where the settings name one, else SQLite under the data directory.

        The demo never writes into a database that the operator named for the real thing.
        """
        uri = self.settings.store.uri
        if uri is not None and not self.place.is_demo:
            from probes.store.mongo import open_mongo

            return open_mongo(uri.reveal(), self.settings.store.database)
        from probes.store.sqlite import open_sqlite

        self.place.data.mkdir(parents=True, exist_ok=True)
        return open_sqlite(self.place.data / "firsttoken.sqlite3")


def prepare(options: Options, role: str) -> Context:
    """Find and load the configuration and set up logging. Raises StartError, SettingsError."""
    _bound_malloc_arenas()
    place = find_place(options)
    redact = Redactor()
    set_up_logging(redact, role)
    environ = dict(options.environ)
    if place.is_demo:
        environ.setdefault(SIMULATOR_URL, "http://127.0.0.1:9")  # roles that never call a provider
    settings = load_settings(place.config, environ, _judge_addresses)
    redact.learn(secret.reveal() for secret in settings.secrets)
    for warning in settings.warnings:
        logger.warning("%s", warning)
    return Context(replace(options, environ=environ), place, settings, redact)


# Roles.


def run_everything(options: Options) -> int:
    """Web here, agent (and in the demo the simulated providers) as children; returns the exit code.

    The children start once the board listens, so that the first page does not wait for their imports.
    """
    context = prepare(options, "web")
    _check_telemetry(context.settings)
    with Supervisor() as supervisor:
        return _serve(context, lambda: _start_children(context, supervisor))


def _start_children(context: Context, supervisor: Supervisor) -> None:
    environ = dict(context.options.environ)
    if context.place.is_demo:
        simulator = _simulator_child(context)
        try:
            ready = supervisor.start_and_read_line(simulator)
        except RuntimeError as error:
            logger.error("no demo without simulated providers: %s", error)
            return
        environ[SIMULATOR_URL] = ready.removeprefix("listening on ")
        simulator.pin_argument("--port", environ[SIMULATOR_URL].rsplit(":", 1)[1])
    environ[AGENT_ID] = f"{context.settings.agent.location}@{socket.gethostname()}-{uuid4().hex[:8]}"
    supervisor.start(_agent_child(context, environ))


def run_web(options: Options) -> int:
    return _serve(prepare(options, "web"))


def run_agent(options: Options, *, exit_with_parent: bool = False) -> int:
    context = prepare(options, "agent")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if exit_with_parent:
        watch_parent(stop.set)
    agent = build_agent(context)
    if context.place.is_demo:
        _begin_demo_history(context, stop)
    agent.run(stop)
    return 0


def build_web(context: Context) -> "Flask":
    from probes.web.context import WebDependencies
    from probes.web.factory import create_app

    return create_app(
        WebDependencies(
            store=context.open_store(),
            clock=SystemClock(),
            settings=context.settings.web,
            redact=context.redact,
            version=__version__,
        )
    )


def build_agent(context: Context) -> "Agent":
    from probes.agent import Agent, AgentParts
    from probes.settings.reload import SettingsFile
    from probes.store.spool import SpoolingWriter

    settings, clock = context.settings, SystemClock()
    location = context.options.location or settings.agent.location
    name = context.options.environ.get(AGENT_ID) or f"{location}@{socket.gethostname()}-{os.getpid()}"
    observer = Observer(location, name)
    store = context.open_store()
    context.place.data.mkdir(parents=True, exist_ok=True)
    settings_file = SettingsFile(context.place.config, context.options.environ, settings, _judge_addresses)
    pool = _pool(context, observer, lambda: settings_file.settings.version)
    return Agent(
        AgentParts(
            observer=observer,
            clock=clock,
            store=store,
            writer=_with_telemetry(
                SpoolingWriter(store, context.place.data / f"spool-{location}.sqlite3"),
                settings_file,
                location,
            ),
            pool=pool,
            redact=context.redact,
            settings_source=settings_file,
            version=__version__,
            is_demo=context.place.is_demo,
        ),
        settings,
    )


def wsgi_app() -> "Flask":
    """The web role for a WSGI server of the operator's choice (`gunicorn app:app`)."""
    return build_web(prepare(Options(), "web"))


# Pieces of the above.


def _check_telemetry(settings: Settings) -> None:
    """Raises StartError where results are to be sent and the optional package for it is missing."""
    if settings.telemetry.otlp_endpoint is not None:
        from probes.telemetry.otlp import TelemetryError, require_package

        try:
            require_package()
        except TelemetryError as error:
            raise StartError(str(error)) from error


def _with_telemetry(
    writer: "SpoolingWriter", settings_file: "SettingsFile", location: str
) -> "SpoolingWriter | TelemetryWriter":
    settings = settings_file.settings
    _check_telemetry(settings)
    if settings.telemetry.otlp_endpoint is None:
        return writer
    from probes.telemetry.handover import Handover, TelemetryWriter
    from probes.telemetry.otlp import OtlpMeter

    def address_of(target_id: str) -> str | None:
        targets = settings_file.settings.targets
        return next((target.base_url for target in targets if target.id == target_id), None)

    return TelemetryWriter(writer, Handover(OtlpMeter(settings.telemetry, location), address_of))


def _judge_addresses(urls: Sequence[str]) -> Sequence[str | None]:
    """Only settings that have addresses for Apprise pay for asking it."""
    from probes.alerts.channels.apprise import judge_addresses

    return judge_addresses(urls)


def _bound_malloc_arenas() -> None:
    """One heap arena instead of eight a core: each thread's own would cost 20 MB that nobody uses (glibc only)."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _serve(context: Context, on_listening: Callable[[], None] | None = None) -> int:
    from probes.web.server import serve

    web, options = context.settings.web, context.options
    app = build_web(context)

    def listening(url: str) -> None:
        _announce(context, url)
        if on_listening is not None:
            threading.Thread(target=on_listening, name="start children").start()

    return serve(
        app,
        host=options.host or web.host,
        port=options.port if options.port is not None else web.port,
        threads=web.threads,
        on_listening=listening,
    )


def _pool(context: Context, observer: Observer, config_version: Callable[[], str]) -> "Pool":
    """In this process, or in several of their own: one process is lighter, more keep more streams true."""
    settings, clock = context.settings.agent, SystemClock()
    workers = context.options.workers or settings.workers
    if workers > 1:
        from probes.prober.workers import WorkerContext, WorkerPool

        environ = context.options.environ
        return WorkerPool(
            workers, settings, WorkerContext(observer, clock, context.redact, environ, config_version)
        )
    from probes.prober import ProbePool, Prober

    return ProbePool(Prober(observer, clock, context.redact, config_version=config_version), settings)


def _announce(context: Context, url: str) -> None:
    what = "demo with simulated providers" if context.place.is_demo else f"{context.place.config}"
    print(f"FirstToken {__version__} is at {url}  ({what}; Ctrl-C stops it)", flush=True)  # noqa: T201


def _own_command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "app.py"), *arguments]


def _simulator_child(context: Context) -> Child:
    simulator = context.settings.simulator
    if simulator is None:
        raise StartError(f"{context.place.config}: the demo needs a `simulator:` section")
    command = _own_command("simulate", "--port", "0", "--exit-with-parent")
    command += ["--scenarios", str(ROOT / simulator.scenarios), "--seed", str(simulator.seed)]
    return Child("simulator", command, context.options.environ)


def _agent_child(context: Context, environ: Mapping[str, str]) -> Child:
    command = _own_command("agent", "--exit-with-parent", "--data", str(context.place.data))
    command += ["--config", str(context.place.config)]
    if context.options.location:
        command += ["--location", context.options.location]
    if context.options.workers:
        command += ["--workers", str(context.options.workers)]
    return Child("agent", command, environ)


def _begin_demo_history(context: Context, stop: threading.Event) -> None:
    """The newest minutes before the agent judges anything, the rest of the past beside its work."""
    from probes.simulator.history import FRESH_SPAN, load_past, write_history
    from probes.simulator.past_incidents import Span, write_incidents

    simulator = context.settings.simulator
    assert simulator is not None
    location = context.options.location or context.settings.agent.location
    past = load_past(ROOT / simulator.scenarios, context.settings.targets, simulator.seed, location)
    store = context.open_store()
    now = SystemClock().now()
    span = Span(now - timedelta(days=simulator.history_days), now - FRESH_SPAN)
    spans = write_history(store, past, simulator.history_days, now)
    newest = next(spans, 0)

    def write_the_rest() -> None:
        try:
            written = newest + sum(itertools.takewhile(lambda _: not stop.is_set(), spans))
            logger.info("demo: %d results of simulated history written", written)
            told = write_incidents(store, past.targets, span, stop.is_set)
            logger.info("demo: %d incidents of that past written", told)
        finally:
            store.close()

    threading.Thread(target=write_the_rest, name="demo-history", daemon=True).start()
