"""Kill -9 in the middle of incidents and alerts, a few times; tests/bench/crash.py does it two hundred times."""

from pathlib import Path

from tests.bench.crash import storm


def test_kills_lose_and_double_no_incident_and_no_alert(tmp_path: Path) -> None:
    report = storm(tmp_path, kills=8)
    assert report.loses_nothing, str(
        report
    )  # how often a message is repeated is a matter of chance: the bench's
    assert report.incidents == report.outages > 0
