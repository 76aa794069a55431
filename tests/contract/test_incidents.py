"""Incidents: kept whole, replaced by compare-and-swap, found by what overlaps, paged by key, kept while open."""

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from probes.domain.incident import (
    Affected,
    Cause,
    Ending,
    Incident,
    IncidentUpdate,
    Severity,
    UpdateKind,
    incident_id,
    update_id,
)
from probes.domain.state import Reason
from probes.store.base import CursorError, IncidentPage, IncidentQuery, Retention, Store
from tests.contract.conftest import OpenStore
from tests.examples import NOON

QUICK, SLOW = "acme/main/quick", "acme/main/slow"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
ODD = timedelta(microseconds=123_999)


def an_incident(minute: float = 0, *targets: str, **changes: Any) -> Incident:
    """Open, of one target, begun that many minutes after noon."""
    started_at = NOON + minute * MINUTE
    severity = changes.get("severity", Severity.DOWN)
    parts = tuple(
        Affected(
            target=target,
            started_at=started_at,
            detected_at=started_at + MINUTE,
            severity=severity,
            reason=Reason("consecutive_failures", (("failures", 4), ("share", 0.5), ("fault", "文"))),
            worst=severity,
            evidence=("r1", "r2"),
        )
        for target in targets or (QUICK,)
    )
    identity = incident_id(parts[0].target, started_at, severity)
    opened = IncidentUpdate(
        id=update_id(identity, 1, UpdateKind.OPENED),
        at=started_at + MINUTE,
        kind=UpdateKind.OPENED,
        severity=severity,
        targets=(parts[0].target,),
        reason=parts[0].reason,
    )
    incident = Incident(
        id=identity,
        provider="acme",
        started_at=started_at,
        detected_at=started_at + MINUTE,
        severity=severity,
        cause=Cause.TIMEOUT,
        affected=parts,
        updates=(opened,),
        updated_at=started_at + MINUTE,
    )
    return replace(incident, **changes)


def ended(incident: Incident, after: timedelta) -> Incident:
    """Its next version: every part recovered, which was sure a minute later."""
    ended_at = incident.started_at + after
    parts = tuple(replace(part, ended_at=ended_at, ending=Ending.RECOVERED) for part in incident.affected)
    note = IncidentUpdate(
        id=update_id(incident.id, incident.version + 1, UpdateKind.RESOLVED),
        at=ended_at + MINUTE,
        kind=UpdateKind.RESOLVED,
        severity=incident.severity,
    )
    following = incident.next(ended_at + MINUTE, [note])
    return replace(following, affected=parts, ended_at=ended_at, resolved_at=ended_at + MINUTE)


def merged(incident: Incident, into: Incident) -> Incident:
    return replace(incident.next(incident.updated_at + MINUTE), merged_into=into.id)


def saved(store: Store, *versions: Incident) -> None:
    for version in versions:
        assert store.save_incident(version)


def found(store: Store, **query: Any) -> list[Incident]:
    return list(store.incidents(IncidentQuery(**query)).incidents)


def test_an_empty_store_has_no_incidents(store: Store) -> None:
    assert store.incidents(IncidentQuery()) == IncidentPage((), None)
    assert store.incident("nobody") is None


def test_an_incident_comes_back_whole(store: Store, open_store: OpenStore) -> None:
    first = an_incident(0, QUICK, SLOW)
    second = replace(ended(first, 5 * MINUTE), acknowledged_at=NOON + 2 * MINUTE, handed_over=2)

    saved(store, first)
    assert open_store().incident(first.id) == first
    saved(store, second)

    assert open_store().incident(first.id) == second
    assert found(store) == [second]


def test_every_moment_is_cut_to_milliseconds_of_utc(store: Store) -> None:
    incident = an_incident()
    (part,), (update,) = incident.affected, incident.updates
    east = timezone(timedelta(hours=8))
    odd = replace(
        incident,
        started_at=(NOON + ODD).astimezone(east),
        acknowledged_at=NOON + ODD,
        affected=(replace(part, started_at=NOON + ODD, ended_at=(NOON + ODD).astimezone(east)),),
        updates=(replace(update, at=NOON + ODD),),
    )

    saved(store, odd)

    back = store.incident(incident.id)
    assert back is not None
    moments = (
        back.started_at,
        back.acknowledged_at,
        back.affected[0].started_at,
        back.affected[0].ended_at,
        back.updates[0].at,
    )
    assert set(moments) == {NOON + timedelta(milliseconds=123)}
    assert {moment and moment.utcoffset() for moment in moments} == {timedelta(0)}


def test_words_that_utf_8_cannot_hold_are_kept_as_far_as_it_can(store: Store) -> None:
    incident = an_incident()
    note = replace(incident.updates[0], kind=UpdateKind.NOTE, text="half a pair: \ud83d, $set, 文")

    saved(store, replace(incident, updates=(note,)))

    (back,) = found(store)
    assert back.updates[0].text == "half a pair: ?, $set, 文"


def test_a_figure_that_is_no_number_does_not_spoil_the_incident(store: Store) -> None:
    incident = an_incident()
    (part,) = incident.affected
    odd = Reason("slow", (("ratio", float("inf")), ("n", 3)))

    saved(store, replace(incident, affected=(replace(part, reason=odd),)))

    (back,) = found(store)
    assert back.affected[0].reason.params == (("ratio", "inf"), ("n", 3))


def test_a_version_is_written_only_over_the_one_before(store: Store) -> None:
    first = an_incident()
    second = first.next(NOON + 2 * MINUTE)
    third = second.next(NOON + 3 * MINUTE)

    assert store.save_incident(second) is False, "there is no first one"
    assert store.save_incident(first) is True
    assert store.save_incident(replace(first, cause=Cause.MIXED)) is False, "it is there already"
    assert store.save_incident(third) is False, "it skips one"
    assert store.save_incident(second) is True
    assert store.save_incident(replace(second, cause=Cause.MIXED)) is False, "somebody was quicker"
    assert store.save_incident(third) is True

    assert found(store) == [third]


def test_a_refused_version_changes_nothing_that_filters_see(store: Store) -> None:
    first = an_incident()
    saved(store, first)

    store.save_incident(replace(an_incident(0, QUICK, SLOW), version=3, provider="other"))

    assert found(store, targets=[SLOW]) == []
    assert found(store, providers=["other"]) == []
    assert found(store, targets=[QUICK]) == [first]


def test_filters_see_what_the_newest_version_says(store: Store) -> None:
    first = an_incident(0, QUICK)
    grown = replace(first.next(NOON + 2 * MINUTE), affected=an_incident(0, SLOW, "acme/main/new").affected)

    saved(store, first, grown)

    assert found(store, targets=[QUICK]) == []
    assert found(store, targets=[SLOW]) == found(store, targets=["acme/main/new", SLOW]) == [grown]


ALL = {
    "open": an_incident(50),
    "short": ended(an_incident(40, SLOW), 5 * MINUTE),
    "long": ended(an_incident(30, QUICK, SLOW), 25 * MINUTE),
    "ours": an_incident(20, severity=Severity.ATTENTION),
    "other": ended(an_incident(10, "other/main/one", provider="other"), MINUTE),
}
MERGED = merged(an_incident(45, SLOW), ALL["open"])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({}, ["open", "short", "long", "ours", "other"], id="all"),
        pytest.param({"is_open": True}, ["open", "ours"], id="open"),
        pytest.param({"is_open": False}, ["short", "long", "other"], id="ended"),
        pytest.param({"is_public": True}, ["open", "short", "long", "other"], id="public"),
        pytest.param({"is_public": False}, ["ours"], id="ours"),
        pytest.param({"is_open": True, "is_public": True}, ["open"], id="open and public"),
        pytest.param({"targets": [SLOW]}, ["short", "long"], id="target"),
        pytest.param({"targets": [SLOW, QUICK]}, ["open", "short", "long", "ours"], id="targets"),
        pytest.param({"providers": ["other"]}, ["other"], id="provider"),
        pytest.param({"providers": ["other", "acme"], "targets": [SLOW]}, ["short", "long"], id="both"),
        pytest.param({"providers": ["$ne"], "targets": ["$ne"]}, [], id="unknown"),
        pytest.param({"since": NOON + 45 * MINUTE}, ["open", "short", "long", "ours"], id="since its end"),
        pytest.param({"since": NOON + 45.1 * MINUTE}, ["open", "long", "ours"], id="since"),
        pytest.param({"until": NOON + 30 * MINUTE}, ["ours", "other"], id="until its start"),
        pytest.param({"since": NOON + 12 * MINUTE, "until": NOON + 31 * MINUTE}, ["long", "ours"], id="span"),
        pytest.param({"changed_since": NOON + 46 * MINUTE}, ["open", "short", "long"], id="changed"),
        pytest.param({"changed_since": NOON + 46.1 * MINUTE}, ["open", "long"], id="changed later"),
    ],
)
def test_pages_hold_exactly_what_matches_newest_first(
    store: Store, query: dict[str, Any], names: list[str]
) -> None:
    for incident in ALL.values():
        saved(store, *([] if incident.version == 1 else [replace(incident, version=1)]), incident)
    saved(store, replace(MERGED, version=1), MERGED)

    incidents: list[Incident] = []
    page = store.incidents(IncidentQuery(**query, limit=2))
    incidents += page.incidents
    while page.next_cursor is not None:
        page = store.incidents(IncidentQuery(**query, limit=2, cursor=page.next_cursor))
        incidents += page.incidents

    assert incidents == [ALL[name] for name in names]


def test_a_merged_one_is_left_out_unless_asked_for(store: Store) -> None:
    kept, gone = an_incident(), an_incident(1, SLOW)
    saved(store, kept, gone, merged(gone, kept))

    assert found(store) == [kept]
    assert found(store, with_merged=True) == [merged(gone, kept), kept]
    assert found(store, is_open=True, with_merged=True) == [kept]
    assert store.incident(gone.id) == merged(gone, kept)


def test_incidents_of_one_moment_are_paged_without_loss(store: Store) -> None:
    incidents = [an_incident(0, f"acme/main/m{n}") for n in range(5)]
    saved(store, *incidents)

    first = store.incidents(IncidentQuery(limit=3))
    rest = store.incidents(IncidentQuery(limit=3, cursor=first.next_cursor))

    assert {one.id for one in (*first.incidents, *rest.incidents)} == {one.id for one in incidents}
    assert rest.next_cursor is None


def test_a_cursor_that_was_never_given_out_is_refused(store: Store) -> None:
    with pytest.raises(CursorError):
        store.incidents(IncidentQuery(cursor="MTIz"))


def test_ended_incidents_go_with_the_daily_rollups_and_open_ones_never(store: Store) -> None:
    long_ago, lately = an_incident(0, SLOW), an_incident(300 * 24 * 60)
    kept, taken_up = an_incident(1), an_incident(2, SLOW)
    saved(store, long_ago, ended(long_ago, MINUTE), lately, ended(lately, MINUTE))
    saved(store, kept, taken_up, merged(taken_up, kept))
    later = NOON + 350 * DAY

    store.sweep(Retention(), later)
    before = found(store, with_merged=True)
    deleted = store.sweep(Retention(daily=200 * DAY), later)

    assert len(before) == 4
    assert deleted == 2
    assert found(store, with_merged=True) == [ended(lately, MINUTE), kept]
    assert found(store, with_merged=True, targets=[SLOW]) == []
