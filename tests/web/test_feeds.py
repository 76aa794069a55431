"""Feeds: by the rules that validators hold, true to the public incidents, and never empty for want of a store."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID
from xml.etree import ElementTree

import feedparser  # type: ignore[import-untyped]
import pytest
from markupsafe import escape
from werkzeug.test import TestResponse

from probes.domain.incident import Ending, Severity, UpdateKind
from probes.domain.target import Readiness
from probes.settings.model import WebSettings
from probes.store.base import IncidentQuery
from probes.web.feed_formats import Entry, Feed, FeedFormat, atom, json_feed, rss
from probes.web.queries.public_incidents import MAX_TOLD
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan, an_empty_board
from tests.web.told_incidents import LARGE, MINUTE, QUICK, SLOW, opened, resolved, save, with_update

ATOM = "{http://www.w3.org/2005/Atom}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
FORMS = list(FeedFormat)
HOSTILE = "</title><script>alert(1)</script>]]>&amp;\u202e\x07\x00\ufffe <b>"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """An outage that is over, one that lasts, an operator's words, and what nobody else may see."""
    board = a_board(tmp_path)
    board.store.put_plan(
        a_plan(
            (a_target("quick"), a_target("slow"), a_target("other", id="rival/main/other", provider="rival"))
        )
    )
    over = save(
        board.store,
        first := opened(QUICK, at=NOON - timedelta(days=2)),
        second := resolved(first, NOON - timedelta(days=2) + 13 * MINUTE),
        with_update(
            second,
            UpdateKind.POSTMORTEM,
            NOON - timedelta(days=1),
            text="A switch was <replaced>.\n\nIt shall not happen again & again.",
        ),
    )
    assert over.resolved_at is not None
    save(
        board.store,
        started := opened("rival/main/other", severity=Severity.DEGRADED),
        with_update(started, UpdateKind.NOTE, NOON - 5 * MINUTE, text="a secret", is_public=False),
    )
    save(board.store, opened(SLOW, severity=Severity.ATTENTION))
    board.tick()
    return board


def fetched(board: Board, path: str, **headers: str) -> TestResponse:
    answer = board.client.get(f"/feeds/{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def parsed(board: Board, path: str) -> Any:
    """What a feed reader makes of it; it must find nothing to complain about."""
    answer = fetched(board, path)
    read = feedparser.parse(answer.data, response_headers={"content-type": answer.headers["Content-Type"]})
    assert not read.bozo, read.get("bozo_exception")
    return read


def document(board: Board, path: str) -> ElementTree.Element:
    return ElementTree.fromstring(fetched(board, path).data)


def items(board: Board, path: str) -> list[tuple[str, str, str]]:
    """(id, title, link) of each entry, by whatever format."""
    if path.endswith(".json"):
        told = json.loads(fetched(board, path).data)
        return [(item["id"], item["title"], item["url"]) for item in told["items"]]
    return [(entry.id, entry.title, entry.link) for entry in parsed(board, path).entries]


@pytest.mark.parametrize("form", FORMS)
def test_there_is_one_entry_per_public_update_newest_first(board: Board, form: FeedFormat) -> None:
    assert [title for _, title, _ in items(board, f"incidents.{form}")] == [
        "rival: Opened – other",
        "acme: Postmortem",
        "acme: Resolved – quick",
        "acme: Opened – quick",
    ]


@pytest.mark.parametrize("form", FORMS)
def test_ids_are_the_updates_own_and_stay_while_the_incident_goes_on(board: Board, form: FeedFormat) -> None:
    before = items(board, f"incidents.{form}")
    (lasting,) = board.store.incidents(IncidentQuery(providers=("rival",))).incidents
    save(board.store, resolved(lasting, NOON))
    board.tick()
    after = items(board, f"incidents.{form}")
    assert after[1:] == before
    assert len({id_ for id_, _, _ in after}) == len(after)
    for id_, _, _ in after:
        assert str(UUID(id_.removeprefix("urn:uuid:"))) == id_.removeprefix("urn:uuid:")


@pytest.mark.parametrize("form", FORMS)
def test_all_formats_and_scopes_tell_the_same_entries(board: Board, form: FeedFormat) -> None:
    everything = items(board, "incidents.atom")
    assert items(board, f"incidents.{form}") == everything
    assert items(board, f"providers/acme/incidents.{form}") == everything[1:]
    assert items(board, f"models/{QUICK}/incidents.{form}") == everything[1:]
    assert items(board, f"models/{SLOW}/incidents.{form}") == []


def test_atom_has_all_that_rfc_4287_demands(board: Board) -> None:
    answer = fetched(board, "incidents.atom")
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.data)
    assert feed.tag == f"{ATOM}feed"
    for parent in (feed, *feed.findall(f"{ATOM}entry")):
        for required in ("id", "title", "updated"):
            assert len(parent.findall(f"{ATOM}{required}")) == 1
        assert RFC3339.fullmatch(parent.findtext(f"{ATOM}updated") or "")
        (alternate,) = [link for link in parent.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
        assert (alternate.get("href") or "").startswith("http://localhost/")
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "FirstToken"
    assert self_link(feed) == "http://localhost/feeds/incidents.atom"
    newest = feed.find(f"{ATOM}entry")
    assert newest is not None
    assert feed.findtext(f"{ATOM}updated") == newest.findtext(f"{ATOM}updated")


def self_link(feed: ElementTree.Element) -> str | None:
    (link,) = [link for link in feed.iter(f"{ATOM}link") if link.get("rel") == "self"]
    return link.get("href")


def test_rss_has_all_that_rss_2_0_and_its_best_practices_demand(board: Board) -> None:
    answer = fetched(board, "incidents.rss")
    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    root = ElementTree.fromstring(answer.data)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    for required in ("title", "link", "description", "language", "lastBuildDate"):
        assert len(channel.findall(required)) == 1
        assert channel.findtext(required)
    assert self_link(channel) == "http://localhost/feeds/incidents.rss"
    for item in channel.findall("item"):
        guid, date = item.find("guid"), item.findtext("pubDate") or ""
        assert guid is not None
        assert guid.get("isPermaLink") == "false"
        assert date.endswith(" GMT")
        assert parsedate_to_datetime(date).utcoffset() == timedelta(0)
        assert item.findtext("title")
        assert item.findtext("description")


def test_json_feed_is_as_version_1_1_says(board: Board) -> None:
    answer = fetched(board, "incidents.json")
    assert answer.headers["Content-Type"] == "application/feed+json; charset=utf-8"
    feed = json.loads(answer.data)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == "http://localhost/feeds/incidents.json"
    assert (feed["title"], feed["authors"], feed["language"]) == (
        "FirstToken: incidents",
        [{"name": "FirstToken"}],
        "en",
    )
    for item in feed["items"]:
        assert isinstance(item["id"], str)
        assert item["content_text"]
        assert RFC3339.fullmatch(item["date_published"])
        assert all(isinstance(tag, str) for tag in item["tags"])
        assert item["url"].startswith("http://localhost/incidents/")


def test_texts_say_what_happened(board: Board) -> None:
    told = {item["title"]: item["content_text"] for item in fetched(board, "incidents.json").json["items"]}  # type: ignore[index]
    assert told["acme: Opened – quick"] == "Down – 4 probes in a row failed: stalled."
    assert told["acme: Resolved – quick"].endswith("It lasted 12\N{NO-BREAK SPACE}min.")
    assert told["acme: Postmortem"] == "A switch was <replaced>.\n\nIt shall not happen again & again."


def test_an_end_that_nobody_saw_is_not_told_as_a_recovery(board: Board) -> None:
    save(board.store, first := opened(SLOW), resolved(first, NOON, Ending.UNWATCHED))
    board.tick()
    told = fetched(board, f"models/{SLOW}/incidents.json").json
    assert told is not None
    assert "how it went on is not known" in told["items"][0]["content_text"]
    assert "lasted" not in told["items"][0]["content_text"]


def test_an_operators_lines_are_paragraphs_of_escaped_text(board: Board) -> None:
    for form in (FeedFormat.ATOM, FeedFormat.RSS):
        entry = parsed(board, f"incidents.{form}").entries[1]
        html = entry.content[0].value if form is FeedFormat.ATOM else entry.summary
        assert html == ("<p>A switch was &lt;replaced&gt;.</p><p>It shall not happen again &amp; again.</p>")


@pytest.mark.parametrize("form", FORMS)
def test_private_words_and_our_own_faults_are_in_no_feed(board: Board, form: FeedFormat) -> None:
    for path in (f"incidents.{form}", f"models/{SLOW}/incidents.{form}", f"providers/rival/incidents.{form}"):
        text = fetched(board, path).text
        assert "a secret" not in text
        assert "attention" not in text


@pytest.mark.parametrize("form", FORMS)
def test_what_was_merged_into_another_is_told_once(board: Board, form: FeedFormat) -> None:
    kept, gone = opened(QUICK, SLOW), opened(SLOW, at=NOON - 20 * MINUTE)
    save(board.store, kept, with_update(kept, UpdateKind.MERGED, NOON, text=gone.id))
    save(board.store, gone, replace(gone.next(NOON), merged_into=kept.id))
    board.tick()
    titles = [title for _, title, _ in items(board, f"models/{SLOW}/incidents.{form}")]
    assert titles == ["acme: Merged", "acme: Opened – quick, slow"]


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_is_bounded_and_keeps_the_newest(board: Board, form: FeedFormat) -> None:
    for n in range(MAX_TOLD):
        began = NOON - timedelta(days=10, hours=n)
        save(board.store, first := opened(LARGE, at=began), resolved(first, began + 5 * MINUTE))
    board.tick()
    told = items(board, f"incidents.{form}")
    assert len(told) == MAX_TOLD
    assert told[0][1] == "rival: Opened – other"


def test_an_old_incident_that_is_told_more_of_comes_up_again(board: Board) -> None:
    old = save(
        board.store,
        first := opened(LARGE, at=NOON - timedelta(days=60)),
        resolved(first, NOON - timedelta(days=60) + 9 * MINUTE),
    )
    for n in range(MAX_TOLD):
        save(board.store, opened(LARGE, at=NOON - timedelta(days=10, hours=n)))
    save(board.store, with_update(old, UpdateKind.POSTMORTEM, NOON, text="At last."))
    board.tick()
    assert items(board, "incidents.atom")[0][1] == "acme: Postmortem"


@pytest.mark.parametrize("form", FORMS)
def test_a_store_that_is_away_gives_503_and_never_an_empty_feed(board: Board, form: FeedFormat) -> None:
    fetched(board, f"incidents.{form}")
    board.store_goes_away()
    answer = board.client.get(f"/feeds/incidents.{form}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_without_incidents_is_valid_and_the_same_each_time(tmp_path: Path, form: FeedFormat) -> None:
    board = a_board(tmp_path)
    first = fetched(board, f"incidents.{form}")
    board.tick()
    assert fetched(board, f"incidents.{form}").data == first.data
    assert items(board, f"incidents.{form}") == []


@pytest.mark.parametrize("form", FORMS)
def test_there_is_a_feed_before_any_agent_has_run(tmp_path: Path, form: FeedFormat) -> None:
    assert items(an_empty_board(tmp_path), f"incidents.{form}") == []


@pytest.mark.parametrize("form", FORMS)
def test_a_reader_that_has_it_already_gets_304(board: Board, form: FeedFormat) -> None:
    path = f"/feeds/incidents.{form}"
    first = board.client.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    by_tag = board.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    by_date = board.client.get(path, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert (by_tag.status_code, by_date.status_code) == (304, 304)
    save(board.store, opened(LARGE, at=NOON - 2 * MINUTE))
    board.tick()
    news = board.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert news.status_code == 200
    later = board.client.get(path, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert later.status_code == 200


@pytest.mark.parametrize("form", FORMS)
def test_the_language_is_the_addresss_and_not_the_readers(board: Board, form: FeedFormat) -> None:
    path = f"/feeds/incidents.{form}"
    english = board.client.get(path)
    asked = board.client.get(path, headers={"Accept-Language": "zh", "Cookie": "lang=zh"})
    assert asked.data == english.data
    chinese = board.client.get(f"{path}?lang=zh")
    assert "zh-Hans" in chinese.text
    assert "Set-Cookie" not in chinese.headers
    assert "Cookie" not in chinese.headers.get("Vary", "")
    assert f"http://localhost{path}?lang=zh" in chinese.text


@pytest.mark.parametrize(
    ("address", "status", "cure"),
    [
        ("/feeds/providers/acne/incidents.json", 404, "Did you mean acme?"),
        ("/feeds/models/rival/main/othr/incidents.json", 404, "Did you mean rival/main/other?"),
        ("/feeds/incidents.json?limit=5", 400, "Allowed: lang, theme."),
    ],
)
def test_what_cannot_be_answered_is_refused(board: Board, address: str, status: int, cure: str) -> None:
    answer = board.client.get(address)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["error"]["cure"] == cure


def test_a_removed_model_keeps_its_feed(board: Board) -> None:
    board.store.add_results([a_result(target=LARGE)])
    save(board.store, opened(LARGE))
    board.tick()
    assert items(board, f"models/{LARGE}/incidents.atom")[0][1] == "acme: Opened – vision/large"


@pytest.mark.parametrize("form", FORMS)
def test_hostile_names_and_notes_are_text_and_nothing_else(tmp_path: Path, form: FeedFormat) -> None:
    board = a_board(tmp_path, WebSettings(title=HOSTILE))
    board.store.put_plan(a_plan((a_target("quick", display_name=HOSTILE),)))
    save(board.store, first := opened(QUICK), with_update(first, UpdateKind.NOTE, NOON, text=HOSTILE))
    board.tick()
    raw = fetched(board, f"models/{QUICK}/incidents.{form}").data
    assert b"<script>" not in raw if form is not FeedFormat.JSON else True
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202e\ufffe]", raw.decode())
    shown = "</title><script>alert(1)</script>]]>&amp;\ufffd\ufffd\ufffd\ufffd <b>"
    if form is FeedFormat.JSON:
        told = json.loads(raw)
        assert told["items"][0]["content_text"] == shown
        return
    read = ElementTree.fromstring(raw)
    tags = {element.tag.removeprefix(ATOM) for element in read.iter()}
    assert "script" not in tags
    assert "b" not in tags
    bodies = [element.text for element in read.iter() if element.tag in (f"{ATOM}content", "description")]
    assert f"<p>{escape(shown)}</p>" in bodies


def test_an_address_with_odd_letters_is_a_valid_one(tmp_path: Path) -> None:
    board = a_board(tmp_path)
    model = "vision (v2) 'large'/100% 中"
    board.store.put_plan(a_plan((a_target(model, id=f"acme/main/{model}"),)))
    board.tick()
    for form in (FeedFormat.ATOM, FeedFormat.RSS):
        feed = document(board, f"models/{quote(f'acme/main/{model}')}/incidents.{form}")
        address = self_link(feed) or ""
        assert re.fullmatch(r"[!-~]+", address)
        assert not set("()'<>\"") & set(address)
        assert board.client.get(address.removeprefix("http://localhost")).status_code == 200


@pytest.mark.parametrize("form", FORMS)
def test_addresses_are_those_that_the_operator_made_public(tmp_path: Path, form: FeedFormat) -> None:
    board = a_board(tmp_path, WebSettings(public_url="https://status.example.com/llm"))
    save(board.store, opened(QUICK))
    text = fetched(board, f"models/{QUICK}/incidents.{form}").text
    assert "http://localhost" not in text
    assert f"https://status.example.com/llm/feeds/models/{QUICK}/incidents.{form}" in text
    assert "https://status.example.com/llm/incidents/" in text


@pytest.mark.parametrize("write", [atom, rss, json_feed])
def test_a_time_of_another_zone_is_told_in_utc(write: Any) -> None:
    at = datetime.fromisoformat("2026-11-21T14:00:00+02:00")
    entry = Entry("urn:uuid:1", "http://x/", "title", "text", at)
    feed = Feed("urn:uuid:0", "http://x/f", "http://x/", "t", "s", "a", "en", at, (entry,))
    text = write(feed).decode()
    assert "2026-11-21T12:00:00.000Z" in text or "Sat, 21 Nov 2026 12:00:00 GMT" in text


def test_a_model_that_is_paused_still_has_its_feed(board: Board) -> None:
    board.store.put_plan(a_plan((a_target("quick", readiness=Readiness.PAUSED),)))
    board.tick()
    assert len(items(board, f"models/{QUICK}/incidents.rss")) == 3
