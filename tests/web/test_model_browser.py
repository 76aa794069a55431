"""One model's page in a real Chromium: charts drawn from their table, in the colours of the theme, and live figures."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Tab, Visitor
from tests.examples import a_result
from tests.web.tables_site import LARGE, QUICK, Site, browser, overflow, site, violations, visitor

__all__ = ["browser", "site", "visitor"]
pytestmark = pytest.mark.browser

# The canvas is copied, because reading a canvas twice slows it down and makes the browser say so.
COLOURS = """(canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const seen = {};
  for (let at = 0; at < data.length; at += 4) {
    const colour = `${data[at]},${data[at + 1]},${data[at + 2]}`;
    if (data[at + 3] === 255) seen[colour] = (seen[colour] ?? 0) + 1;
  }
  return seen;
}"""


def opened(
    site: Site, visitor: Visitor, target: str = QUICK, query: str = "?window=24h", **options: object
) -> Tab:
    tab = visitor.tab(**options)  # type: ignore[arg-type]
    assert tab.open(f"{site.url}/models/{target}{query}") == 200
    return tab


def ink(tab: Tab, chart: str) -> dict[str, int]:
    colours: dict[str, int] = tab.page.locator(f"[data-chart={chart}] canvas").evaluate(COLOURS)
    return colours


def colour(tab: Tab, token: str) -> str:
    """A colour of tokens.css as `ink` tells it."""
    value: str = tab.page.evaluate(
        "(name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()", token
    )
    return ",".join(str(int(value[at : at + 2], 16)) for at in (1, 3, 5))


@pytest.mark.parametrize("chart", ["latency", "response", "throughput"])
def test_a_line_is_drawn_in_the_colour_of_the_theme_and_follows_it(
    site: Site, visitor: Visitor, chart: str
) -> None:
    tab = opened(site, visitor)
    light = colour(tab, "--state-maintenance")
    assert ink(tab, chart).get(light, 0) > 50
    tab.page.get_by_role("link", name="Dark").click()
    tab.next_frame()
    assert ink(tab, chart).get(colour(tab, "--state-maintenance"), 0) > 50
    assert light not in ink(tab, chart)


def test_outcomes_are_stacked_from_zero(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, "acme/main/slow")
    legend = tab.page.locator("[data-chart=outcomes] .u-legend .u-label")
    assert legend.all_inner_texts()[1:] == ["the provider", "ok"]
    colours = ink(tab, "outcomes")
    assert colours.get(colour(tab, "--bar-ok"), 0) > colours.get(colour(tab, "--state-down"), 0) > 0


def test_the_legend_says_the_values_of_the_table(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    box = tab.page.locator("[data-chart=latency] .u-over").bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    tab.next_frame()
    shown = tab.page.locator("[data-chart=latency] .u-legend .u-value").all_inner_texts()
    newest = tab.page.locator("[data-points] tbody tr").last.locator("td")
    p50, p95 = (float(newest.nth(column).text_content() or "") for column in (0, 1))
    assert shown[1:] == [f"{p95:.2f}\xa0s", f"{p50:.2f}\xa0s"]


def test_a_gap_in_the_table_is_a_gap_in_the_line(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    row = tab.page.locator("[data-points] tbody tr").nth(-8)
    assert {text.strip() for text in row.locator("td").all_text_contents()} == {"–"}
    heights = tab.page.locator("[data-chart=throughput] canvas").evaluate(
        """(canvas) => {
          const copy = new OffscreenCanvas(canvas.width, canvas.height);
          const context = copy.getContext("2d", { willReadFrequently: true });
          context.drawImage(canvas, 0, 0);
          const over = canvas.parentElement.querySelector(".u-over");
          const scale = canvas.width / canvas.clientWidth;
          const left = over.offsetLeft * scale, width = over.clientWidth * scale;
          const hasInk = (step) => {
            const x = Math.round(left + width * step / 24);
            const { data } = context.getImageData(x, 0, 1, Math.round(over.clientHeight * scale * 0.9));
            return data.some((value, at) => at % 4 === 2 && value === 200 && data[at - 2] === 36);
          };
          return [hasInk(12.5), hasInk(16)];
        }"""
    )
    assert heights == [True, False]


def test_the_data_link_opens_the_table(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor)
    table = tab.page.locator("[data-points]")
    expect(table).to_be_hidden()
    tab.page.locator("[data-chart=outcomes]").get_by_role("link", name="Data").click()
    expect(table).to_be_visible()


def test_without_script_the_data_are_in_the_table(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, script=False)
    expect(tab.page.locator("[data-plot]").first).to_be_hidden()
    tab.page.locator("summary", has_text="Data of the charts").click()
    expect(tab.page.locator("[data-points] tbody tr")).to_have_count(24)


def test_a_probe_of_this_model_updates_figures_and_records(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, LARGE)
    expect(tab.page.get_by_text("The first probe has not come back yet.")).to_be_visible()
    site.add(a_result(due_at=site.at(seconds=1), target=LARGE))
    expect(tab.page.locator("[data-region=recent] tr[data-record]")).to_have_count(1, timeout=30_000)
    tab.settle()
    site.add(a_result(due_at=site.now + timedelta(seconds=1), target=LARGE))
    expect(tab.page.locator("[data-region=recent] tr[data-record]")).to_have_count(2, timeout=30_000)
    expect(tab.page.locator("[data-region=tiles]")).to_contain_text("2 of 2")


def test_a_change_appears_on_the_timeline_and_on_the_charts(site: Site, visitor: Visitor) -> None:
    site.add(a_result(due_at=site.at(seconds=-1), served_model="x-1"))
    tab = opened(site, visitor)
    expect(tab.page.locator("[data-region=timeline]")).to_contain_text("Nothing has changed")
    colour = "75,85,99"  # --text-muted of the light theme
    before = ink(tab, "latency").get(colour, 0)
    site.add(a_result(due_at=site.at(seconds=-2), served_model="x-2"))
    expect(tab.page.locator("[data-region=timeline] li")).to_have_count(1, timeout=30_000)
    expect(tab.page.locator("[data-region=timeline]")).to_contain_text("alias moved from x-1 to x-2")
    tab.page.wait_for_function(
        f"([canvas, least]) => (({COLOURS})(canvas)['{colour}'] ?? 0) > least",
        arg=[tab.page.locator("[data-chart=latency] canvas").element_handle(), before + 20],
    )
    link = tab.page.locator("[data-region=timeline]").get_by_role("link", name="Record")
    link.click()
    expect(tab.page.locator("main")).to_contain_text("x-2")


def test_charts_keep_to_a_phone(site: Site, visitor: Visitor) -> None:
    tab = opened(site, visitor, width=375)
    assert overflow(tab) <= 0
    tab.page.set_viewport_size({"width": 320, "height": 700})
    canvas = tab.page.locator("[data-chart=latency] canvas")
    tab.page.wait_for_function(
        "canvas => canvas.getBoundingClientRect().right <= innerWidth", arg=canvas.element_handle()
    )
    assert overflow(tab) <= 0


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_axe_finds_nothing(site: Site, visitor: Visitor, lang: str, scheme: str, width: int) -> None:
    site.add(
        *(
            a_result(due_at=site.at(seconds=-1 - n), served_model=f"x-{n}", spec_version=spec)
            for n, spec in enumerate(("s1", "s1", "s2"))
        )
    )
    tab = opened(site, visitor, lang=lang, scheme=scheme, width=width, bypass_csp=True)
    tab.page.locator("[data-chart-data] summary").click()
    assert violations(tab.page) == []


def test_what_is_usual_is_a_band_behind_the_first_tokens(site: Site, visitor: Visitor) -> None:
    site.add(*[a_result(due_at=site.at(hours=hour, minutes=1)) for hour in range(48, 24 * 21)])
    tab = opened(site, visitor)
    labels = tab.page.locator("[data-chart=latency] .u-legend .u-label").all_inner_texts()
    assert labels[1:] == ["p95", "p50", "usual from", "usual to"]
    assert tab.page.locator("[data-chart=response] .u-legend .u-label").count() == 3
    rows = tab.page.locator("[data-points] tbody tr")
    assert rows.nth(-8).locator("td").nth(3).text_content() != "–", "a gap in the line is none in the band"
    expect(tab.page.locator(".model-head__usual")).to_contain_text("usual first token 0.2")
