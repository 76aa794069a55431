"""First failures, outages and a cut network, as a whole agent meets them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from probes.agent.doubts import is_reachable
from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.domain.state import State, Verdict
from probes.simulator.behaviour import Behaviour, Choice, Phase
from probes.simulator.catalogue import scenario_named
from probes.simulator.run import RunningSimulator, serve_in_thread
from probes.simulator.server import SimulatorConfig
from probes.store.base import ResultQuery, Store
from probes.verdicts.confirming import CONFIRM_PROBES
from probes.verdicts.rules import ReasonKey
from tests.agent.conftest import World
from tests.agent.test_agent import finished_refresh, request_refresh
from tests.waiting import wait_until

BLIP, OUTAGE, STEADY = "blip", "outage", "fast"
TARGET = "acme/main/"


def phases(*parts: tuple[str, int]) -> Behaviour:
    return Behaviour(tuple(Phase((Choice(scenario_named(name)),), length) for name, length in parts))


def upstream(port: int = 0) -> SimulatorConfig:
    """Works at first, then fails: once, or from then on."""
    models = {BLIP: phases(("fast", 1), ("error-500", 1), ("fast", 999))}
    return SimulatorConfig(port=port, models={**models, OUTAGE: phases(("fast", 1), ("error-500", 999))})


@pytest.fixture
def upstreams() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


def a_world(directory: Path, simulator: RunningSimulator, models: dict[str, str], agent: str) -> World:
    """Provider -> its one model; every first failure is confirmed after a second."""
    world = World(directory, simulator)
    apis = "".join(
        f"  {provider}:\n    main:\n      api_key: sk-{provider}-0123456789abcdef\n"
        f"      base_url: {simulator.base_url}/v1\n      models: [{model}]\n"
        for provider, model in models.items()
    )
    world.config.write_text(f"apis:\n{apis}agent: {{confirm_after: 1s{agent}}}\n")
    return world


def verdict(store: Store, target: str) -> Verdict | None:
    statistics = store.statistics().get(target)
    return statistics.verdict if statistics is not None else None


def state(store: Store, target: str) -> State | None:
    found = verdict(store, target)
    return found.state if found is not None else None


def reason(store: Store, target: str) -> str | None:
    found = verdict(store, target)
    return found.reason.key if found is not None else None


def confirming(store: Store, target: str) -> tuple[ProbeResult, ...]:
    return store.results(ResultQuery(targets=[target], triggers=[Trigger.CONFIRM])).results


def wait_for(store: Store, target: str, wanted: State) -> None:
    wait_until(f"{target} to be {wanted.value}", lambda: state(store, target) is wanted)


def wait_until_held(store: Store, target: str) -> None:
    wait_until(f"{target} to be held", lambda: reason(store, target) == ReasonKey.OUR_NETWORK)


@contextmanager
def listening() -> Iterator[str]:
    """A neutral address: it takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_failure_that_does_not_repeat_takes_one_confirming_probe_and_is_no_alarm(
    tmp_path: Path, upstreams: ExitStack
) -> None:
    simulator = upstreams.enter_context(serve_in_thread(upstream()))
    world = a_world(tmp_path, simulator, {"acme": BLIP}, "")
    store = world.open_store()
    with world.running_agent():
        wait_for(store, TARGET + BLIP, State.OPERATIONAL)
        finished_refresh(store, request_refresh(store))
        (confirmed,) = wait_until("a confirming probe", lambda: confirming(store, TARGET + BLIP))
        wait_until("it to be judged", lambda: reason(store, TARGET + BLIP) == ReasonKey.HEALTHY)
    failed, *_ = store.results(ResultQuery(triggers=[Trigger.MANUAL])).results
    found = verdict(store, TARGET + BLIP)
    assert (failed.outcome, confirmed.outcome) == (Outcome.SERVER_ERROR, Outcome.OK)
    assert confirmed.started_at > failed.started_at
    assert found is not None
    assert found.state is State.OPERATIONAL
    assert found.since is not None
    assert found.since < failed.due_at, "it never left that state"
    store.close()


def test_a_model_that_stays_down_is_down_after_its_confirming_probes(
    tmp_path: Path, upstreams: ExitStack
) -> None:
    simulator = upstreams.enter_context(serve_in_thread(upstream()))
    world = a_world(tmp_path, simulator, {"acme": OUTAGE}, "")
    store = world.open_store()
    with world.running_agent():
        wait_for(store, TARGET + OUTAGE, State.OPERATIONAL)
        finished_refresh(store, request_refresh(store))
        wait_for(store, TARGET + OUTAGE, State.DOWN)
    found = verdict(store, TARGET + OUTAGE)
    failed, *_ = store.results(ResultQuery(triggers=[Trigger.MANUAL])).results
    assert found is not None
    assert found.since == failed.due_at, "an outage begins with its first failure, not with the proof"
    assert len(confirming(store, TARGET + OUTAGE)) == CONFIRM_PROBES
    store.close()


def test_a_cut_network_accuses_nobody_and_is_forgotten_when_it_is_back(
    tmp_path: Path, upstreams: ExitStack
) -> None:
    first = ExitStack()
    simulator = first.enter_context(serve_in_thread())
    world = a_world(tmp_path, simulator, {"acme": STEADY, "bolt": STEADY}, "")
    targets = ("acme/main/fast", "bolt/main/fast")
    store = world.open_store()
    with world.running_agent():
        for target in targets:
            wait_for(store, target, State.OPERATIONAL)
        first.close()
        finished_refresh(store, request_refresh(store, targets[0]))
        for target in targets:
            wait_until_held(store, target)
            assert state(store, target) is State.UNKNOWN
        upstreams.enter_context(serve_in_thread(SimulatorConfig(port=simulator.port)))
        finished_refresh(store, request_refresh(store, targets[1]))
        for target in targets:
            wait_for(store, target, State.OPERATIONAL)
    store.close()


def test_a_control_check_that_fails_too_holds_a_single_provider(tmp_path: Path) -> None:
    running = ExitStack()
    simulator = running.enter_context(serve_in_thread())
    world = a_world(tmp_path, simulator, {"acme": STEADY}, f", control_check: '{simulator.base_url}'")
    store = world.open_store()
    with world.running_agent():
        wait_for(store, TARGET + STEADY, State.OPERATIONAL)
        running.close()
        finished_refresh(store, request_refresh(store))
        wait_until_held(store, TARGET + STEADY)
    assert state(store, TARGET + STEADY) is State.UNKNOWN
    store.close()


def test_a_control_check_that_succeeds_leaves_the_provider_down(tmp_path: Path, upstreams: ExitStack) -> None:
    neutral = upstreams.enter_context(listening())
    running = ExitStack()
    simulator = running.enter_context(serve_in_thread())
    world = a_world(tmp_path, simulator, {"acme": STEADY}, f", control_check: '{neutral}'")
    store = world.open_store()
    with world.running_agent():
        wait_for(store, TARGET + STEADY, State.OPERATIONAL)
        running.close()
        finished_refresh(store, request_refresh(store))
        wait_for(store, TARGET + STEADY, State.DOWN)
    store.close()


def test_a_neutral_address_is_reached_or_not() -> None:
    with listening() as url:
        assert is_reachable(url)
    assert not is_reachable(url)
    assert not is_reachable("https://nowhere.invalid")
