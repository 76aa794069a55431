from datetime import timedelta

import pytest

from probes.domain.outcome import FAULTS, Fault, Outcome
from probes.domain.result import Category, Slot, Trigger, categorize
from probes.domain.target import Secret, Thresholds
from tests.examples import NOON


@pytest.mark.parametrize(
    ("seconds", "category"),
    [
        (0.0, Category.SMOOTH),
        (8.49, Category.SMOOTH),
        (8.5, Category.AVAILABLE),
        (35.0, Category.AVAILABLE),
        (35.1, Category.CONGESTION),
        (50.0, Category.CONGESTION),
        (50.1, Category.LAGGING),
        (100.0, Category.LAGGING),
        (100.1, Category.UNKNOWN),
        (None, Category.UNKNOWN),
    ],
)
def test_category_follows_response_time(seconds: float | None, category: Category) -> None:
    assert categorize(seconds, Outcome.OK, Thresholds()) is category


def test_a_quick_failure_is_not_smooth() -> None:
    assert categorize(0.1, Outcome.SERVER_ERROR, Thresholds()) is Category.UNKNOWN


def test_every_outcome_names_whose_fault_it_is() -> None:
    assert set(FAULTS) == set(Outcome)
    assert set(FAULTS.values()) == set(Fault)


def test_writing_a_slot_twice_is_writing_it_once() -> None:
    slot = Slot("acme/main/quick", NOON)
    assert slot.result_id("here") == Slot("acme/main/quick", NOON).result_id("here")
    others = {
        slot.result_id("there"),
        Slot("acme/main/quick", NOON + timedelta(seconds=60)).result_id("here"),
        Slot("acme/main/quick", NOON, Trigger.MANUAL, "request-1").result_id("here"),
    }
    assert slot.result_id("here") not in others
    assert len(others) == 3


def test_a_secret_shows_itself_only_on_request() -> None:
    secret = Secret("sk-very-secret-value")
    assert "very" not in f"{secret!r} {secret}"
    assert secret.reveal() == "sk-very-secret-value"
