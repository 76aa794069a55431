"""The timeline that a whole agent leaves behind."""

from probes.domain.event import EventKind, TargetEvent
from probes.store.base import EventQuery
from tests.agent.conftest import World
from tests.waiting import wait_until

TARGET = "acme/main/fast"


def test_an_edit_of_ours_is_on_the_timeline_with_the_first_record_of_the_new_series(world: World) -> None:
    world.write_config("fast")
    store = world.open_store()

    def events() -> tuple[TargetEvent, ...]:
        return store.events(EventQuery(targets=[TARGET])).events

    with world.running_agent():
        wait_until("the first series", lambda: store.recent([TARGET], 1)[TARGET])
        assert events() == ()
        world.write_config("fast", extra="defaults: {max_tokens: 32}\n")
        (event,) = wait_until("the event", events)

    assert event.kind is EventKind.SPEC_CHANGED
    shown = store.result(event.result_id)
    assert shown is not None
    assert (shown.spec_version, shown.max_tokens) == (event.after, 32)


def test_a_restarted_agent_still_knows_what_was(world: World) -> None:
    world.write_config("fast")
    store = world.open_store()
    with world.running_agent("first@test"):
        wait_until("the first series", lambda: store.recent([TARGET], 1)[TARGET])

    world.write_config("fast", extra="defaults: {max_tokens: 32}\n")
    with world.running_agent("second@test"):
        (event,) = wait_until("the event", lambda: store.events(EventQuery()).events)

    assert event.kind is EventKind.SPEC_CHANGED
