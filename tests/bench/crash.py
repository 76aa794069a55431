"""Kill -9 in the middle of incidents and alerts: `python -m tests.bench.crash --kills 200` takes some minutes.

Real processes (agent and web), a real store, the simulator as upstream and a loopback receiver of alerts. Outages come
one after the other, each of a provider of its own, while agent and web are killed at random moments; the operator
writes a note into each incident. Then everything is counted.
"""

import argparse
import json
import math
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

from probes.domain.delivery import DeliveryState
from probes.domain.incident import Incident, UpdateKind
from probes.domain.plan import RefreshRequest, RefreshState
from probes.simulator.behaviour import Behaviour, always
from probes.simulator.catalogue import scenario_named
from probes.simulator.run import serve_in_thread
from probes.simulator.server import SimulatorConfig
from probes.store.base import DeliveryQuery, IncidentQuery, Store
from probes.store.sqlite import open_sqlite
from probes.verdicts.incidents import noted
from tests.bench.nursery import Nursery

FINE, BROKEN = always(scenario_named("fast")), always(scenario_named("error-500"))
MODELS = ("a", "b")
KILLS_PER_OUTAGE = 4  # about; more outages are prepared than are needed
LIVES = (0.0, 2.0)  # seconds from a process's first work to its end
STILLBORN = 0.3  # share of those that are killed before it, within as many seconds of their start
WEB_LIVES = 10.0  # times as long, because it has less to lose
PATIENCE_SECONDS = 240.0
NOTE = "The operator was here."


@dataclass
class Report:
    kills: Counter[str] = field(default_factory=Counter)
    outages: int = 0  # that began, and ended
    incidents: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unsound: list[str] = field(default_factory=list)
    alerts: Counter[str] = field(default_factory=Counter)  # by "incident kind", times it was received
    alerts_lost: list[str] = field(default_factory=list)

    @property
    def most_repeats(self) -> int:
        return max(self.alerts.values(), default=1) - 1

    @property
    def repeated(self) -> int:
        return sum(1 for times in self.alerts.values() if times > 1)

    @property
    def loses_nothing(self) -> bool:
        return not (self.lost or self.doubled or self.unsound or self.alerts_lost)

    @property
    def is_sound(self) -> bool:
        return self.loses_nothing and self.most_repeats <= 1

    def __str__(self) -> str:
        kills = ", ".join(f"{n} of the {role}" for role, n in sorted(self.kills.items()))
        faults = "; ".join((*self.lost, *self.doubled, *self.unsound, *self.alerts_lost))
        return (
            f"kill -9: {kills}\n"
            f"outages {self.outages}, incidents {self.incidents}: {len(self.lost)} lost, {len(self.doubled)} doubled, "
            f"{len(self.unsound)} unsound\n"
            f"alerts {len(self.alerts)}: {len(self.alerts_lost)} lost, {self.repeated} repeated, "
            f"at most {self.most_repeats} times\n"
            f"{faults or 'nothing amiss'}"
        )


class Receiver:
    """Counts what it was told, and answers at once."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for incident in body["incidents"]:
                    receiver.told[f"{incident['id']} {incident['kind']}"] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Role:
    """A process of `app.py` that is killed and started again."""

    def __init__(self, name: str, nursery: Nursery, directory: Path, work_done: Callable[[], int]) -> None:
        """`work_done` grows once it works."""
        self.name = name
        self._nursery = nursery
        self._log = directory / f"{name}.log"
        self._log.touch()
        self._work_done = work_done
        self._arguments = [name, "--config", str(directory / "local.yaml"), "--data", str(directory / "data")]
        self._arguments += ["--port", "0"] if name == "web" else []
        self._process: int | None = None
        self._done_before = 0
        self._life_seconds = 0.0
        self._ends_at: float | None = None  # None until it works

    def start(self, rng: random.Random) -> None:
        self._life_seconds = rng.uniform(*LIVES) * (WEB_LIVES if self.name == "web" else 1)
        is_stillborn = self.name == "agent" and rng.random() < STILLBORN
        self._ends_at = time.monotonic() + rng.uniform(*LIVES) if is_stillborn else None
        self._done_before = self._work_done()
        self._process = self._nursery.start(self._arguments, self._log)

    @property
    def is_due(self) -> bool:
        if self._ends_at is None and self._work_done() > self._done_before:
            self._ends_at = time.monotonic() + self._life_seconds
        return self._ends_at is not None and time.monotonic() >= self._ends_at

    @property
    def output(self) -> str:
        return self._log.read_text()

    def kill(self) -> None:
        if self._process is None:
            return
        os.kill(self._process, signal.SIGKILL)
        while Path(f"/proc/{self._process}").exists():
            time.sleep(0.005)
        self._process = None


class Outages:
    """The truth: one provider after the other fails, and works again once its incident was seen and noted."""

    def __init__(self, store: Store, models: dict[str, Behaviour], count: int) -> None:
        self._store = store
        self._models = models
        self._count = count
        self._filed: str | None = None
        self._noted: set[str] = set()
        self._since = time.monotonic()
        self.current = 0
        self.is_failing = False
        self.done = 0

    @property
    def provider(self) -> str:
        return f"p{self.current}"

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(f"{self.provider}/main/{self.provider}-{model}" for model in MODELS)

    def step(self) -> None:
        """Look, and go on when what was waited for is there."""
        if self.current >= self._count:
            return
        assert time.monotonic() - self._since < PATIENCE_SECONDS, f"{self.provider} is stuck"
        self._refresh()
        incidents = self._store.incidents(IncidentQuery(providers=[self.provider])).incidents
        if not self.is_failing and not incidents:
            if self._has_worked():
                self._set(BROKEN)
                self.is_failing = True
        elif self.is_failing and incidents and set(incidents[0].open_targets) == set(self.targets):
            if self._note(incidents[0]):
                self._set(FINE)
                self.is_failing = False
        elif not self.is_failing and incidents and not incidents[0].is_open:
            self.current += 1
            self.done += 1
            self._since = time.monotonic()

    def _set(self, behaviour: Behaviour) -> None:
        for model in MODELS:
            self._models[f"{self.provider}-{model}"] = behaviour

    def _has_worked(self) -> bool:
        known = self._store.statistics()
        return all(target in known and known[target].total_ok for target in self.targets)

    def _note(self, incident: Incident) -> bool:
        """As the web writes it: over the version that was read, or again later."""
        return incident.id in self._noted or self._store.save_incident(
            noted(incident, NOTE, is_public=True, now=datetime.now(UTC))
        )

    def _refresh(self) -> None:
        """As somebody would who presses Refresh whenever he may."""
        before = self._store.refresh(self._filed) if self._filed is not None else None
        if before is not None and before.state is RefreshState.PENDING:
            return
        request = RefreshRequest(str(uuid4()), datetime.now(UTC), targets=self.targets)
        if self._store.request_refresh(request, timedelta(seconds=0.5)) is None:
            self._filed = request.id


def configuration(upstream: str, receiver: str, providers: int) -> str:
    apis = "".join(
        f"  p{n}:\n    main:\n      api_key: sk-bench-0123456789abcdef\n      base_url: {upstream}/v1\n"
        f"      models: [{', '.join(f'p{n}-{model}' for model in MODELS)}]\n"
        for n in range(providers)
    )
    alerts = (
        f"alerts:\n  channels:\n    - {{name: here, type: webhook, url: '{receiver}', group_for: 0s, "
        "cooldown: 0s}\n"
    )
    return f"apis:\n{apis}agent: {{confirm_after: 1s}}\n{alerts}"


def storm(directory: Path, kills: int, seed: int = 1, max_seconds: float = math.inf) -> Report:
    """Until there were so many kills, or time is up. Raises AssertionError when the service stops making progress."""
    report, rng = Report(), random.Random(seed)
    count = kills // KILLS_PER_OUTAGE + 2
    with a_site(directory, count) as (store, outages, receiver, roles):
        for role in roles:
            role.start(rng)
        ends_at = time.monotonic() + max_seconds
        while sum(report.kills.values()) < kills and time.monotonic() < ends_at:
            outages.step()
            for role in roles:
                if role.is_due:
                    role.kill()
                    report.kills[role.name] += 1
                    role.start(rng)
            time.sleep(0.02)
        settle(store, outages, receiver)
        report.outages = outages.done
        take_stock(report, store, outages, receiver)
        for role in roles:
            report.unsound += [line for line in role.output.splitlines() if "Traceback" in line]
    return report


@contextmanager
def a_site(directory: Path, count: int) -> Iterator[tuple[Store, Outages, Receiver, tuple[Role, ...]]]:
    models: dict[str, Behaviour] = {f"p{n}-{model}": FINE for n in range(count) for model in MODELS}
    (directory / "data").mkdir()
    with ExitStack() as stack:
        simulator = stack.enter_context(serve_in_thread(SimulatorConfig(models=models, truth_limit=100)))
        receiver = stack.enter_context(closing(Receiver()))
        (directory / "local.yaml").write_text(configuration(simulator.base_url, receiver.url, count))
        store = stack.enter_context(closing(open_sqlite(directory / "data" / "firsttoken.sqlite3")))
        ours = {key: value for key, value in os.environ.items() if not key.startswith("MONGODB")}
        nursery = stack.enter_context(closing(Nursery({**ours, "FIRSTTOKEN_AGENT_ID": "here@bench"})))
        agent = Role(
            "agent", nursery, directory, lambda: sum(known.total for known in store.statistics().values())
        )
        web = Role("web", nursery, directory, lambda: (directory / "web.log").stat().st_size)
        stack.callback(agent.kill)
        stack.callback(web.kill)
        yield store, Outages(store, models, count), receiver, (agent, web)


def settle(store: Store, outages: Outages, receiver: Receiver) -> None:
    """Nobody is killed any more: the outage that runs may end, and what is due may be told."""
    began = outages.current
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        is_idle = (
            not outages.is_failing
            and not store.incidents(IncidentQuery(providers=[outages.provider])).incidents
        )
        if outages.current == began and not is_idle:
            outages.step()
        elif not store.incidents(IncidentQuery(is_open=True)).incidents and not unsent(store, receiver):
            return
        time.sleep(0.05)


def unsent(store: Store, receiver: Receiver) -> list[str]:
    """What begins and what ends has a delivery, each is done, and who heard of no end heard nothing."""
    missing: list[str] = []
    for incident in store.incidents(IncidentQuery(limit=1000)).incidents:
        deliveries = {one.transition: one for one in store.deliveries(DeliveryQuery(incidents=[incident.id]))}
        loud = [u for u in incident.updates if u.kind in (UpdateKind.OPENED, UpdateKind.RESOLVED)]
        missing += [
            f"{incident.provider} {u.kind.value} was not planned" for u in loud if u.id not in deliveries
        ]
        missing += [
            f"{incident.provider} {one.state.value} {one.error}"
            for one in deliveries.values()
            if one.state not in (DeliveryState.SENT, DeliveryState.DROPPED)
        ]
        if not receiver.told[f"{incident.id} recovery"]:
            missing.append(f"{incident.provider}'s end was never told")
    return missing


def take_stock(report: Report, store: Store, outages: Outages, receiver: Receiver) -> None:
    incidents = store.incidents(IncidentQuery(with_merged=True, limit=1000)).incidents
    by_provider = Counter(incident.provider for incident in incidents)
    report.incidents = len(incidents)
    report.lost = [f"p{n} has no incident" for n in range(outages.done) if not by_provider[f"p{n}"]]
    report.doubled = [f"{provider} has {n} incidents" for provider, n in by_provider.items() if n > 1]
    report.unsound = [f"{one.provider}: {fault}" for one in incidents for fault in faults_of(one, store)]
    report.alerts = receiver.told
    report.alerts_lost = unsent(store, receiver)


def faults_of(incident: Incident, store: Store) -> Iterator[str]:
    told = Counter(update.kind.value for update in incident.updates)
    if incident.is_open:
        yield "open after its outage"
    if told["note"] != 1 or told["opened"] != 1 or told["resolved"] != 1 or told["joined"] > 1:
        yield f"its timeline says {dict(told)}"
    for part in incident.affected:
        first = store.result(part.evidence[0])
        if first is None or first.due_at != part.started_at or first.outcome.is_up:
            yield f"{part.target} began with no failure"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="stop after so many, whatever was killed"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        report = storm(Path(directory), arguments.kills, arguments.seed, arguments.minutes * 60)
    print(f"{report}\n{time.monotonic() - began:.0f} s")
    sys.exit(0 if report.is_sound else 1)


if __name__ == "__main__":
    main()
