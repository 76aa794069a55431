"""What web and agents tell each other through the store: plan, refresh requests, heartbeats, leases."""

from dataclasses import replace
from datetime import timedelta

from probes.domain.plan import (
    AgentStatus,
    Plan,
    PlanDiff,
    PlannedTarget,
    Problem,
    RefreshRequest,
    RefreshState,
)
from probes.domain.result import Stamps
from probes.store.base import RefreshUpdate, Retention, Store
from tests.contract.conftest import OpenStore
from tests.examples import NOON, a_result, a_target

SECOND = timedelta(seconds=1)
COOLDOWN = 15 * SECOND
TTL = 30 * SECOND


def a_plan() -> Plan:
    target = a_target(labels={"tier.$x": "gold", "": "empty"}, display_name="Quick 文")
    return Plan(
        version="v1",
        loaded_at=NOON,
        source="config/local.yaml",
        is_demo=False,
        targets=(PlannedTarget.of(target),),
        last_diff=PlanDiff(added=("acme/main/quick",)),
        problems=(
            Problem("unknown key 'modles'", "did you mean 'models'?", "apis.acme", 3, 5, "local.yaml"),
        ),
        refresh_cooldown_seconds=1.5,
    )


def a_request(identity: str = "r1", at: float = 0) -> RefreshRequest:
    return RefreshRequest(identity, NOON + at * SECOND, targets=("acme/main/quick",))


def an_agent(name: str = "here@host-1", beat: float = 0) -> AgentStatus:
    return AgentStatus(
        agent=name,
        location=name.split("@")[0],
        started_at=NOON,
        beat_at=NOON + beat * SECOND,
        is_active=True,
        targets=3,
        in_flight=1,
        queued=0,
        lag_seconds=None,
        missed=2,
        spooled=0,
        next_due_at=NOON + SECOND,
        version="1.0",
    )


def test_a_store_without_a_plan_says_so(store: Store) -> None:
    assert store.plan() is None


def test_the_plan_comes_back_as_it_was_and_is_replaced_whole(store: Store, open_store: OpenStore) -> None:
    store.put_plan(a_plan())
    assert open_store().plan() == a_plan()

    store.put_plan(replace(a_plan(), targets=(), version="v2"))

    assert store.plan() == replace(a_plan(), targets=(), version="v2")


def test_a_refresh_is_filed_and_found(store: Store) -> None:
    assert store.latest_refresh() is None
    assert store.request_refresh(a_request(), COOLDOWN) is None

    assert store.refresh("r1") == a_request()
    assert store.latest_refresh() == a_request()
    assert store.refresh("r2") is None


def test_a_refresh_within_the_cooldown_is_told_which_one_stands_in_its_way(store: Store) -> None:
    store.request_refresh(a_request("r1"), COOLDOWN)

    assert store.request_refresh(a_request("r2", at=14), COOLDOWN) == a_request("r1")
    assert store.request_refresh(a_request("r3", at=15), COOLDOWN) is None
    assert store.refresh("r2") is None
    assert store.latest_refresh() == a_request("r3", at=15)


def test_the_oldest_pending_refresh_is_claimed_first_and_only_once(store: Store) -> None:
    store.request_refresh(a_request("r1"), COOLDOWN)
    store.request_refresh(a_request("r2", at=20), COOLDOWN)

    first = store.claim_refresh("a", NOON + 30 * SECOND)
    second = store.claim_refresh("b", NOON + 30 * SECOND)

    assert first == replace(a_request("r1"), state=RefreshState.RUNNING, claimed_by="a")
    assert second == replace(a_request("r2", at=20), state=RefreshState.RUNNING, claimed_by="b")
    assert store.claim_refresh("c", NOON + 30 * SECOND) is None


def test_progress_of_a_refresh_is_seen_by_others(store: Store, open_store: OpenStore) -> None:
    store.request_refresh(a_request(), COOLDOWN)
    store.claim_refresh("a", NOON)
    diff, problems = PlanDiff(changed=("acme/main/quick",)), (Problem("bad", "mend it"),)

    store.update_refresh("r1", RefreshUpdate(total=14, diff=diff, problems=problems), NOON + SECOND)
    store.update_refresh("r1", RefreshUpdate(finished=3), NOON + 2 * SECOND)
    running = open_store().refresh("r1")
    store.update_refresh("r1", RefreshUpdate(finished=14, is_done=True), NOON + 3 * SECOND)

    claimed = replace(a_request(), claimed_by="a", total=14, diff=diff, problems=problems)
    assert running == replace(claimed, state=RefreshState.RUNNING, finished=3)
    assert store.refresh("r1") == replace(
        claimed, state=RefreshState.DONE, finished=14, finished_at=NOON + 3 * SECOND
    )
    assert store.claim_refresh("b", NOON + timedelta(hours=1)) is None


def test_a_refresh_whose_claimant_went_silent_is_taken_over(store: Store) -> None:
    store.request_refresh(a_request(), COOLDOWN)
    store.claim_refresh("a", NOON)
    store.update_refresh("r1", RefreshUpdate(finished=1), NOON + timedelta(minutes=2))

    assert store.claim_refresh("b", NOON + timedelta(minutes=7)) is None
    taken = store.claim_refresh("b", NOON + timedelta(minutes=7, milliseconds=1))

    assert taken is not None
    assert (taken.claimed_by, taken.finished) == ("b", 1)


def test_agents_are_those_heard_of_lately_in_order(store: Store) -> None:
    store.beat(an_agent("there@host-2", beat=5))
    store.beat(an_agent("here@host-9", beat=3))
    store.beat(an_agent("here@host-1", beat=-60))
    store.beat(an_agent("here@host-9", beat=4))

    assert store.agents(NOON) == [an_agent("here@host-9", beat=4), an_agent("there@host-2", beat=5)]
    assert len(store.agents(NOON - 60 * SECOND)) == 3


def test_what_an_agent_found_out_about_itself_is_kept(store: Store, open_store: OpenStore) -> None:
    checked = replace(
        an_agent(),
        self_check_at=NOON - 90 * SECOND,
        self_check_ttft_error_seconds=-0.0031,
        self_check_gap_error_seconds=0.00002,
        self_check_stamps=Stamps.KERNEL,
        workers=4,
        workers_running=3,
        worker_deaths=1,
    )
    store.beat(checked)
    assert open_store().agents(NOON) == [checked]

    store.beat(an_agent())
    (unchecked,) = store.agents(NOON)
    assert (unchecked.self_check_at, unchecked.self_check_ttft_error_seconds) == (None, None)


def test_a_lease_has_one_owner_until_it_runs_out(store: Store) -> None:
    assert store.acquire_lease("location:here", "a", NOON, TTL) == 1
    assert store.acquire_lease("location:here", "b", NOON + 29 * SECOND, TTL) is None
    assert store.acquire_lease("location:there", "b", NOON, TTL) == 1

    assert store.acquire_lease("location:here", "b", NOON + 30 * SECOND, TTL) == 2
    assert store.acquire_lease("location:here", "a", NOON + 31 * SECOND, TTL) is None


def test_renewing_a_lease_extends_it_and_keeps_its_epoch(store: Store) -> None:
    store.acquire_lease("location:here", "a", NOON, TTL)

    assert store.acquire_lease("location:here", "a", NOON + 20 * SECOND, TTL) == 1
    assert store.acquire_lease("location:here", "b", NOON + 40 * SECOND, TTL) is None
    assert store.acquire_lease("location:here", "a", NOON + 90 * SECOND, TTL) == 1


def test_a_released_lease_is_free_at_once_and_its_epoch_grows(store: Store) -> None:
    store.acquire_lease("location:here", "a", NOON, TTL)

    store.release_lease("location:here", "b")
    assert store.acquire_lease("location:here", "b", NOON, TTL) is None
    store.release_lease("location:here", "a")

    assert store.acquire_lease("location:here", "b", NOON, TTL) == 2


def test_old_talk_is_swept_away(store: Store) -> None:
    store.request_refresh(a_request(), COOLDOWN)
    store.beat(an_agent())
    store.add_results([a_result()])

    store.sweep(Retention(), NOON + timedelta(days=31))

    assert store.refresh("r1") is None
    assert store.agents(NOON - SECOND) == []
    assert store.statistics()


def test_health_tells_the_kind_and_the_size(store: Store) -> None:
    store.add_results([a_result(), a_result()])

    health = store.health()

    assert health.kind in ("sqlite", "mongo")
    assert health.detail.startswith(("SQLite 3.", "MongoDB "))
    assert health.results == 2
    assert health.bytes is not None
    assert health.bytes > 0
