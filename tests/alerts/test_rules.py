"""When something is told, and when not: incidents in a real store, time that tests move, an inbox for all channels."""

import threading
from dataclasses import replace
from datetime import time

import pytest

from probes.alerts.message import Message
from probes.alerts.outbox import KEPT_FOR_UNKNOWN_CHANNEL, LONGEST_PAUSE_SECONDS, MAX_ATTEMPTS
from probes.alerts.planning import FLAPPING_AFTER, FLAPPING_HOLD, FORGOTTEN_AFTER
from probes.domain.delivery import DeliveryState
from probes.domain.incident import Affected, Ending, Incident, Severity, UpdateKind
from probes.settings.alerts import Channel, QuietHours
from tests.alerts.conftest import Desk
from tests.alerts.examples import (
    FAILING,
    QUICK,
    SLOW,
    a_channel,
    an_incident,
    reopened,
    resolved,
    updated,
)
from tests.examples import NOON
from tests.fakes import Inbox
from tests.waiting import wait_until

HOUR = 3600.0


@pytest.fixture
def inbox(desk: Desk) -> Inbox:
    """One channel that hears of everything at once."""
    inbox = Inbox()
    desk.use(a_channel())
    desk.begin_anew(sender=inbox)
    return inbox


def end(desk: Desk, incident: Incident) -> Incident:
    return desk.save(resolved(incident, desk.clock.now()))


def joined(desk: Desk, incident: Incident, target: str, severity: Severity) -> Incident:
    now = desk.clock.now()
    part = Affected(target, now, now, severity, FAILING, severity)
    affected = (*incident.affected, part)
    return desk.save(updated(incident, UpdateKind.JOINED, now, affected=affected, targets=[target]))


def worsened(desk: Desk, incident: Incident) -> Incident:
    parts = tuple(
        replace(part, severity=Severity.DOWN, worst=Severity.DOWN, reason=FAILING)
        for part in incident.affected
    )
    now = desk.clock.now()
    return desk.save(
        updated(incident, UpdateKind.WORSENED, now, affected=parts, severity=Severity.DOWN, targets=[])
    )


def test_an_incident_is_told_once_and_its_end_once_with_how_long_it_took(desk: Desk, inbox: Inbox) -> None:
    incident = desk.save(an_incident())
    for _ in range(3):
        desk.pass_time(10)
    assert inbox.titles() == ["Down: quick (acme)"]
    desk.clock.advance(20 * 60 - 30)
    end(desk, incident)
    for _ in range(3):
        desk.pass_time(10)
    (recovery,) = inbox.take()
    assert recovery.title == "Recovered after 24 min: quick (acme)"
    assert "from 2026-11-21 11:55 to 2026-11-21 12:19 UTC" in recovery.body
    assert {one.state for one in desk.deliveries()} == {DeliveryState.SENT}


def test_all_is_handed_over_although_nobody_listens_to_it(desk: Desk, inbox: Inbox) -> None:
    desk.use(a_channel(min_severity=Severity.DOWN))
    incident = desk.save(an_incident(severity=Severity.DEGRADED))
    desk.work()
    known = desk.store.incident(incident.id)
    assert known is not None
    assert known.handed_over == len(known.updates)
    assert (inbox.tried, desk.deliveries()) == (0, [])


def test_only_who_was_told_hears_of_the_end(desk: Desk, inbox: Inbox) -> None:
    desk.use(
        a_channel("all"),
        a_channel("worst", min_severity=Severity.DOWN),
        a_channel("no end", with_recovery=False),
    )
    incident = desk.save(an_incident(severity=Severity.DEGRADED))
    desk.work()
    assert sorted(message.channel for message in inbox.take()) == ["all", "no end"]
    end(desk, incident)
    desk.pass_time(1)
    assert [message.channel for message in inbox.take()] == ["all"]


def test_what_gets_worse_is_told_to_those_who_care(desk: Desk, inbox: Inbox) -> None:
    desk.use(a_channel(min_severity=Severity.DOWN))
    incident = desk.save(an_incident(severity=Severity.DEGRADED))
    desk.work()
    incident = worsened(desk, incident)
    desk.pass_time(1)
    assert inbox.titles() == ["Down: quick (acme)"]
    end(desk, incident)
    desk.pass_time(1)
    assert len(inbox.take()) == 1


def test_an_end_that_nobody_saw_is_not_called_a_recovery(desk: Desk, inbox: Inbox) -> None:
    incident = desk.save(an_incident())
    desk.work()
    desk.save(resolved(incident, desk.clock.now(), Ending.UNWATCHED))
    desk.pass_time(1)
    _, last = inbox.take()
    assert last.title == "No longer watched: quick (acme)"
    assert "how it ended is not known" in last.body


def test_what_begins_together_is_told_together(desk: Desk, inbox: Inbox) -> None:
    desk.use(a_channel(group_for_seconds=30))
    desk.save(an_incident())
    desk.work()
    desk.clock.advance(20)
    desk.save(an_incident("zeta/main/large", at=desk.clock.now(), severity=Severity.DEGRADED))
    desk.work()
    assert inbox.tried == 0
    desk.pass_time(11)
    (message,) = inbox.take()
    assert message.title == "Down: quick (acme) and 1 more"
    assert "Degraded: large (zeta)" in message.body
    assert message.severity is Severity.DOWN


def test_more_of_the_same_waits_for_the_cool_down_but_down_does_not(desk: Desk, inbox: Inbox) -> None:
    desk.use(a_channel(cooldown_seconds=600))
    incident = desk.save(an_incident(severity=Severity.DEGRADED))
    desk.work()
    assert len(inbox.take()) == 1
    desk.clock.advance(60)
    incident = joined(desk, incident, SLOW, Severity.DEGRADED)
    desk.work()
    desk.pass_time(500)
    assert inbox.tried == 1
    desk.pass_time(60)
    assert inbox.titles() == ["Degraded: acme, 2 models"]
    desk.clock.advance(10)
    worsened(desk, incident)
    desk.work()
    assert inbox.titles() == ["Down: acme, 2 models"]


def test_reminders_come_while_nobody_acknowledges(desk: Desk, inbox: Inbox) -> None:
    desk.use(a_channel(remind_after_seconds=HOUR))
    incident = desk.save(an_incident())
    desk.work()
    inbox.take()
    desk.pass_time(HOUR - 5)
    assert inbox.take() == []
    desk.pass_time(10)
    desk.pass_time(1)
    assert inbox.titles() == ["Still: Down: quick (acme)"]
    desk.begin_anew(sender=inbox)
    desk.pass_time(5.5 * HOUR)
    desk.pass_time(1)
    assert len(inbox.take()) == 1, "those that nobody could send meanwhile are not made up for"
    desk.save(updated(incident, UpdateKind.ACKNOWLEDGED, desk.clock.now(), acknowledged_at=desk.clock.now()))
    for _ in range(5):
        desk.pass_time(HOUR)
    assert inbox.take() == []


def test_quiet_hours_postpone_what_is_not_bad_enough(desk: Desk, inbox: Inbox) -> None:
    quiet = QuietHours(time(11, 0), time(14, 0), "UTC", unless=Severity.DOWN)
    desk.use(a_channel(quiet_hours=quiet))
    incident = desk.save(an_incident(severity=Severity.DEGRADED))
    desk.save(an_incident("zeta/main/large"))
    desk.work()
    assert inbox.titles() == ["Down: large (zeta)"]
    desk.clock.advance(HOUR)
    end(desk, incident)
    desk.pass_time(1)
    assert inbox.take() == []
    desk.pass_time(HOUR)
    (morning,) = inbox.take()
    assert morning.title.startswith("Recovered after "), "it came and went, and is told in the morning"


def test_the_fourth_trouble_within_an_hour_is_told_as_flapping(desk: Desk, inbox: Inbox) -> None:
    incident = desk.save(an_incident())
    desk.pass_time(1)
    for _ in range(FLAPPING_AFTER - 1):
        desk.clock.advance(120)
        incident = end(desk, incident)
        desk.pass_time(1)
        desk.clock.advance(120)
        incident = desk.save(reopened(incident, desk.clock.now()))
        desk.pass_time(1)
    assert len(inbox.take()) == 2 * FLAPPING_AFTER - 1
    for _ in range(5):
        desk.clock.advance(120)
        incident = end(desk, incident)
        desk.pass_time(1)
        desk.clock.advance(120)
        incident = desk.save(reopened(incident, desk.clock.now()))
        desk.pass_time(1)
    titles = inbox.titles()
    assert titles[:2] == ["Recovered after 14 min: quick (acme)", "Flapping: quick (acme)"]
    assert titles.count("Flapping: quick (acme)") == 1
    assert len(titles) == 2, "the end of the last one that was told, and one notice for all the others"


def test_flapping_hides_no_outage_that_lasts(desk: Desk, inbox: Inbox) -> None:
    for _ in range(FLAPPING_AFTER + 1):
        incident = desk.save(an_incident(at=desk.clock.now()))
        desk.pass_time(1)
        last = incident
        if len(desk.deliveries()) < 2 * FLAPPING_AFTER + 1:
            end(desk, incident)
            desk.pass_time(240)
    inbox.take()
    desk.pass_time(FLAPPING_HOLD.total_seconds())
    assert inbox.titles() == ["Down: quick (acme)"]
    end(desk, last)
    desk.pass_time(1)
    assert inbox.titles()[0].startswith("Recovered after ")


def test_of_merged_incidents_one_is_told_and_one_ends(desk: Desk, inbox: Inbox) -> None:
    desk.use(a_channel(group_for_seconds=30))
    into = desk.save(an_incident(QUICK))
    desk.work()
    desk.clock.advance(29)
    other = desk.save(an_incident(SLOW, at=desk.clock.now()))
    into = desk.save(
        updated(
            into,
            UpdateKind.MERGED,
            desk.clock.now(),
            affected=(*into.affected, *other.affected),
            text=other.id,
        )
    )
    desk.save(updated(other, UpdateKind.MERGED, desk.clock.now(), merged_into=into.id, text=into.id))
    desk.pass_time(2)
    desk.pass_time(60)
    assert inbox.titles() == ["Down: acme, 2 models"]
    end(desk, into)
    desk.pass_time(31)
    desk.pass_time(31)
    assert len(inbox.take()) == 1


def test_an_incident_merged_before_it_was_told_is_told_as_the_other(desk: Desk, inbox: Inbox) -> None:
    desk.use(a_channel(targets=(SLOW,), group_for_seconds=30))
    into = desk.save(an_incident(QUICK))
    other = desk.save(an_incident(SLOW))
    desk.work()
    affected = (*into.affected, *other.affected)
    into = desk.save(updated(into, UpdateKind.MERGED, desk.clock.now(), affected=affected, text=other.id))
    desk.save(updated(other, UpdateKind.MERGED, desk.clock.now(), merged_into=into.id, text=into.id))
    desk.pass_time(31)
    (message,) = inbox.take()
    assert [item.incident.id for item in message.items] == [into.id]
    end(desk, into)
    desk.pass_time(1)
    desk.pass_time(31)
    assert len(inbox.take()) == 1


def test_maintenance_is_silent(desk: Desk, inbox: Inbox) -> None:
    desk.maintained.add(QUICK)
    desk.save(an_incident(QUICK))
    desk.use(a_channel(remind_after_seconds=HOUR))
    for _ in range(4):
        desk.pass_time(HOUR)
    assert inbox.take() == []


def test_a_late_first_channel_is_told_what_is_open_and_not_what_is_history(desk: Desk, inbox: Inbox) -> None:
    desk.use()
    desk.save(resolved(an_incident("zeta/main/old"), NOON))
    desk.clock.advance(FORGOTTEN_AFTER.total_seconds() + 60)
    lasting = an_incident()
    desk.save(lasting)
    desk.use(a_channel())
    desk.work()
    assert inbox.titles() == ["Down: quick (acme)"]


def test_a_message_that_is_refused_for_hours_is_given_up_and_seen(desk: Desk, inbox: Inbox) -> None:
    inbox.is_refusing = True
    desk.save(an_incident())
    for _ in range(MAX_ATTEMPTS + 5):
        desk.pass_time(2 * LONGEST_PAUSE_SECONDS)
    (delivery,) = desk.deliveries()
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, MAX_ATTEMPTS)
    assert delivery.error == "HTTP 503"
    assert inbox.tried == MAX_ATTEMPTS


def test_what_a_refusing_channel_missed_is_told_in_one_message(desk: Desk, inbox: Inbox) -> None:
    inbox.is_refusing = True
    incident = desk.save(an_incident())
    desk.work()
    desk.clock.advance(30)
    end(desk, incident)
    desk.pass_time(1)
    inbox.is_refusing = False
    desk.pass_time(60)
    desk.pass_time(60)
    (message,) = inbox.take()
    assert message.title.startswith("Recovered after ")
    assert {one.state for one in desk.deliveries()} == {DeliveryState.SENT}


def test_a_hanging_channel_delays_no_other(desk: Desk) -> None:
    inbox, release = Inbox(), threading.Event()

    def hang(channel: Channel, message: Message) -> None:
        if channel.name == "stuck":
            release.wait(10)
        inbox(channel, message)

    desk.use(a_channel("stuck"), a_channel("quick"))
    desk.begin_anew(sender=hang)
    desk.save(an_incident())
    desk.dispatcher.work()
    wait_until("the quick one to be told", lambda: inbox.tried)
    assert [message.channel for message in inbox.messages] == ["quick"]
    release.set()
    wait_until("the stuck one to come back", lambda: desk.dispatcher.is_idle)
    assert {one.state for one in desk.deliveries()} == {DeliveryState.SENT}


def test_deliveries_of_a_channel_that_is_gone_are_dropped_after_a_while(desk: Desk, inbox: Inbox) -> None:
    desk.use(a_channel("old", group_for_seconds=60), a_channel("new"))
    desk.save(an_incident())
    desk.work()
    desk.use(a_channel("new"))
    desk.pass_time(120)
    assert [one.channel for one in desk.deliveries(DeliveryState.PENDING)] == ["old"]
    desk.pass_time(KEPT_FOR_UNKNOWN_CHANNEL.total_seconds())
    (dropped,) = desk.deliveries(DeliveryState.DROPPED)
    assert dropped.error == "the channel is no longer configured"
    assert [message.channel for message in inbox.take()] == ["new"]


def test_only_one_agent_sends_and_another_takes_over(desk: Desk, inbox: Inbox) -> None:
    second = Desk(desk.store, desk.clock, alerts=desk.alerts)
    other = Inbox()
    second.begin_anew("there@test", other)
    desk.save(an_incident())
    desk.work()
    second.work()
    assert (inbox.tried, other.tried) == (1, 0)
    desk.save(an_incident("zeta/main/large", at=desk.clock.now()))
    desk.clock.advance(60)
    second.work()
    assert (inbox.tried, other.tried) == (1, 1)
