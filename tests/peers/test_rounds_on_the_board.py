"""What the API and every page tell after the rounds of the agent is what the store holds."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import ProbeResult
from probes.web.display import count, percent, seconds, tokens_per_second
from tests.peers import page_figures
from tests.peers.probed_targets import TARGETS, Model
from tests.peers.reader_words import CATEGORY_WORDS, OUTCOME_WORDS, STATE_WORDS
from tests.peers.seen import EVERY_TARGET, Seen

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("peers")]

RELATIVE_ERROR = 0.0101  # of a rollup's percentile, which is 1 %

_records = TypeAdapter(tuple[ProbeResult, ...])


# The API tells what the store holds.


def test_the_api_gives_every_record_as_it_is_stored(seen: Seen) -> None:
    assert _records.validate_python(seen.ours.web.results, strict=False) == seen.ours.records


def test_the_export_gives_every_record_as_it_is_stored(seen: Seen) -> None:
    assert _records.validate_python(seen.ours.web.exported, strict=False) == seen.ours.records


def test_a_single_record_is_the_same_as_in_the_list(seen: Seen) -> None:
    listed = {record["id"]: record for record in seen.ours.web.results}
    for result_id, record in seen.ours.web.single.items():
        assert record == listed[result_id]


@EVERY_TARGET
def test_the_api_tells_each_targets_state_and_newest_probe(seen: Seen, target: str, model: Model) -> None:
    newest, known = seen.ours.of(target)[0], seen.ours.statistics[target]
    shown = seen.ours.web.targets[target]
    assert shown["state"] == model.state
    assert known.verdict is not None
    assert shown["state"] == known.verdict.state
    assert shown["category"] == newest.category
    last = shown["last_check"]
    assert last["id"] == newest.id
    assert last["outcome"] == newest.outcome
    assert last["category"] == newest.category
    for name in ("ttft_seconds", "response_seconds", "throughput"):
        assert last[name] == getattr(newest, name)
    detail = seen.ours.web.details[target]
    assert detail["target"] == shown
    assert detail["total"] == len(seen.ours.of(target))
    assert detail["total_ok"] == sum(record.outcome is Outcome.OK for record in seen.ours.of(target))


def nearest_rank(values: Sequence[float], share: float) -> float | None:
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


@EVERY_TARGET
def test_statistics_are_those_of_the_scheduled_records(seen: Seen, target: str, model: Model) -> None:
    counted = seen.ours.counted(target)
    good = [record for record in counted if record.outcome is Outcome.OK]
    failed = [record for record in counted if record.fault in (Fault.PROVIDER, Fault.NETWORK)]
    figures = seen.ours.web.statistics[target]["figures"]
    assert (figures["n"], figures["ok"], figures["faulty"]) == (len(counted), len(good), len(failed))
    judged = len(good) + len(failed)
    assert figures["availability"] == (len(good) / judged if judged else None)
    errors = Counter(record.outcome.value for record in counted if record.outcome is not Outcome.OK)
    assert {error["outcome"]: error["n"] for error in figures["errors"]} == errors
    for name, field in (
        ("ttft", "ttft_seconds"),
        ("response", "response_seconds"),
        ("throughput", "throughput"),
    ):
        values = [value for record in good if (value := getattr(record, field)) is not None]
        unit = "" if name == "throughput" else "_seconds"
        expected = nearest_rank(values, 0.5)
        assert figures[f"{name}_p50{unit}"] == (
            None if expected is None else pytest.approx(expected, rel=RELATIVE_ERROR)
        )
    assert (figures["ttft_p50_seconds"] is not None) is model.is_good


@EVERY_TARGET
def test_a_series_sums_up_to_the_statistics(seen: Seen, target: str, model: Model) -> None:
    points, figures = seen.ours.web.series[target]["points"], seen.ours.web.statistics[target]["figures"]
    assert sum(point["n"] for point in points) == figures["n"]
    assert sum(point["ok"] for point in points) == figures["ok"]


def test_refresh_tells_which_targets_the_edit_changed(seen: Seen) -> None:
    refresh = seen.last_refresh
    assert (refresh["total"], refresh["finished"]) == (len(TARGETS), len(TARGETS))
    assert sorted(refresh["diff"]["changed"]) == sorted(TARGETS)
    assert refresh["problems"] == []


# The pages show what the API tells.


@EVERY_TARGET
def test_the_board_shows_the_figures_of_the_api(seen: Seen, target: str, model: Model) -> None:
    row = page_figures.board_rows(seen.ours.web.board)[target]
    figures = seen.ours.web.statistics[target]["figures"]
    judged = figures["ok"] + figures["faulty"]
    assert row.state == STATE_WORDS[model.state]
    assert row.category in (None, CATEGORY_WORDS[model.shown_category])
    assert (row.category is not None) is (model.state == "operational")
    assert row.availability == percent(figures["availability"])
    assert row.counted == (f"of {count(judged)}" if judged else None)
    assert row.ttft == seconds(figures["ttft_p50_seconds"])
    assert row.throughput == tokens_per_second(figures["throughput_p50"])


@EVERY_TARGET
def test_the_statistics_page_shows_the_figures_of_the_api(seen: Seen, target: str, model: Model) -> None:
    row = page_figures.stats_rows(seen.ours.web.stats)[target]
    figures = seen.ours.web.statistics[target]["figures"]
    assert row.state == STATE_WORDS[model.state]
    assert row.category == CATEGORY_WORDS[seen.ours.of(target)[0].category]
    assert row.counted == count(figures["n"])
    assert row.availability == percent(figures["availability"])
    assert row.ttft == tuple(seconds(figures[f"ttft_p{p}_seconds"]) for p in (50, 95, 99))
    assert row.response == tuple(seconds(figures[f"response_p{p}_seconds"]) for p in (50, 95))
    assert row.throughput == tokens_per_second(figures["throughput_p50"])
    named = [f"{OUTCOME_WORDS[Outcome(e['outcome'])]} ×{count(e['n'])}" for e in figures["errors"][:2]]
    assert row.errors == (", ".join(named) or "none")


@EVERY_TARGET
def test_the_kanban_board_has_the_newest_probe_in_its_column(seen: Seen, target: str, model: Model) -> None:
    card, newest = page_figures.kanban_cards(seen.ours.web.kanban)[target], seen.ours.of(target)[0]
    assert card.column == CATEGORY_WORDS[newest.category]
    if model.is_good:
        assert card.response == seconds(newest.response_seconds)
        assert card.ttft == f"first token {seconds(newest.ttft_seconds)}"
        assert card.throughput == f"{tokens_per_second(newest.throughput)} tokens/s"


def shown(record: ProbeResult, *, with_target: bool) -> page_figures.RecordRow:
    """How a list of records has to show it."""
    is_ok = record.outcome is Outcome.OK
    return page_figures.RecordRow(
        id=record.id,
        target=record.target if with_target else None,
        outcome=OUTCOME_WORDS[record.outcome],
        http_status="–" if record.http_status is None else str(record.http_status),
        ttft=seconds(record.ttft_seconds),
        response=seconds(record.response_seconds),
        category=CATEGORY_WORDS[record.category] if is_ok else None,
        tokens=count(record.output_tokens),
        throughput=tokens_per_second(record.throughput),
        error="",
        trigger=record.trigger.value,
    )


def without_error(row: page_figures.RecordRow) -> page_figures.RecordRow:
    """Errors are cut to fit, so they are compared apart."""
    return replace(row, error="")


def test_the_records_page_lists_every_record_with_its_figures(seen: Seen) -> None:
    rows = [row for page in seen.ours.web.records for row in page_figures.record_rows(page)]
    assert len(seen.ours.web.records) > 1
    assert [without_error(row) for row in rows] == [shown(r, with_target=True) for r in seen.ours.records]
    for row, record in zip(rows, seen.ours.records, strict=True):
        assert row.error.rstrip("…") == (record.error or "")[: len(row.error.rstrip("…"))]
        assert bool(row.error) is bool(record.error)


@EVERY_TARGET
def test_a_models_page_shows_its_figures_and_newest_records(seen: Seen, target: str, model: Model) -> None:
    page, figures = seen.ours.web.models[target], seen.ours.web.statistics[target]["figures"]
    tiles = page_figures.tiles(page)
    assert tiles["Availability"] == percent(figures["availability"])
    assert tiles["Time to first token, p50"] == seconds(figures["ttft_p50_seconds"])
    assert tiles["Response time, p50"] == seconds(figures["response_p50_seconds"])
    assert tiles["Tokens/s, p50"] == tokens_per_second(figures["throughput_p50"])
    not_run = (OUTCOME_WORDS[Outcome.SKIPPED], OUTCOME_WORDS[Outcome.MISSED])
    rows = [without_error(row) for row in page_figures.record_rows(page) if row.outcome not in not_run]
    newest = [shown(record, with_target=False) for record in seen.ours.of(target)]
    assert rows == newest[: len(rows)]
    assert len(rows) >= min(5, len(newest))


@EVERY_TARGET
def test_a_records_page_tells_what_is_stored(seen: Seen, target: str, model: Model) -> None:
    record = seen.ours.of(target)[0]
    facts = page_figures.facts(seen.ours.web.record[record.id])
    checked = {None: "not checked", True: "right", False: "wrong"}
    assert facts["Time to first token"] == seconds(record.ttft_seconds)
    assert facts["First visible text"] == seconds(record.ttft_visible_seconds)
    assert facts["Response time"] == seconds(record.response_seconds)
    assert facts["Tokens per second"] == tokens_per_second(record.throughput)
    assert facts["HTTP status"] == ("–" if record.http_status is None else str(record.http_status))
    assert facts["Request id"] == (record.request_id or "–")
    assert facts["Finish reason"] == (record.finish_reason or "–")
    assert facts["Known answer"] == checked[record.answer_ok]
    assert facts["Output tokens"] == count(record.output_tokens)
    assert facts["Input tokens"] == count(record.input_tokens)
    assert facts["Record id"] == record.id
