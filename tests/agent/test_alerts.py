"""The whole chain: a provider fails, an agent sees it, an incident opens, and real receivers hear of it and its end."""

import json
from contextlib import ExitStack
from pathlib import Path

from probes.domain.delivery import DeliveryState
from probes.simulator.behaviour import Behaviour, Choice, Phase
from probes.simulator.catalogue import scenario_named
from probes.simulator.run import serve_in_thread
from probes.simulator.server import SimulatorConfig
from probes.store.base import DeliveryQuery, IncidentQuery
from probes.verdicts.evidence import RECOVERED_AFTER
from tests.agent.conftest import World
from tests.agent.test_agent import finished_refresh, request_refresh
from tests.alerts.receivers import HttpReceiver, http_receiver
from tests.waiting import wait_until

OUTAGE = (("fast", 1), ("error-500", 4), ("fast", 999))
KEY = "sk-acme-0123456789abcdef"


def told(receiver: HttpReceiver) -> list[dict[str, object]]:
    return [json.loads(received.body) for received in receiver.accepted]


def write_config(world: World, hook: HttpReceiver, heart: HttpReceiver) -> None:
    world.config.write_text(
        f"apis:\n  acme:\n    main:\n      api_key: {KEY}\n      base_url: {world.simulator.base_url}/v1\n"
        "      models: [{name: outage, interval: 10m}]\n"
        "agent: {confirm_after: 1s}\n"
        f"alerts:\n  heartbeat_url: {heart.url}/beat-0123456789\n  channels:\n"
        f"    - {{name: ops, type: webhook, url: {hook.url}/hook-0123456789, group_for: 0}}\n"
        f"    - {{name: nobody, type: webhook, url: {hook.url}/other, group_for: 0, min_severity: attention,"
        " targets: [acme/main/outage]}\n"
    )


def test_an_outage_and_its_end_reach_a_receiver_that_refused_at_first(tmp_path: Path) -> None:
    behaviour = Behaviour(tuple(Phase((Choice(scenario_named(name)),), n) for name, n in OUTAGE))
    with ExitStack() as running:
        upstream = running.enter_context(serve_in_thread(SimulatorConfig(models={"outage": behaviour})))
        hook = running.enter_context(http_receiver(503))
        heart = running.enter_context(http_receiver())
        world = World(tmp_path, upstream)
        write_config(world, hook, heart)
        store = world.open_store()
        running.callback(store.close)
        world.stores.clear()
        with world.running_agent():
            wait_until("the first result", lambda: store.statistics())
            finished_refresh(store, request_refresh(store))  # fails, and is confirmed to fail
            wait_until("an incident", lambda: store.incidents(IncidentQuery()).incidents)
            wait_until("both channels to be told", lambda: len(hook.accepted) >= 2)
            for _ in range(RECOVERED_AFTER):
                finished_refresh(store, request_refresh(store))
            wait_until("the end to be told", lambda: any(one["severity"] is None for one in told(hook)))
            wait_until(
                "all to be marked",
                lambda: {one.state for one in store.deliveries(DeliveryQuery())} == {DeliveryState.SENT},
            )
            wait_until("a heartbeat", lambda: heart.accepted)
    alarm = next(one for one in told(hook) if one["type"] == "alert.problem")
    recovery = next(one for one in told(hook) if one["type"] == "alert.recovery")
    assert alarm["title"] == "Down: outage (acme)"
    assert str(recovery["title"]).startswith("Recovered after ")
    (incident,) = incidents_of(recovery)
    assert incident["duration_seconds"]
    assert KEY not in json.dumps(told(hook))
    assert hook.received[0] not in hook.accepted


def incidents_of(message: dict[str, object]) -> list[dict[str, object]]:
    incidents = message["incidents"]
    assert isinstance(incidents, list)
    return incidents
