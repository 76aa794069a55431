"""The Chinese pages are Chinese: no English is left on them but names, ids and terms of the field."""

import re
from typing import Final

import pytest

from tests.e2e.browser import Tab, Visitor
from tests.e2e.places import NAMES, path_of
from tests.service_process import Service

pytestmark = pytest.mark.browser

# Everything that a reader sees or hears: text, and attributes that are shown or read out.
TEXTS: Final = """() => {
  const foreign = "script, style, code, pre, kbd, [lang=en], .record__error, [hidden]";
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest(foreign)) texts.push(walker.currentNode.nodeValue.trim());
  }
  for (const element of document.querySelectorAll("[title], [aria-label], [placeholder], [alt]")) {
    if (element.closest(foreign)) continue;
    for (const name of ["title", "aria-label", "placeholder", "alt"]) texts.push(element.getAttribute(name) ?? "");
  }
  texts.push(document.title);
  return [...new Set(texts)].filter(Boolean);
}"""

# Terms that Chinese readers of such a page use as they are.
TERMS: Final = frozenset(
    """
    firsttoken english api openapi json csv ndjson yaml http https url uri utc tls tcp dns sdk sse tokens token
    ttft tpot tps itl sqlite mongodb wilson anthropic openai azure messages chat completions id ms kb mb gb
    auto python app py config local web agent retry after content type base_url ok n s p50 p90 p95 p99
    """.split()
)
WORD: Final = re.compile(r"[A-Za-z][A-Za-z_0-9]+")


def texts_of(tab: Tab) -> set[str]:
    found: list[str] = tab.page.evaluate(TEXTS)
    return set(found)


def words_of(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(text)}


@pytest.fixture(scope="package")
def names(demo: Service) -> frozenset[str]:
    """Words of what the operator named: providers, clients, models, labels, places."""
    targets = demo.json("/api/v1/targets")["targets"]
    plan = demo.json("/api/v1/config")
    named = [str(target[key]) for target in targets for key in ("provider", "client", "model", "name")]
    named += [f"{key} {value}" for target in plan["targets"] for key, value in target["labels"].items()]
    named += [agent["agent"] for agent in demo.json("/api/v1/health")["agents"]]
    return frozenset(word for text in named for word in words_of(text)) | {"simulated", "history", "local"}


@pytest.mark.parametrize("name", NAMES)
def test_no_english_is_left_on_a_chinese_page(
    name: str, demo: Service, visitor: Visitor, names: frozenset[str]
) -> None:
    tab = visitor.tab(lang="zh")
    tab.open(demo.url + path_of(name, demo))
    left = {text: words_of(text) - names - TERMS for text in texts_of(tab)}
    english = {text[:100]: sorted(words) for text, words in left.items() if words}
    assert not english


@pytest.mark.parametrize("name", NAMES)
def test_no_chinese_stands_on_an_english_page(name: str, demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(lang="en")
    tab.open(demo.url + path_of(name, demo))
    chinese = {text for text in texts_of(tab) if re.search(r"[\u4e00-\u9fff]", text)}
    assert chinese == {"中文"}


def test_model_names_are_never_translated(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(lang="zh")
    tab.open(demo.url)
    shown = texts_of(tab)
    assert {target["name"] for target in demo.json("/api/v1/targets")["targets"]} <= shown
