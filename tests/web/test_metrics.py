"""/metrics: true to the store, monotonic, of bounded size, and good in the eyes of Prometheus' own tools."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_plain
from prometheus_client.samples import Sample

from probes.domain.incident import Ending, Severity
from probes.domain.outcome import Fault, Outcome
from probes.domain.result import RateLimit, Trigger
from probes.domain.state import Reason, State, Verdict
from probes.domain.upkeep import Maintenance
from probes.store.sqlite import open_sqlite
from probes.verdicts.merging import merged
from probes.web.deliveries import Progress
from probes.web.exposition import ERROR_TYPES
from probes.web.factory import WebDependencies, create_app
from tests.examples import NOON, a_result, a_target
from tests.promtool.launch import promtool
from tests.web.serving import Board, a_board, a_plan, an_agent
from tests.web.told_incidents import MINUTE, opened, resolved, save

QUICK, SLOW = "acme/main/quick", "acme/main/slow"
PROMETHEUS_ASKS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def scraped(board: Board) -> list[Sample]:
    answer = board.client.get("/metrics")
    assert answer.status_code == 200
    return [sample for family in parse_plain(answer.text) for sample in family.samples]


def value(board: Board, name: str, **labels: str) -> float | None:
    """None where it is left out."""
    found = [s.value for s in scraped(board) if s.name == name and labels.items() <= s.labels.items()]
    assert len(found) <= 1, f"{name}{labels} is ambiguous"
    return found[0] if found else None


def minutes_ago(minutes: float) -> dict[str, object]:
    return {"due_at": NOON - timedelta(minutes=minutes)}


def test_errors_are_counted_by_provider_and_class(board: Board) -> None:
    board.store.add_results(
        [
            a_result(Outcome.STALLED, NOON - timedelta(minutes=1)),
            a_result(Outcome.STALLED, NOON - timedelta(minutes=2), SLOW),
            a_result(Outcome.AUTH, NOON - timedelta(minutes=3)),
            a_result(Outcome.MISSED, NOON - timedelta(minutes=4)),
            a_result(due_at=NOON - timedelta(minutes=5)),
        ]
    )
    errors = {
        sample.labels["error_type"]: sample.value
        for sample in scraped(board)
        if sample.name == "llm_provider_errors_total"
    }
    assert {kind for kind, n in errors.items() if n} == {"stalled", "auth"}
    assert errors["stalled"] == 2
    assert set(errors) == {outcome.value for outcome in ERROR_TYPES}, "an increase from nothing is not seen"
    assert value(board, "llm_probe_slots_missed_total", target=QUICK) == 1
    assert value(board, "llm_probe_results_total", target=QUICK, fault="none") == 1
    assert value(board, "llm_probe_results_total", target=QUICK, fault="not_run") == 1


def test_histograms_count_ok_probes_at_or_below_their_limits(board: Board) -> None:
    ttfts = (0.04, 0.25, 0.25, 2.5)
    board.store.add_results(
        [a_result(due_at=NOON - timedelta(minutes=n), ttft_seconds=ttft) for n, ttft in enumerate(ttfts)]
    )
    buckets = {
        sample.labels["le"]: sample.value
        for sample in scraped(board)
        if sample.name == "llm_probe_ttft_seconds_bucket" and sample.labels["target"] == QUICK
    }
    assert [buckets[le] for le in ("0.05", "0.2", "0.3", "2.0", "3.0", "+Inf")] == [1, 1, 3, 3, 4, 4]
    assert value(board, "llm_probe_ttft_seconds_count", target=QUICK) == 4
    assert value(board, "llm_probe_ttft_seconds_sum", target=QUICK) == pytest.approx(sum(ttfts), rel=0.01)
    assert value(board, "llm_provider_latency_seconds_count", provider="acme") == 4
    assert value(board, "llm_probe_throughput_tokens_per_second_bucket", target=QUICK, le="75.0") == 4


def test_manual_and_confirming_probes_are_not_counted(board: Board) -> None:
    board.store.add_results(
        [a_result(trigger=Trigger.MANUAL), a_result(Outcome.STALLED, trigger=Trigger.CONFIRM)]
    )
    assert value(board, "llm_probe_results_total", target=QUICK, fault="none") == 0
    assert value(board, "llm_provider_errors_total", provider="acme", error_type="stalled") == 0


def test_counters_are_the_same_after_a_restart_and_in_every_web_process(board: Board, tmp_path: Path) -> None:
    board.store.add_results([a_result(Outcome.STALLED, NOON - timedelta(days=n)) for n in range(5)])
    before = [s for s in scraped(board) if s.name.startswith("llm_p")]
    store = open_sqlite(tmp_path / "board.sqlite3", board.clock)
    dependencies = board.app.extensions["firsttoken"].dependencies
    restarted = create_app(
        WebDependencies(store, board.clock, dependencies.settings, dependencies.redact, "0.1.0-test")
    )
    after = [s for s in scraped(Board(restarted, store, board.clock)) if s.name.startswith("llm_p")]
    store.close()
    assert after == before


def test_counters_begin_again_with_the_month_and_count_late_results(board: Board) -> None:
    first = NOON.replace(day=1, hour=0)
    board.store.add_results([a_result(due_at=first - timedelta(minutes=1)), a_result(due_at=first)])
    count = "llm_probe_results_total"
    assert value(board, count, target=QUICK, fault="none") == 1
    assert value(board, "firsttoken_counting_since_timestamp_seconds") == first.timestamp()
    board.store.add_results([a_result(due_at=first + timedelta(days=3))])  # from a spool, say
    board.tick()
    assert value(board, count, target=QUICK, fault="none") == 2
    board.clock.advance(timedelta(days=10).total_seconds())
    assert value(board, count, target=QUICK, fault="none") == 0


def test_a_providers_counters_do_not_fall_when_a_model_is_removed(board: Board) -> None:
    board.store.add_results([a_result(Outcome.STALLED), a_result(Outcome.STALLED, target=SLOW)])
    named = {"provider": "acme", "error_type": "stalled"}
    assert value(board, "llm_provider_errors_total", **named) == 2
    board.store.put_plan(a_plan((a_target("quick"),)))
    board.tick()
    assert value(board, "llm_provider_errors_total", **named) == 2
    assert value(board, "llm_target_state", target=SLOW, state="unknown") is None


def test_exactly_one_state_of_a_target_is_set(board: Board) -> None:
    board.store.add_results([a_result(Outcome.STALLED)])
    board.store.set_verdict(QUICK, Verdict(State.DOWN, Reason("healthy"), NOON, NOON))
    of_quick = [s for s in scraped(board) if s.name == "llm_target_state" and s.labels["target"] == QUICK]
    assert {sample.labels["state"]: sample.value for sample in of_quick} == {
        state.value: float(state is State.DOWN) for state in State
    }
    assert value(board, "llm_target_state", target=SLOW, state="unknown") == 1
    assert value(board, "llm_target_last_probe_timestamp_seconds", target=QUICK) == NOON.timestamp()
    assert value(board, "llm_target_last_probe_timestamp_seconds", target=SLOW) is None


def test_the_tightest_rate_limit_of_a_provider_is_told(board: Board) -> None:
    told = RateLimit("requests", 100, 40), RateLimit("tokens", None, 9_000)
    board.store.add_results(
        [
            a_result(rate_limits=told),
            a_result(target=SLOW, rate_limits=(RateLimit("requests", 1000, 50),)),
        ]
    )
    name = "llm_provider_rate_limit_remaining"
    assert value(board, name, provider="acme", limit_type="requests") == 40
    assert value(board, f"{name}_ratio", provider="acme", limit_type="requests") == 0.05
    assert value(board, name, provider="acme", limit_type="tokens") == 9_000
    assert value(board, f"{name}_ratio", provider="acme", limit_type="tokens") is None
    board.clock.advance(3600)
    assert value(board, name, provider="acme", limit_type="requests") is None, (
        "an hour old says nothing of now"
    )


def test_agents_tell_their_lag_and_their_own_error(board: Board) -> None:
    board.store.beat(an_agent(lag_seconds=0.5, spooled=3, self_check_ttft_error_seconds=-0.0003))
    board.store.beat(an_agent(agent="b@test", is_active=False, lag_seconds=99.0))
    assert value(board, "firsttoken_agents", location="here", role="active") == 1
    assert value(board, "firsttoken_agents", location="here", role="standby") == 1
    assert value(board, "firsttoken_scheduler_lag_seconds", location="here") == 0.5
    assert value(board, "firsttoken_results_spooled", location="here") == 3
    assert value(board, "firsttoken_self_check_ttft_error_seconds", location="here") == pytest.approx(-0.0003)


def test_a_silent_agent_is_told_as_none_at_work_and_its_figures_are_left_out(board: Board) -> None:
    board.clock.advance(60)
    assert value(board, "firsttoken_agents", location="here", role="active") == 0
    assert value(board, "firsttoken_scheduler_lag_seconds") is None


def test_while_the_store_is_away_nothing_old_is_told_as_new(board: Board) -> None:
    board.store.add_results([a_result()])
    scraped(board)
    board.store_goes_away()
    assert {sample.name for sample in scraped(board)} == {"firsttoken_store_up", "firsttoken_build_info"}
    assert value(board, "firsttoken_store_up") == 0


def test_open_incidents_are_counted_by_provider_and_severity(board: Board) -> None:
    save(board.store, opened(QUICK))
    save(board.store, opened(SLOW, severity=Severity.DEGRADED))
    save(board.store, opened(SLOW, severity=Severity.ATTENTION))
    name = "llm_incidents_open"
    told = {s.labels["severity"]: s.value for s in scraped(board) if s.name == name}
    assert told == {"down": 1, "degraded": 1}, "our own faults are the operator's business"
    assert value(board, "llm_incidents_opened_total", provider="acme") == 2


def test_windows_of_maintenance_are_counted_while_they_last(board: Board) -> None:
    name, start = "llm_maintenance_active", NOON.replace(tzinfo=None)
    assert value(board, name, provider="acme") == 0
    for title, provider in (("ours", "acme"), ("theirs", "rival")):
        board.store.put_maintenance(
            Maintenance(title, title, start, 3600.0, "Etc/UTC", providers=(provider,))
        )
    board.tick()
    assert value(board, name, provider="acme") == 1
    board.clock.advance(3600)
    assert value(board, name, provider="acme") == 0


def test_no_incident_is_zero_open_and_no_mean(board: Board) -> None:
    assert value(board, "llm_incidents_open", provider="acme", severity="down") == 0
    assert value(board, "llm_incidents_opened_total", provider="acme") == 0
    assert value(board, "llm_incident_detection_mean_seconds") is None
    assert value(board, "llm_incident_recovery_mean_seconds") is None


def test_opened_incidents_do_not_become_fewer_when_one_takes_up_another(board: Board) -> None:
    one, other = save(board.store, opened(QUICK)), save(board.store, opened(SLOW, at=NOON - 20 * MINUTE))
    assert value(board, "llm_incidents_opened_total", provider="acme") == 2
    for version in merged(one, other, NOON):
        save(board.store, version)
    board.tick()
    assert value(board, "llm_incidents_opened_total", provider="acme") == 2
    assert value(board, "llm_incidents_open", provider="acme", severity="down") == 1


def test_means_are_of_30_days_and_not_of_ends_that_nobody_saw(board: Board) -> None:
    for days, minutes, ending in (
        (1, 11, Ending.RECOVERED),
        (2, 31, Ending.RECOVERED),
        (3, 600, Ending.UNWATCHED),
        (40, 600, Ending.RECOVERED),
    ):
        began = NOON - timedelta(days=days)
        save(board.store, first := opened(QUICK, at=began), resolved(first, began + minutes * MINUTE, ending))
    save(board.store, opened(QUICK))
    assert value(board, "llm_incident_detection_mean_seconds", provider="acme") == 60
    assert value(board, "llm_incident_recovery_mean_seconds", provider="acme") == 20 * 60


@pytest.mark.parametrize(
    ("accepted", "media"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4"),
        (PROMETHEUS_ASKS, "application/openmetrics-text; version=1.0.0"),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=9.9.9", "application/openmetrics-text; version=1.0.0"),
    ],
)
def test_the_format_is_the_one_that_is_accepted(board: Board, accepted: str, media: str) -> None:
    answer = board.client.get("/metrics", headers={"Accept": accepted})
    assert answer.headers["Content-Type"].startswith(media)
    assert "Accept" in answer.headers["Vary"]


def full(board: Board) -> Board:
    """A sample of every family."""
    limits = (RateLimit("requests", 100, 40), RateLimit("tokens", 10_000, 9_000))
    board.store.add_results([a_result(rate_limits=limits), a_result(Outcome.STALLED, target=SLOW)])
    board.store.beat(an_agent(self_check_ttft_error_seconds=0.0001))
    save(board.store, first := opened(), resolved(first, NOON - MINUTE))
    board.tick()
    return board


def test_openmetrics_is_read_by_its_strict_parser_and_says_the_same(board: Board) -> None:
    full(board)
    answer = board.client.get("/metrics", headers={"Accept": PROMETHEUS_ASKS})
    families = list(parse_openmetrics(answer.text))
    told = {(s.name, tuple(sorted(s.labels.items())), s.value) for f in families for s in f.samples}
    assert told == {(s.name, tuple(sorted(s.labels.items())), s.value) for s in scraped(board)}
    for family in families:
        assert family.documentation.endswith((".", "%.")), family.name
        is_measured = re.search(r"_(seconds|ratio|tokens_per_second)$", family.name)
        assert family.unit == (is_measured.group(1) if is_measured else ""), family.name


def test_promtool_finds_nothing_to_say(board: Board) -> None:
    text = full(board).client.get("/metrics").text
    checked = promtool("check", "metrics", fed=text)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_hostile_names_stay_within_their_label(board: Board) -> None:
    hostile = 'ev"il\\\n} 1\nllm_up 9\u202e<b>'
    board.store.put_plan(a_plan((a_target(hostile, id=f"acme/main/{hostile}"),)))
    board.tick()
    assert "llm_up" not in {sample.name for sample in scraped(board)}
    assert value(board, "llm_target_state", target=f"acme/main/{hostile}", state="unknown") == 1
    answer = board.client.get("/metrics", headers={"Accept": PROMETHEUS_ASKS})
    assert "llm_up" not in {family.name for family in parse_openmetrics(answer.text)}


def test_labels_are_configured_names_and_enumerated_words(board: Board) -> None:
    full(board)
    words = {
        "state": {state.value for state in State},
        "fault": {fault.value for fault in Fault},
        "error_type": {outcome.value for outcome in Outcome},
        "limit_type": {"requests", "tokens", "input_tokens", "output_tokens"},
        "role": {"active", "standby"},
        "severity": {"degraded", "down"},
        "provider": {"acme"},
        "target": {QUICK, SLOW, "acme/main/vision/large"},
        "location": {"here"},
        "channel": {"ops"},
        "progress": {progress.value for progress in Progress},
        "version": {"0.1.0-test"},
    }
    for sample in scraped(board):
        for label, told in sample.labels.items():
            assert label == "le" or told in words[label], sample


def test_a_scrape_between_two_readings_costs_no_second_making(board: Board) -> None:
    full(board)
    first = board.client.get("/metrics").text
    board.store.add_results([a_result(Outcome.STALLED, NOON + timedelta(seconds=1))])
    assert board.client.get("/metrics").text == first
    board.tick()
    assert board.client.get("/metrics").text != first
