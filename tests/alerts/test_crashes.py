"""A crash repeats an alert at worst and never loses one: between any two writes, and in any order of events."""

import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.alerts.message import Message
from probes.alerts.planning import FLAPPING_HOLD, Kind
from probes.domain.delivery import DeliveryState
from probes.domain.incident import Incident
from probes.settings.alerts import Channel
from probes.store.base import StoreUnavailableError
from probes.store.sqlite import open_sqlite
from tests.alerts.conftest import Desk
from tests.alerts.examples import a_channel, an_incident, reopened, resolved
from tests.fakes import FakeClock, Inbox
from tests.waiting import wait_until


class Dying:
    """The real store, up to the call that never happens."""

    def __init__(self, store: Any, call: str) -> None:
        self._store = store
        self._call = call

    def __getattr__(self, name: str) -> Any:
        if name == self._call:
            raise StoreUnavailableError(f"died before {name}")
        return getattr(self._store, name)


@pytest.fixture
def inbox(desk: Desk) -> Inbox:
    desk.use(a_channel())
    return Inbox()


@pytest.mark.parametrize("call", ["add_deliveries", "save_incident", "due_deliveries", "incident"])
def test_a_crash_before_any_step_is_made_good_by_the_next_agent(desk: Desk, inbox: Inbox, call: str) -> None:
    incident = desk.save(an_incident())
    alive, desk.store = desk.store, Dying(desk.store, call)  # type: ignore[assignment]
    desk.begin_anew(sender=inbox)
    with pytest.raises(StoreUnavailableError):
        desk.dispatcher.work()
    desk.store = alive
    desk.begin_anew(sender=inbox)
    desk.work()
    desk.pass_time(1)
    assert inbox.titles() == ["Down: quick (acme)"]
    known = desk.store.incident(incident.id)
    assert known is not None
    assert known.handed_over == 1


def test_a_crash_between_sending_and_marking_repeats_it_once(desk: Desk, inbox: Inbox) -> None:
    desk.save(an_incident())
    desk.begin_anew(sender=inbox)
    desk.dispatcher.work()
    wait_until("the message to be sent", lambda: inbox.tried)
    desk.begin_anew(sender=inbox)  # killed: what came back is forgotten
    desk.pass_time(1)
    for _ in range(3):
        desk.pass_time(600)
    first, repeat = inbox.take()
    assert first.id == repeat.id, "a receiver can tell the repeat"
    assert [one.state for one in desk.deliveries()] == [DeliveryState.SENT]


def test_what_was_sent_while_the_store_was_away_is_marked_later_and_not_sent_again(
    desk: Desk, inbox: Inbox
) -> None:
    release = threading.Event()

    def slow(channel: Channel, message: Message) -> None:
        release.wait(10)
        inbox(channel, message)

    desk.save(an_incident())
    dying = Dying(desk.store, "none")
    alive, desk.store = desk.store, dying  # type: ignore[assignment]
    desk.begin_anew(sender=slow)
    desk.dispatcher.work()
    dying._call = "update_delivery"
    release.set()
    wait_until("the message to be sent", lambda: inbox.tried)

    def is_refused() -> bool:
        try:
            return not desk.dispatcher.is_idle and False
        except StoreUnavailableError:
            return True

    wait_until("marking to fail", is_refused)
    dying._call = "none"
    desk.work()
    desk.pass_time(60)
    desk.store = alive
    assert inbox.tried == 1
    assert [one.state for one in desk.deliveries()] == [DeliveryState.SENT]


class Life:
    """One model's incident, as it goes on and off, and an operator's channel."""

    def __init__(self, directory: Path) -> None:
        clock = FakeClock()
        self.desk = Desk(open_sqlite(directory / "alerts.sqlite3", clock), clock)
        self.inbox = Inbox()
        self.desk.use(a_channel(group_for_seconds=15, remind_after_seconds=3600.0))
        self.desk.begin_anew(sender=self.inbox)
        self.incident: Incident = self.desk.save(an_incident())
        self.repeats = 0

    def toggle(self) -> None:
        now = self.desk.clock.now()
        change = resolved if self.incident.is_open else reopened
        self.incident = self.desk.save(change(self.incident, now))

    def refuse(self) -> None:
        self.inbox.is_refusing = not self.inbox.is_refusing

    def restart(self) -> None:
        self.desk.begin_anew(sender=self.inbox)

    def crash(self) -> None:
        """In the middle of sending, if there is something to send."""
        tried = self.inbox.tried
        self.desk.dispatcher.work()
        if not self.desk.dispatcher._outbox.is_busy:
            return
        wait_until("the message to be sent", lambda: self.inbox.tried > tried)
        self.repeats += not self.inbox.is_refusing
        self.restart()

    def told(self) -> list[Kind]:
        kinds = [item.kind for message in self.inbox.messages for item in message.items]
        return [kind for kind in kinds if kind is not Kind.FLAPPING]


EVENTS = st.one_of(
    st.sampled_from(["toggle", "refuse", "restart", "crash"]), st.sampled_from([1.0, 20.0, 300.0, 1800.0])
)


@given(st.lists(EVENTS, max_size=25))
@settings(max_examples=60)
def test_whatever_happens_the_last_word_is_the_truth(events: list[str | float]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        life = Life(Path(directory))
        try:
            for event in events:
                if isinstance(event, float):
                    life.desk.pass_time(event)
                else:
                    getattr(life, event)()
            life.inbox.is_refusing = False
            for _ in range(8):
                life.desk.pass_time(FLAPPING_HOLD.total_seconds())
            life.desk.pass_time(20)  # a reminder that fell due last is collected for 15 s
            told = life.told()
            if life.incident.is_open:
                assert told, "an outage that lasts is always told"
                assert told[-1] in (Kind.PROBLEM, Kind.REMINDER)
            else:
                assert not told or told[-1] is Kind.RECOVERY
            left = [one for one in life.desk.deliveries() if one.state is DeliveryState.PENDING]
            assert left == []
            assert life.desk.deliveries(DeliveryState.FAILED) == []
        finally:
            life.desk.store.close()
