from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Trigger
from probes.domain.state import State
from probes.domain.target import Readiness
from probes.verdicts.confirming import CONFIRM_PROBES, CONFIRM_WITHIN, to_confirm
from probes.verdicts.evidence import DOWN_AFTER_CONFIRMED
from probes.verdicts.rules import Subject, judge
from tests.examples import NOON, a_result

OK, FAIL, AUTH, LIMITED = Outcome.OK, Outcome.SERVER_ERROR, Outcome.AUTH, Outcome.RATE_LIMITED
SUBJECT = Subject(Readiness.READY, "", interval_seconds=600)


def seen(*outcomes: Outcome, confirms: int = 0) -> list[ProbeResult]:
    """Newest first, ten seconds apart, the newest ones confirming."""
    results = [a_result(outcome, NOON - timedelta(seconds=10 * n)) for n, outcome in enumerate(outcomes)]
    return [replace(r, trigger=Trigger.CONFIRM) for r in results[:confirms]] + results[confirms:]


def asked(results: Sequence[ProbeResult]) -> ProbeResult | None:
    return to_confirm(results, judge(SUBJECT, results, NOON), NOON)


def test_a_first_failure_is_asked_again_until_it_is_an_outage() -> None:
    for confirms in range(CONFIRM_PROBES):
        results = seen(*[FAIL] * (confirms + 1), OK, confirms=confirms)
        assert asked(results) is results[0]
    down = seen(*[FAIL] * (CONFIRM_PROBES + 1), OK, confirms=CONFIRM_PROBES)
    assert asked(down) is None
    assert judge(SUBJECT, down, NOON).state is State.DOWN
    assert CONFIRM_PROBES + 1 == DOWN_AFTER_CONFIRMED


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([], id="nothing seen"),
        pytest.param(seen(OK, FAIL, OK), id="the newest is good"),
        pytest.param(seen(OK, FAIL, OK, confirms=1), id="the confirming one is good"),
        pytest.param(seen(FAIL), id="never seen working"),
        pytest.param(seen(AUTH, OK), id="our key"),
        pytest.param(seen(LIMITED, OK), id="throttled"),
        pytest.param(seen(Outcome.MISSED, OK), id="not run"),
        pytest.param(seen(FAIL, AUTH, OK), id="it did not work before"),
        pytest.param(seen(*[FAIL, OK] * 6), id="known to be degraded"),
    ],
)
def test_nothing_else_is_asked_again(results: list[ProbeResult]) -> None:
    assert asked(results) is None


def test_an_old_failure_is_history() -> None:
    results = seen(FAIL, OK)
    later = NOON + CONFIRM_WITHIN + timedelta(seconds=1)
    assert to_confirm(results, judge(SUBJECT, results, later), later) is None
