"""One model's page: how it stands, its charts with the data behind them, its newest records."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.browser import Tab, Visitor
from tests.e2e.places import FLAKY, PAUSED, STEADY, UNCONFIGURED, model_path
from tests.service_process import Service

pytestmark = pytest.mark.browser

CHARTS = ("Time to first token", "Response time", "Tokens per second", "Outcomes")
COLOUR_OF = """(name) => {
  const sample = document.body.appendChild(document.createElement("i"));
  sample.style.color = `var(${name})`;
  const colour = getComputedStyle(sample).color;
  sample.remove();
  return colour;
}"""
POINTS = "table[data-points]"
INK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, at) => at % 4 === 3 && value > 0).length / (canvas.width * canvas.height);
}"""


@pytest.fixture
def model(demo: Service, visitor: Visitor) -> Tab:
    tab = visitor.tab()
    tab.open(demo.url + model_path(FLAKY))
    return tab


def chart(tab: Tab, title: str) -> Locator:
    return tab.page.locator("figure[data-chart]").filter(
        has=tab.page.get_by_role("heading", name=title, exact=True)
    )


def test_the_state_is_told_in_words_with_its_reason(model: Tab, demo: Service) -> None:
    targets = {target["id"]: target for target in demo.json("/api/v1/targets")["targets"]}
    head = model.page.locator("[data-region=state]")
    expect(head).to_contain_text(re.compile(targets[FLAKY]["state"], re.IGNORECASE))
    expect(head).to_contain_text(targets[FLAKY]["reason"]["text"])


@pytest.mark.parametrize("title", CHARTS)
def test_a_chart_is_drawn(model: Tab, title: str) -> None:
    canvas = chart(model, title).locator("canvas")
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    assert box is not None
    assert box["width"] > 300
    assert box["height"] > 100
    assert canvas.evaluate(INK) > 0.005


@pytest.mark.parametrize("title", CHARTS)
def test_a_chart_has_a_sentence_for_those_who_cannot_see_it(model: Tab, title: str) -> None:
    expect(chart(model, title).locator("figcaption")).to_have_text(re.compile(r"\w+ \w+ .*\d"))


@pytest.mark.parametrize("title", CHARTS)
def test_a_chart_leads_to_the_table_of_its_data(model: Tab, title: str) -> None:
    link = chart(model, title).get_by_role("link", name="Data")
    table = model.page.locator(str(link.get_attribute("href")))
    link.click()
    expect(table).to_be_in_viewport()
    assert table.get_by_role("row").count() > 20


def test_a_chart_keeps_to_its_frame_when_the_window_narrows(model: Tab) -> None:
    model.page.set_viewport_size({"width": 375, "height": 800})
    for title in CHARTS:
        canvas = chart(model, title).locator("canvas")
        expect(canvas).to_be_visible()
        model.page.wait_for_function(
            "canvas => canvas.getBoundingClientRect().right <= innerWidth", arg=canvas.element_handle()
        )


def test_the_legend_of_a_chart_has_the_colours_of_its_lines_after_a_change_of_theme(model: Tab) -> None:
    page = model.page
    page.get_by_role("group", name="Colours").get_by_role("link", name="Dark").click()
    figure = chart(model, CHARTS[0])
    for key, row in (("ttft_p50_seconds", "p50"), ("ttft_p95_seconds", "p95")):
        marker = figure.locator(".u-legend tr, .u-series").filter(has_text=row).locator(".u-marker")
        expect(marker).to_have_css("background-color", page.evaluate(COLOUR_OF, f"--chart-{key}"))


def test_the_window_switch_draws_another_span(model: Tab) -> None:
    page = model.page
    start = "rows => rows[0].cells[0].dataset.t"
    rows = page.locator(f"{POINTS} tbody tr")
    week = int(rows.evaluate_all(start))
    model.follow(page.get_by_role("group", name="Window").get_by_role("link", name="90d"))
    expect(page.get_by_role("group", name="Window").locator("[aria-current=true]")).to_have_text("90d")
    assert int(rows.evaluate_all(start)) < week - 80 * 86400
    expect(chart(model, CHARTS[0]).locator("canvas")).to_be_visible()


def test_a_time_without_a_probe_is_a_gap_in_the_data_not_a_zero(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(demo.url + model_path(FLAKY))
    keys = tab.page.locator(f"{POINTS} thead th[data-key]").evaluate_all(
        "ths => ths.map((th) => th.dataset.key)"
    )
    rows: list[list[str]] = tab.page.locator(f"{POINTS} tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.cells].slice(1).map((cell) => cell.textContent.trim()))"
    )
    measured = [{k: v for k, v in zip(keys, row, strict=True) if "usual" not in k} for row in rows]
    empty = [list(row.values()) for row in measured if row["none"] == "–"]
    assert all(set(row) == {"–"} for row in empty)


def test_the_newest_records_stand_below_and_open(model: Tab) -> None:
    page = model.page
    rows = page.locator("[data-region=recent] tr[data-record]")
    assert 0 < rows.count() <= 20
    rows.first.locator(".record__outcome").click()
    expect(
        page.get_by_text("Where the time went").or_(page.get_by_text("Nothing was measured.")).first
    ).to_be_visible()


def test_how_it_is_measured_is_told(model: Tab) -> None:
    panel = model.page.locator("section", has=model.page.get_by_role("heading", name="How it is measured"))
    for label in ("Prompt", "Token limit", "Interval", "Deadlines", "Protocol"):
        expect(panel.get_by_text(label, exact=True)).to_be_visible()


def test_a_model_without_a_key_says_what_is_missing(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(demo.url + model_path(UNCONFIGURED))
    expect(tab.page.get_by_text("Not configured").first).to_be_visible()
    expect(tab.page.get_by_text("Never probed.")).to_be_visible()
    expect(tab.page.locator("canvas")).to_have_count(0)


def test_a_paused_model_says_so(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(demo.url + model_path(PAUSED))
    expect(tab.page.get_by_text("Paused").first).to_be_visible()


def test_an_unknown_model_suggests_those_that_are_like_it(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    assert tab.open(demo.url + model_path(STEADY.replace("swift", "swiff"))) == 404
    tab.complaints.forgive_status(404)
    tab.page.get_by_role("link", name=re.compile("northwind-swift")).click()
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Northwind Swift")
