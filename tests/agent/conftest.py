"""A whole agent on real parts: a simulator on loopback, a YAML file, SQLite, sockets, threads."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from probes.log import Redactor
from probes.service import Context, Options, Place, build_agent
from probes.settings.load import load_settings
from probes.simulator.run import RunningSimulator, serve_in_thread
from probes.store.base import Store


@pytest.fixture(scope="session")
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@dataclass
class World:
    """A configuration file that tests edit, and the store that agents and tests share."""

    directory: Path
    simulator: RunningSimulator
    stores: list[Store] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.directory / "local.yaml"

    def write_config(self, *models: str, extra: str = "", interval: str = "10m") -> None:
        """A file with these models behind the simulator; replaced at once, as editors do."""
        names = "".join(f"        - {{name: '{model}', interval: {interval}}}\n" for model in models)
        text = (
            "apis:\n  acme:\n    main:\n      api_key: sk-acme-0123456789abcdef\n"
            f"      base_url: {self.simulator.base_url}/v1\n      models:\n{names or '        []'}\n{extra}"
        )
        fresh = self.directory / "local.yaml.new"
        fresh.write_text(text)
        fresh.replace(self.config)

    def context(self) -> Context:
        options = Options(config=self.config, data=self.directory / "data", environ=dict(os.environ))
        settings = load_settings(self.config, options.environ)
        place = Place(self.config, self.directory / "data", is_demo=False)
        return Context(options, place, settings, Redactor(s.reveal() for s in settings.secrets))

    def open_store(self) -> Store:
        store = self.context().open_store()
        self.stores.append(store)
        return store

    @contextmanager
    def running_agent(self, name: str = "here@test") -> Iterator[threading.Thread]:
        """An agent at work; leaving the block stops it as Ctrl-C does."""
        context = self.context()
        environ = {**context.options.environ, "FIRSTTOKEN_AGENT_ID": name}
        options = Options(config=context.options.config, data=context.options.data, environ=environ)
        agent = build_agent(Context(options, context.place, context.settings, context.redact))
        stop = threading.Event()
        thread = threading.Thread(target=agent.run, args=(stop,), name=f"agent {name}")
        thread.start()
        try:
            yield thread
        finally:
            stop.set()
            thread.join(timeout=10)
            assert not thread.is_alive()


@pytest.fixture
def world(tmp_path: Path, simulator: RunningSimulator) -> Iterator[World]:
    world = World(tmp_path, simulator)
    yield world
    for store in world.stores:
        store.close()
