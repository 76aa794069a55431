"""Confirming probes are evidence for a state and count in no figure, in either store."""

from dataclasses import replace
from datetime import timedelta

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Slot, Trigger
from probes.domain.rollup import Period
from probes.domain.state import State
from probes.domain.target import Readiness
from probes.store.base import ResultQuery, Store
from probes.verdicts.confirming import CONFIRM_PROBES
from probes.verdicts.rules import Subject, judge
from tests.examples import NOON, a_result

TARGET = "acme/main/quick"
DAY = timedelta(days=1)


def confirmed_outage() -> list[ProbeResult]:
    """A good probe, one that failed, and the confirming ones after it, each named by the failure before it."""
    results = [a_result(due_at=NOON - timedelta(minutes=10)), a_result(Outcome.SERVER_ERROR)]
    for n in range(1, CONFIRM_PROBES + 1):
        slot = Slot(TARGET, NOON + n * timedelta(seconds=10), Trigger.CONFIRM, results[-1].id)
        failed = a_result(Outcome.SERVER_ERROR, slot.due_at, trigger=Trigger.CONFIRM)
        results.append(replace(failed, id=slot.result_id("here")))
    return results


def test_confirming_probes_are_evidence_and_no_statistics(store: Store) -> None:
    results = confirmed_outage()

    assert store.add_results(results) == len(results)
    assert store.add_results(results) == 0

    recent = store.recent([TARGET], 15)[TARGET]
    assert recent == tuple(reversed(results))
    assert judge(Subject(Readiness.READY, "", 600), recent, NOON + timedelta(minutes=1)).state is State.DOWN
    (day,) = store.rollups(Period.DAY, NOON - DAY, NOON + DAY)
    assert (day.tally.n, day.tally.outcomes) == (2, {Outcome.OK: 1, Outcome.SERVER_ERROR: 1})
    found = store.results(ResultQuery(since=NOON - DAY, until=NOON + DAY, triggers=[Trigger.CONFIRM])).results
    assert len(found) == CONFIRM_PROBES


def test_a_failure_confirmed_by_two_writers_has_one_confirming_result(store: Store) -> None:
    *_, confirming = confirmed_outage()
    again = replace(confirming, due_at=confirming.due_at + timedelta(seconds=1))

    assert store.add_results([confirming]) + store.add_results([again]) == 1
