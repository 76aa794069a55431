"""The pages that explain: methodology, health of the service, API guide."""

import re

import pytest
from playwright.sync_api import expect

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import Category
from probes.domain.state import State
from tests.e2e.browser import Tab, Visitor
from tests.service_process import Service

pytestmark = pytest.mark.browser


@pytest.fixture
def methodology(demo: Service, visitor: Visitor) -> Tab:
    tab = visitor.tab()
    tab.open(f"{demo.url}/methodology")
    return tab


def explained(tab: Tab, section: str) -> dict[str, str]:
    """Word -> what follows it in its row, of a section of the methodology."""
    rows: list[list[str]] = tab.page.locator(f"section#{section} tr").evaluate_all(
        "rows => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
    )
    return {row[0]: " ".join(row[1:]) for row in rows if row}


def test_every_outcome_is_explained(methodology: Tab) -> None:
    words = explained(methodology, "outcomes")
    for outcome in Outcome:
        found = [text for word, text in words.items() if word.split()[-1] == outcome.value]
        assert len(found) == 1, outcome
        assert len(found[0]) > 15, outcome


def test_every_fault_is_explained(methodology: Tab) -> None:
    codes = methodology.page.locator("section#outcomes h3 code").all_inner_texts()
    assert set(codes) == {fault.value for fault in Fault}


def test_every_category_is_explained_with_its_limit(methodology: Tab) -> None:
    words = explained(methodology, "categories")
    assert list(words) == [category.value.capitalize() for category in Category]
    assert re.search(r"\b8\.50?\ss", words["Smooth"])


def test_every_state_is_explained(methodology: Tab) -> None:
    words = explained(methodology, "states")
    assert len(words) == len(State)
    assert all(len(text) > 15 for text in words.values())


def test_the_table_of_contents_leads_to_each_section(methodology: Tab) -> None:
    links = methodology.page.get_by_role("navigation", name="On this page").get_by_role("link")
    assert links.count() > 5
    for href in links.evaluate_all("links => links.map((link) => link.getAttribute('href'))"):
        assert methodology.page.locator(href).count() == 1, href


def test_health_names_the_agent_the_store_and_the_file(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/health")
    expect(tab.page.get_by_role("heading", level=1)).to_contain_text("The service works")
    agent = demo.json("/api/v1/health")["agents"][0]["agent"]
    row = tab.page.get_by_role("row").filter(has_text=agent).first
    expect(row).to_contain_text("active")
    expect(tab.page.get_by_text("config/demo.yaml")).to_be_visible()
    expect(tab.page.get_by_text(re.compile("sqlite", re.IGNORECASE)).first).to_be_visible()


def test_the_api_guide_names_every_operation_of_the_document(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab()
    tab.open(f"{demo.url}/api/v1/docs")
    for path in demo.json("/api/v1/openapi.json")["paths"]:
        expect(tab.page.get_by_role("heading", name=path).first).to_be_visible()
