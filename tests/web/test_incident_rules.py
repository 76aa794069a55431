"""/methodology tells every rule of incidents with the very thresholds of the code."""

from pathlib import Path

import pytest

from probes.domain.incident import Cause, Severity
from probes.verdicts.drafts import FIRST_EVIDENCE, MAX_UPDATES
from probes.verdicts.evidence import STEADY_AFTER
from probes.verdicts.incidents import (
    MAX_RETURNS,
    NEAR_INTERVALS,
    NEAR_SPAN,
    RELAPSE_INTERVALS,
    RELAPSE_SPAN,
)
from probes.verdicts.rules import THROTTLED_OF
from probes.verdicts.standing import OURS_AFTER, SLOW_SHARE, THROTTLED_TO_CALL
from tests.web.serving import a_board
from tests.web.test_methodology import section


@pytest.fixture
def told(tmp_path: Path) -> str:
    return section(a_board(tmp_path).client.get("/methodology").text, "incidents")


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(
            f"{OURS_AFTER} faults of our key, quota, request or model name in a row, or {THROTTLED_TO_CALL} "
            f"throttled among the newest {THROTTLED_OF} results, until {STEADY_AFTER} answers in a row",
            id="ours",
        ),
        pytest.param(f"at most {SLOW_SHARE * 100:g}\xa0% of the answers before were slow", id="slow"),
        pytest.param(
            f"within {NEAR_SPAN.seconds // 60}\xa0min or {NEAR_INTERVALS} intervals of each other", id="near"
        ),
        pytest.param(
            f"within {RELAPSE_SPAN.seconds // 60}\xa0min or {RELAPSE_INTERVALS} intervals of its first good slot",
            id="relapse",
        ),
        pytest.param(f"reopened, at most {MAX_RETURNS} times", id="returns"),
        pytest.param(f"its first {FIRST_EVIDENCE} failures and the newest", id="evidence"),
        pytest.param(f"tells {MAX_UPDATES} changes at most", id="timeline"),
    ],
)
def test_each_rule_is_told_with_its_threshold(told: str, rule: str) -> None:
    assert rule in told


def test_each_severity_and_cause_is_explained(told: str) -> None:
    assert told.count("<tr>") == len(Severity) + len(Cause)
    assert all(f"<code>{member.value}</code>" in told for member in (*Severity, *Cause))
