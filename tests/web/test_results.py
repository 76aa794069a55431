"""Raw records: pages by key, filters, one record, and what happens to hostile text."""

import re
from collections.abc import Sequence
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from probes.domain.outcome import Outcome
from probes.domain.result import Phase, ProbeResult, Quality, RateLimit, Stamps, TokensSource, Trigger
from probes.web.queries.waterfall import Stage, waterfall
from probes.web.text import plain
from tests.examples import NOON, a_result
from tests.web.serving import Board, a_board

EVIL = "<script>alert('x')</script>\0\u202e\u0007\"'&"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def written(board: Board, results: Sequence[ProbeResult]) -> None:
    board.store.add_results(results)
    board.tick()


def numbered(n: int, **changes: object) -> list[ProbeResult]:
    """n results, one a minute, the newest first; request ids r0, r1, ..."""
    return [
        a_result(due_at=NOON - timedelta(minutes=position), request_id=f"r{position}.", **changes)  # type: ignore[arg-type]
        for position in range(n)
    ]


def request_ids(answer: TestResponse) -> list[str]:
    return re.findall(r"<bdi>(r\d+\.)</bdi>", answer.text)


def link(answer: TestResponse, text: str) -> str | None:
    found = re.search(rf'<a href="([^"]+)"[^>]*>[^<]*{text}', answer.text)
    return unescape(found[1]) if found else None


def test_newest_first(board: Board) -> None:
    written(board, numbered(3))
    assert request_ids(board.client.get("/result")) == ["r0.", "r1.", "r2."]


def test_paging_through_to_the_end_and_back_shows_everything_once(board: Board) -> None:
    written(board, numbered(25))
    answer = board.client.get("/result?limit=10")
    older = [request_ids(answer)]
    while url := link(answer, "Older"):
        answer = board.client.get(url)
        older.append(request_ids(answer))
    assert [len(page) for page in older] == [10, 10, 5]
    assert [name for page in older for name in page] == [f"r{n}." for n in range(25)]
    url = link(answer, "Newer")
    assert url is not None
    assert request_ids(board.client.get(url)) == older[1]


def test_going_back_to_the_newest_gives_a_full_page(board: Board) -> None:
    results = numbered(15)
    written(board, results[1:])
    second = board.client.get(link(board.client.get("/result?limit=10"), "Older") or "")
    written(board, results[:1])
    url = link(second, "Newer")
    assert url is not None
    first = board.client.get(url)
    assert request_ids(first) == [f"r{n}." for n in range(1, 11)]
    newest = board.client.get(link(first, "Newer") or "")
    assert request_ids(newest) == [f"r{n}." for n in range(10)]
    assert link(newest, "Newer") is None


def test_results_of_the_same_moment_are_paged_without_loss(board: Board) -> None:
    written(board, [a_result(request_id=f"r{n}.") for n in range(12)])
    answer = board.client.get("/result?limit=5")
    seen = request_ids(answer)
    while url := link(answer, "Older"):
        answer = board.client.get(url)
        seen += request_ids(answer)
    assert sorted(seen) == sorted(f"r{n}." for n in range(12))


def test_results_that_come_in_do_not_shift_an_older_page(board: Board) -> None:
    results = numbered(12)
    written(board, results[2:])
    url = link(board.client.get("/result?limit=5"), "Older") or ""
    before = request_ids(board.client.get(url))
    written(board, results[:2])
    assert request_ids(board.client.get(url)) == before


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"outcome": "stalled"}, ["r1."]),
        ({"outcome": ["stalled", "auth"]}, ["r1.", "r2."]),
        ({"trigger": "manual"}, ["r3."]),
        ({"location": "there"}, ["r4."]),
        ({"target": "acme/main/slow"}, ["r5."]),
        ({"model": "slow"}, ["r5."]),
        ({"category": "congestion"}, ["r6."]),
        ({"since": "2026-11-21T11:55"}, ["r0.", "r1.", "r2.", "r3.", "r4.", "r5."]),
        ({"until": "2026-11-21T11:55:00Z"}, ["r6."]),
        ({"provider": "nobody"}, []),
        ({"model": "nobody"}, []),
    ],
    ids=str,
)
def test_filters(board: Board, query: dict[str, str], expected: list[str]) -> None:
    at = [NOON - timedelta(minutes=n) for n in range(7)]
    changes = [{"request_id": f"r{n}."} for n in range(7)]
    written(
        board,
        [
            a_result(due_at=at[0], **changes[0]),
            a_result(Outcome.STALLED, at[1], **changes[1]),
            a_result(Outcome.AUTH, at[2], **changes[2]),
            a_result(due_at=at[3], trigger=Trigger.MANUAL, **changes[3]),
            a_result(due_at=at[4], location="there", **changes[4]),
            a_result(due_at=at[5], target="acme/main/slow", **changes[5]),
            a_result(due_at=at[6], response_seconds=40.0, **changes[6]),
        ],
    )
    answer = board.client.get("/result", query_string=query)
    assert request_ids(answer) == expected
    if not expected:
        assert "No record matches." in answer.text
        assert link(answer, "Clear filters") == "/result"


def test_paging_and_exports_keep_the_filters(board: Board) -> None:
    written(board, numbered(8))
    answer = board.client.get("/result?outcome=ok&provider=acme&limit=5")
    assert "outcome=ok" in (link(answer, "Older") or "")
    assert link(answer, "CSV") == "/result.csv?provider=acme&outcome=ok&limit=5"
    assert link(answer, "NDJSON") == "/result.ndjson?provider=acme&outcome=ok&limit=5"


def test_the_form_shows_what_is_chosen(board: Board) -> None:
    html = board.client.get("/result?outcome=stalled&outcome=auth&since=2026-11-20T10:30&location=mars").text
    assert 'value="stalled" checked' in html
    assert 'value="mars" checked' in html  # never seen, but chosen, so it can be taken away
    assert 'name="since" value="2026-11-20T10:30"' in html
    assert "2 chosen" in html


def test_a_removed_model_can_still_be_chosen(board: Board) -> None:
    written(board, [a_result(target="gone/main/old")])
    assert 'value="gone/main/old"' in board.client.get("/result").text


def test_no_records_at_all(board: Board) -> None:
    html = board.client.get("/result").text
    assert "No records yet." in html
    assert "Clear filters" not in html


def test_a_cursor_that_was_never_given_out_is_refused(board: Board) -> None:
    answer = board.client.get("/result?cursor=bogus")
    assert answer.status_code == 400
    assert "This page cursor was never given out." in answer.text


@pytest.mark.parametrize(
    "path", ["/result", "/result.csv", "/result.ndjson", "/result/x", "/models/acme/main/quick"]
)
def test_without_the_store_it_says_so_and_when_to_come_back(board: Board, path: str) -> None:
    board.client.get("/stats")
    board.store_goes_away()
    answer = board.client.get(path, buffered=True)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def full_result(**changes: object) -> ProbeResult:
    values: dict[str, object] = {
        "dns_seconds": 0.01,
        "connect_seconds": 0.02,
        "tls_seconds": 0.03,
        "overhead_seconds": 0.001,
        "connection_reused": False,
        "first_byte_seconds": 0.2,
        "ttft_seconds": 0.5,
        "ttft_visible_seconds": 0.7,
        "generation_seconds": 1.0,
        "response_seconds": 1.6,
        "gap_p50_seconds": 0.02,
        "gap_p95_seconds": 0.05,
        "gap_max_seconds": 0.3,
        "chunks": 31,
        "finish_reason": "length",
        "served_model": "quick-2026-10-01",
        "request_id": "req_abc",
        "answer_ok": True,
        "rate_limits": (RateLimit("requests", 100, 99, 12.5),),
        "phase": Phase.END,
        "stamps": Stamps.USER,
        "quality": Quality.BOUNDED,
        "tokens_source": TokensSource.USAGE,
        "cost": 0.0002,
    }
    return a_result(**(values | changes))  # type: ignore[arg-type]


def test_a_record_opens_to_its_details_without_script(board: Board) -> None:
    result = full_result()
    written(board, [result])
    html = board.client.get("/result").text
    assert "<details" in html
    for text in (
        "req_abc",
        "quick-2026-10-01",
        "length",
        "p50 20\xa0ms · p95 50\xa0ms · max 0.30\xa0s",
        "TLS",
    ):
        assert text in html
    assert f'href="/result/{result.id}"' in html
    assert f'data-copy="/api/v1/results/{result.id}"' in html


def test_the_permalink_shows_the_whole_record(board: Board) -> None:
    result = full_result()
    written(board, [result])
    html = board.client.get(f"/result/{result.id}").text
    for text in (
        "req_abc",
        "0.70\xa0s",
        "right",
        "99 of 100 left",
        "0.0002",
        "TTFT is an upper bound",
        "31",
        result.id,
    ):
        assert text in html


def test_a_failed_record_says_whose_fault_and_how_far_it_came(board: Board) -> None:
    result = a_result(Outcome.FIRST_TOKEN_TIMEOUT, phase=Phase.FIRST)
    written(board, [result])
    for path in ("/result", f"/result/{result.id}"):
        html = board.client.get(path).text
        assert "no first token" in html
        assert "the provider" in html
        assert "simulated first_token_timeout" in html


@pytest.mark.parametrize("wanted", ["nothing", "x" * 5000, "..%2f..%2fetc", "%00"])
def test_an_unknown_record_is_not_found(board: Board, wanted: str) -> None:
    assert board.client.get(f"/result/{wanted}").status_code == 404


@pytest.mark.parametrize("path", ["/result", "/result/{id}", "/models/acme/main/quick"])
def test_hostile_text_of_a_server_is_shown_harmless(board: Board, path: str) -> None:
    texts = dict.fromkeys(
        (
            "error",
            "request_id",
            "served_model",
            "finish_reason",
            "fingerprint",
            "service_tier",
            "content_type",
        ),
        EVIL,
    )
    result = full_result(**texts)
    written(board, [result])
    answer = board.client.get(path.format(id=result.id))
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "\0" not in answer.text
    assert "\u202e" not in answer.text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in answer.text


def test_endless_text_of_a_server_is_cut(board: Board) -> None:
    result = full_result(error="e" * 10_000, request_id="q" * 10_000)
    written(board, [result])
    assert len(board.client.get("/result").data) < 60_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ""),
        ("plain", "plain"),
        ("two\r\nlines\tand tab", "two  lines and tab"),
        ("nul\0bell\x07", "nul\ufffdbell\ufffd"),
        ("right\u202eto left\u2066", "right\ufffdto left\ufffd"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("模型 ok 🙂", "模型 ok 🙂"),
    ],
)
def test_foreign_text_is_made_plain(text: str | None, expected: str) -> None:
    assert plain(text) == expected


def test_long_foreign_text_ends_in_an_ellipsis() -> None:
    assert plain("abcdef", 6) == "abcdef"
    assert plain("abcdefg", 6) == "abcde…"


def test_the_waterfall_adds_up_to_the_response_time() -> None:
    fall = waterfall(full_result())
    assert fall is not None
    assert [span.stage for span in fall.spans] == list(Stage)
    assert sum(span.seconds for span in fall.spans) == pytest.approx(1.6)
    starts = [span.start_seconds for span in fall.spans]
    assert starts == pytest.approx([0, 0.01, 0.03, 0.06, 0.061, 0.261, 0.561, 1.561])
    assert fall.total_seconds == pytest.approx(1.6)


def test_a_stage_never_reached_is_absent_from_the_waterfall() -> None:
    fall = waterfall(full_result(ttft_seconds=None, generation_seconds=None, response_seconds=60.061))
    assert fall is not None
    assert [span.stage for span in fall.spans][-2:] == [Stage.HEADERS, Stage.REST]
    assert fall.spans[-1].seconds == pytest.approx(59.8)


def test_nothing_measured_is_no_waterfall() -> None:
    assert waterfall(a_result(Outcome.CONNECT_REFUSED)) is None


def test_the_api_counts_what_came_in_since_the_page_was_drawn(board: Board) -> None:
    results = numbered(5)
    written(board, results[3:])
    answer = board.client.get("/result")
    fresh = re.search(r'data-fresh="([^"]+)"', answer.text)
    assert fresh is not None
    url = unescape(fresh[1])
    assert board.client.get(url).json["results"] == []  # type: ignore[index]
    written(board, results[:3])
    assert len(board.client.get(url).json["results"]) == 3  # type: ignore[index]


def test_an_older_page_does_not_look_for_new_results(board: Board) -> None:
    written(board, numbered(12))
    older = board.client.get(link(board.client.get("/result?limit=5"), "Older") or "")
    assert "data-fresh=" not in older.text
