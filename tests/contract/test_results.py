"""Raw results: written once, read back as written, paged by key under every filter."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import (
    Category,
    Phase,
    ProbeResult,
    Quality,
    RateLimit,
    Stamps,
    TokensSource,
    Trigger,
)
from probes.store.base import CursorError, ResultQuery, Store
from tests.examples import NOON, a_result
from tests.fakes import FakeClock

MINUTE = timedelta(minutes=1)


def a_full_result() -> ProbeResult:
    """Every field set to something that is not its default."""
    given: dict[str, Any] = {}
    for field in fields(ProbeResult):
        if field.name.endswith("_seconds") or field.name in ("throughput", "cost"):
            given[field.name] = 0.1 + len(given) / 7
        elif "int" in str(field.type):
            given[field.name] = len(given) + 1
        elif str(field.type) == "str | None":
            given[field.name] = f"text of {field.name} 文"
    return a_result(
        **given
        | {
            "trigger": Trigger.CONFIRM,
            "phase": Phase.STREAM,
            "tokens_source": TokensSource.USAGE,
            "stamps": Stamps.KERNEL,
            "quality": Quality.BOUNDED,
            "connection_reused": False,
            "answer_ok": True,
            "rate_limits": (RateLimit("requests", 100, 99, 0.5), RateLimit("tokens")),
        }
    )


def test_a_result_with_every_field_comes_back_as_it_was(store: Store) -> None:
    written = a_full_result()
    unset = [f.name for f in fields(ProbeResult) if getattr(written, f.name) in (None, ())]

    store.add_results([written])

    assert not unset
    assert store.result(written.id) == written


def test_what_was_not_observed_comes_back_as_none(store: Store) -> None:
    written = a_result(Outcome.CONNECT_TIMEOUT, error=None)

    store.add_results([written])

    read = store.result(written.id)
    assert read == written
    assert read is not None
    assert (read.ttft_seconds, read.answer_ok, read.rate_limits) == (None, None, ())


def test_times_are_cut_to_milliseconds(store: Store) -> None:
    written = a_result(due_at=NOON + timedelta(microseconds=123_999))

    store.add_results([written])

    read = store.result(written.id)
    assert read is not None
    assert read.due_at == NOON + timedelta(milliseconds=123)


def test_a_result_that_is_not_there_is_none(store: Store) -> None:
    assert store.result("no-such-id") is None


def test_writing_twice_is_writing_once(store: Store) -> None:
    batch = [a_result(due_at=NOON - n * MINUTE) for n in range(3)]

    assert store.add_results(batch) == 3
    assert store.add_results([*batch, a_result()]) == 1
    assert store.count_results(ResultQuery(), at_most=100) == 4


def test_a_result_twice_in_one_batch_is_counted_once(store: Store) -> None:
    result = a_result()

    assert store.add_results([result, result]) == 1


def test_an_empty_batch_is_no_error(store: Store) -> None:
    assert store.add_results([]) == 0


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"error": "half a pair: \ud83d"}, id="lone surrogate"),
        pytest.param({"finish_reason": "zero\0byte"}, id="zero byte"),
        pytest.param({"served_model": "$where: {'a.b': 1}; DROP TABLE results"}, id="operators"),
        pytest.param({"request_id": "<script>alert(1)</script>" * 500}, id="long"),
        pytest.param({"throughput": float("nan"), "cost": float("inf")}, id="not a number"),
        pytest.param({"output_tokens": 10**30}, id="beyond 64 bits"),
    ],
)
def test_hostile_values_are_stored_without_harm(store: Store, changes: dict[str, Any]) -> None:
    written = a_result(**changes)

    assert store.add_results([written]) == 1

    read = store.result(written.id)
    assert read is not None
    assert read.target == written.target
    assert all(isinstance(value, str) for name in changes if (value := getattr(read, name)) is not None)


def mixed_results(count: int = 240) -> list[ProbeResult]:
    """Every filter has something to find and something to leave out; due times collide."""
    random = Random(7)
    outcomes = [Outcome.OK] * 6 + [Outcome.STALLED, Outcome.RATE_LIMITED, Outcome.MISSED]
    return [
        a_result(
            random.choice(outcomes),
            due_at=NOON - MINUTE * random.randrange(60),
            target=random.choice(["acme/main/quick", "acme/main/slow", "zenith/a/one", "zenith/b/one"]),
            location=random.choice(["here", "there"]),
            trigger=random.choice(
                [*[Trigger.SCHEDULED] * 5, Trigger.MANUAL, Trigger.CONFIRM, Trigger.MAINTENANCE]
            ),
            category=random.choice([Category.SMOOTH, Category.LAGGING]),
        )
        for _ in range(count)
    ]


Matches = Callable[[ProbeResult], bool]
FILTERS: dict[str, tuple[dict[str, Any], Matches]] = {
    "all": ({}, lambda r: True),
    "target": ({"targets": ["acme/main/quick"]}, lambda r: r.target == "acme/main/quick"),
    "targets": (
        {"targets": ["acme/main/quick", "zenith/b/one"]},
        lambda r: r.target in ("acme/main/quick", "zenith/b/one"),
    ),
    "provider": ({"providers": ["zenith"]}, lambda r: r.provider == "zenith"),
    "location": ({"locations": ["there"]}, lambda r: r.location == "there"),
    "category": ({"categories": [Category.LAGGING]}, lambda r: r.category is Category.LAGGING),
    "outcomes": (
        {"outcomes": [Outcome.STALLED, Outcome.MISSED]},
        lambda r: r.outcome in (Outcome.STALLED, Outcome.MISSED),
    ),
    "trigger": ({"triggers": [Trigger.MANUAL]}, lambda r: r.trigger is Trigger.MANUAL),
    "maintenance": (
        {"triggers": [Trigger.MAINTENANCE]},
        lambda r: r.trigger is Trigger.MAINTENANCE,
    ),
    "provider and outcome": (
        {"providers": ["acme"], "outcomes": [Outcome.STALLED]},
        lambda r: r.provider == "acme" and r.outcome is Outcome.STALLED,
    ),
    "everything at once": (
        {
            "providers": ["acme"],
            "targets": ["acme/main/slow"],
            "locations": ["here"],
            "categories": [Category.SMOOTH],
            "outcomes": [Outcome.OK],
            "triggers": [Trigger.SCHEDULED],
        },
        lambda r: (
            r.target == "acme/main/slow"
            and r.location == "here"
            and r.category is Category.SMOOTH
            and r.outcome is Outcome.OK
            and r.trigger is Trigger.SCHEDULED
        ),
    ),
    "time": (
        {"since": NOON - 20 * MINUTE, "until": NOON - 10 * MINUTE},
        lambda r: NOON - 20 * MINUTE <= r.due_at < NOON - 10 * MINUTE,
    ),
    "unknown target": ({"targets": ["acme/main/never"]}, lambda r: False),
}


def by_key(result: ProbeResult) -> tuple[datetime, str]:
    return result.due_at, result.id


def all_pages(store: Store, query: ResultQuery) -> list[ProbeResult]:
    found: list[ProbeResult] = []
    page = store.results(query)
    found += page.results
    while page.next_cursor is not None:
        assert len(page.results) == query.limit
        page = store.results(replace(query, cursor=page.next_cursor))
        found += page.results
    return found


@pytest.mark.parametrize(("given", "matches"), FILTERS.values(), ids=FILTERS)
def test_pages_hold_exactly_what_matches_in_order(
    store: Store, given: dict[str, Any], matches: Matches
) -> None:
    results = mixed_results()
    store.add_results(results)
    expected = sorted(filter(matches, results), key=by_key, reverse=True)

    newest_first = all_pages(store, ResultQuery(**given, limit=7))
    oldest_first = all_pages(store, ResultQuery(**given, limit=50, oldest_first=True))

    assert newest_first == expected
    assert oldest_first == expected[::-1]
    assert store.count_results(ResultQuery(**given), at_most=1000) == len(expected)


def test_pages_stay_whole_while_new_results_arrive(store: Store) -> None:
    old = [a_result(due_at=NOON - n * MINUTE) for n in range(4)]
    store.add_results(old)
    first = store.results(ResultQuery(limit=2))

    store.add_results([a_result(due_at=NOON + MINUTE)])
    second = store.results(ResultQuery(limit=2, cursor=first.next_cursor))

    assert [*first.results, *second.results] == old
    assert second.next_cursor is None


def test_counting_stops_at_the_limit(store: Store) -> None:
    store.add_results(mixed_results(30))

    assert store.count_results(ResultQuery(), at_most=10) == 10
    assert store.count_results(ResultQuery(locations=["here", "there"]), at_most=10) == 10
    assert store.count_results(ResultQuery(), at_most=0) == 0


def test_without_a_bound_a_query_reaches_ninety_days_back(store: Store, clock: FakeClock) -> None:
    store.add_results(
        [a_result(due_at=NOON - timedelta(days=89)), a_result(due_at=NOON - timedelta(days=91))]
    )

    assert len(store.results(ResultQuery()).results) == 1
    assert len(store.results(ResultQuery(since=NOON - timedelta(days=92))).results) == 2


@pytest.mark.parametrize(
    "cursor", ["", "x", "%%%", "MTIz", "é", "A" * 5000, "OTk5OTk5OTk5OTk5OTk5IGRlc2MgeA"]
)
def test_a_cursor_that_was_never_given_out_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(CursorError, match="start again without one"):
        store.results(ResultQuery(cursor=cursor))


def test_a_cursor_of_the_other_direction_is_refused(store: Store) -> None:
    store.add_results(mixed_results(30))
    page = store.results(ResultQuery(limit=5))

    with pytest.raises(CursorError, match="direction"):
        store.results(ResultQuery(limit=5, cursor=page.next_cursor, oldest_first=True))


@pytest.mark.parametrize("name", ["targets", "providers", "locations"])
@pytest.mark.parametrize("text", ["' OR 1=1 --", '{"$ne": null}', "$gt", ".*", "a\0b", "\\", "%"])
def test_filter_text_is_only_ever_text(store: Store, name: str, text: str) -> None:
    store.add_results([a_result()])

    assert store.results(ResultQuery(**{name: [text]})).results == ()


def test_recent_gives_the_newest_of_each_target_and_leaves_out_the_skipped(store: Store) -> None:
    quick = [
        a_result(due_at=NOON - n * MINUTE, location="here" if n % 2 else "there", trigger=Trigger.CONFIRM)
        for n in range(6)
    ]
    missed = a_result(Outcome.MISSED, due_at=NOON + MINUTE)
    skipped = a_result(Outcome.SKIPPED, due_at=NOON + 2 * MINUTE)
    slow = a_result(target="acme/main/slow")
    store.add_results([*quick, missed, skipped, slow])

    recent = store.recent(["acme/main/quick", "acme/main/slow", "acme/main/never"], limit=4)

    assert recent == {
        "acme/main/quick": (missed, *quick[:3]),
        "acme/main/slow": (slow,),
        "acme/main/never": (),
    }
    assert store.recent([], limit=4) == {}
