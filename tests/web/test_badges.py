"""Badges: what they say, that they say nothing they do not know, and that no name breaks out of them."""

import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from probes.domain.outcome import Outcome
from probes.domain.state import Reason, State, Verdict
from probes.domain.target import Readiness
from probes.settings.model import WebSettings
from probes.web.badge_svg import PALETTES, SHAPES, Theme, text_width
from probes.web.queries.badge import Tone
from probes.web.words import word
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan, an_empty_board

QUICK, SLOW = "acme/main/quick", "acme/main/slow"
SVG = "{http://www.w3.org/2000/svg}"
TOKENS = Path(__file__).parents[2] / "static" / "css" / "tokens.css"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = a_board(tmp_path)
    board.store.add_results(
        [
            *(a_result(due_at=NOON - timedelta(minutes=n), ttft_seconds=0.4) for n in range(9)),
            a_result(Outcome.STALLED, NOON - timedelta(minutes=9)),
            a_result(Outcome.STALLED, target=SLOW),
        ]
    )
    for target, state in ((QUICK, State.OPERATIONAL), (SLOW, State.DOWN)):
        board.store.set_verdict(target, Verdict(state, Reason("healthy"), NOON, NOON))
    return board


def picture(board: Board, address: str, status: int = 200) -> ElementTree.Element:
    answer = board.client.get(f"/badge/{address}")
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "image/svg+xml"
    return ElementTree.fromstring(answer.text)


def said(drawing: ElementTree.Element) -> list[str]:
    """Label and message as they are written."""
    return [(text.text or "").replace("\N{NO-BREAK SPACE}", " ") for text in drawing.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("address", "label", "message"),
    [
        (f"status/{QUICK}", "quick", "operational"),
        (f"status/{SLOW}", "slow", "down"),
        ("status/acme/main/vision/large", "vision/large", "unknown"),
        ("status/acme", "acme", "1 of 3 down"),
        ("status/all", "FirstToken", "1 of 3 down"),
        (f"availability/{QUICK}", "quick availability, 24h", "90.00 %"),
        ("availability/acme", "acme availability, 24h", "81.82 %"),
        (f"ttft/{QUICK}", "quick TTFT p50, 24h", "0.40 s"),
        (f"ttft/{SLOW}", "slow TTFT p50, 24h", "unknown"),
        (f"throughput/{QUICK}", "quick tokens/s, 24h", "50"),
    ],
)
def test_a_badge_says_what_the_store_knows(board: Board, address: str, label: str, message: str) -> None:
    drawing = picture(board, f"{address}.svg")
    assert said(drawing) == [label, message]
    title = (drawing.findtext(f"{SVG}title") or "").replace("\N{NO-BREAK SPACE}", " ")
    assert title.startswith(f"{label}: {message}")
    told = board.client.get(f"/badge/{address}.json").json
    assert told is not None
    assert (told["schemaVersion"], told["label"]) == (1, label)
    assert told["message"].replace("\N{NO-BREAK SPACE}", " ") == message


def test_a_figure_has_its_n_and_its_window(board: Board) -> None:
    drawing = picture(board, f"availability/{QUICK}.svg?window=7d")
    assert drawing.get("aria-label") == "quick availability, 7d: 90.00\N{NO-BREAK SPACE}% (n 10)"


def test_unknown_is_grey_and_hatched_and_never_a_figure(board: Board) -> None:
    for address in ("status/acme/main/vision/large", "availability/acme/main/vision/large", f"ttft/{SLOW}"):
        drawing = picture(board, f"{address}.svg")
        (icon,) = [path for path in drawing.iter(f"{SVG}path") if path.get("class") == "unknown"]
        assert icon.get("fill") == PALETTES[Theme.LIGHT].state_unknown
        assert icon.get("d") == SHAPES[Tone.UNKNOWN]
        assert said(drawing)[1] == "unknown"
        told = board.client.get(f"/badge/{address}.json").json
        assert told is not None
        assert (told["message"], told["color"]) == ("unknown", "lightgrey")


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_badge(board: Board, state: State) -> None:
    """Also a pause of a target that is probed again and was not judged since."""
    board.store.set_verdict(QUICK, Verdict(state, Reason("healthy"), NOON, NOON + timedelta(seconds=1)))
    board.tick()
    drawing = picture(board, f"status/{QUICK}.svg")
    assert said(drawing)[1] == str(word(state).label).lower()
    assert any(path.get("fill-rule") for path in drawing.iter(f"{SVG}path")), "no state is without a shape"


def test_models_that_are_not_probed_count_in_no_state(board: Board) -> None:
    paused = a_target("slow", readiness=Readiness.PAUSED)
    board.store.put_plan(a_plan((a_target("quick"), paused)))
    board.tick()
    assert said(picture(board, "status/acme.svg"))[1] == "operational"


def test_nothing_operational_is_said_once_the_agent_is_silent(board: Board) -> None:
    board.clock.advance(3600)
    assert said(picture(board, f"status/{QUICK}.svg")) == ["quick", "unknown"]
    assert said(picture(board, "status/all.svg"))[1] == "3 of 3 unknown"


def test_nothing_is_known_while_the_store_is_away(board: Board) -> None:
    picture(board, f"ttft/{QUICK}.svg")
    board.store_goes_away()
    for address in (f"ttft/{QUICK}", f"status/{QUICK}", "status/all"):
        assert said(picture(board, f"{address}.svg"))[1] == "unknown"


def test_all_is_unknown_before_any_agent_has_run(tmp_path: Path) -> None:
    assert said(picture(an_empty_board(tmp_path), "status/all.svg")) == ["FirstToken", "unknown"]


def test_a_subject_that_nobody_configured_is_a_grey_picture_with_status_404(board: Board) -> None:
    drawing = picture(board, "status/acme/main/quik.svg", status=404)
    assert said(drawing) == ["acme/main/quik", "unknown"]
    answer = board.client.get("/badge/status/acme/main/quik.json")
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["error"]["cure"].startswith("Did you mean acme/main/quick")


@pytest.mark.parametrize("query", ["theme=neon", "window=2d", "colour=red", "theme=light&theme=dark"])
def test_a_parameter_that_cannot_be_used_is_refused(board: Board, query: str) -> None:
    answer = board.client.get(f"/badge/status/all.json?{query}")
    assert answer.status_code == (200 if query.startswith("theme") else 400)
    assert board.client.get(f"/badge/status/all.svg?{query}").status_code == 400


def test_an_unknown_kind_is_refused_with_the_known_ones(board: Board) -> None:
    answer = board.client.get("/badge/uptime/all.json")
    assert answer.json is not None
    assert answer.json["error"]["cure"] == "Allowed: status, availability, ttft, throughput."


@pytest.mark.parametrize("theme", [Theme.LIGHT, Theme.DARK])
def test_a_theme_has_its_own_colours_and_no_style_of_the_reader(board: Board, theme: Theme) -> None:
    drawing = picture(board, f"status/{SLOW}.svg?theme={theme.value}")
    assert drawing.find(f"{SVG}style") is None
    fills = {element.get("fill") for element in drawing.iter() if element.get("fill")}
    palette = PALETTES[theme]
    assert fills == {
        palette.surface,
        palette.surface_sunken,
        palette.text,
        palette.text_muted,
        palette.state_down,
    }


@pytest.mark.parametrize("theme", [Theme.LIGHT, Theme.DARK])
def test_the_colours_are_those_of_the_pages(theme: Theme) -> None:
    css = TOKENS.read_text(encoding="utf-8")
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)", 1)
    tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light if theme is Theme.LIGHT else dark))
    palette = PALETTES[theme]
    for name in palette.__slots__:
        assert getattr(palette, name) == tokens[name.replace("_", "-")], name


def test_badges_are_kept_for_a_minute_by_anyone_and_set_no_cookie(board: Board) -> None:
    for address in (f"status/{QUICK}.svg?theme=dark&lang=zh", f"status/{QUICK}.json?lang=zh"):
        answer = board.client.get(f"/badge/{address}")
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")
    assert board.client.get("/badge/status/nobody.svg").headers["Cache-Control"] == "no-store"


def test_the_language_is_the_addresss_and_not_the_readers(board: Board) -> None:
    address = f"/badge/status/{QUICK}.svg"
    english = board.client.get(address).text
    assert board.client.get(address, headers={"Accept-Language": "zh", "Cookie": "lang=zh"}).text == english


HOSTILE = '</text><script>alert(1)</script>"&\u202e\x07]](javascript:1)'


def test_a_hostile_name_is_text_and_nothing_else(tmp_path: Path) -> None:
    board = a_board(tmp_path, WebSettings(title=HOSTILE))
    board.store.put_plan(a_plan((a_target("quick", display_name=HOSTILE),)))
    board.tick()
    for address in (f"status/{QUICK}.svg", "status/all.svg", f"ttft/{QUICK}.svg"):
        drawing = picture(board, address)
        assert {element.tag.removeprefix(SVG) for element in drawing.iter()} == {
            *("svg", "title", "style", "rect", "path", "g", "text")
        }
        assert said(drawing)[0].startswith('</text><script>alert(1)</script>"&\ufffd\ufffd]](javascript:1)')


def test_a_hostile_address_is_text_and_nothing_else(board: Board) -> None:
    drawing = picture(board, "status/%3Cscript%3E%22%26%00%E2%80%AE/x/y.svg", status=404)
    assert said(drawing)[0] == '<script>"&\ufffd\ufffd/x/y'


def test_wide_letters_take_more_room_and_marks_none() -> None:
    assert text_width("中文") > text_width("ab")
    assert text_width("e\N{COMBINING ACUTE ACCENT}") == text_width("e")
    assert text_width("") == 1.0, "a width of nothing is no length that a renderer accepts"
