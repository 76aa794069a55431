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
  const types = ".fields__kind, .schema h3, a[href^='#schema-']";
  const foreign = `script, style, code, pre, kbd, [lang=en]:not(html), .record__error, [hidden], ${types}`;
  for (const term of document.querySelectorAll(".record-detail dt")) {
    if (term.textContent === "错误") term.nextElementSibling.lang = "en";  // the provider's own words
  }
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

# Terms that Chinese readers of such a page use as they are, and values as providers send them.
TERMS: Final = (
    "firsttoken english api openapi json csv ndjson yaml html markdown prometheus "
    "atom rss ical feed atlassian statuspage google site reliability workbook "
    "http https url uri utc tls tcp dns sdk sse token tokens ttft tpot tps itl sqlite "
    "mongodb wilson anthropic openai azure messages chat completions responses id ms kb mb gb "
    "auto python agent retry-after content-type ok get post null true false max length stop default charset"
)
CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
TOKEN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./:@-]*")
PATH: Final = re.compile(r"(?<!\w)/[\w/.-]+")
IDENTIFIER: Final = re.compile(r"[0-9_./:@]")  # 2026-11-21T12:00Z, p50, api_key, app.py, /healthz, a hash


def texts_of(tab: Tab) -> set[str]:
    found: list[str] = tab.page.evaluate(TEXTS)
    return set(found)


def words_of(text: str) -> list[str]:
    """English words; what can only be an identifier is none."""
    found = [token.strip(".:-").lower() for token in TOKEN.findall(PATH.sub("", text))]
    return [word for word in found if len(word) > 1 and not IDENTIFIER.search(word)]


def english_in(text: str, allowed: frozenset[str]) -> list[str]:
    """Words that should have been translated; a single value named within a Chinese sentence may stay."""
    strange = [word for word in words_of(text) if word not in allowed]
    in_a_row = re.search(r"[a-z]{2,}[ '’][a-z]{2,}", " ".join(re.findall(r"[\w-]+|[^\w\s]", text.lower())))
    is_sentence = in_a_row is not None and set(in_a_row[0].split()) & set(strange)
    return strange if is_sentence or not CHINESE.search(text) else []


@pytest.fixture(scope="package")
def names(demo: Service) -> frozenset[str]:
    """Words of what the operator named: providers, clients, models, labels, places."""
    targets = demo.json("/api/v1/targets")["targets"]
    plan = demo.json("/api/v1/config")
    named = [str(target[key]) for target in targets for key in ("provider", "client", "model", "name")]
    named += [f"{rule['title']} {rule['note']} {rule['timezone']}" for rule in plan["maintenance"]]
    named += [f"{key} {value}" for target in plan["targets"] for key, value in target["labels"].items()]
    named += [agent["agent"] for agent in demo.json("/api/v1/health")["agents"]]
    return frozenset(word for text in [*named, "simulated history local", TERMS] for word in words_of(text))


@pytest.mark.parametrize("name", NAMES)
def test_no_english_is_left_on_a_chinese_page(
    name: str, demo: Service, visitor: Visitor, names: frozenset[str]
) -> None:
    tab = visitor.tab(lang="zh")
    tab.open(demo.url + path_of(name, demo))
    texts = texts_of(tab)
    assert any(CHINESE.search(text) for text in texts)
    left = [text for text in texts if english_in(text, names)]
    assert not left, "\n".join(text[:150] for text in left)


@pytest.mark.parametrize(
    ("text", "is_english"),
    [
        ("Refresh", True),
        ("3 models probed.", True),
        ("探测 3 models probed", True),
        ("Northwind Swift", False),
        ("取值为 exact、bounded 或 degraded。", False),
        ("2026年11月21日 · 2026-11-21T12:13:40Z", False),
        ("TTFT p50", False),
    ],
)
def test_the_detector_tells_english_from_names_and_values(text: str, is_english: bool) -> None:
    allowed = frozenset([*words_of(TERMS), "northwind", "swift"])
    assert bool(english_in(text, allowed)) is is_english


@pytest.mark.parametrize("name", NAMES)
def test_no_chinese_stands_on_an_english_page(name: str, demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(lang="en")
    tab.open(demo.url + path_of(name, demo))
    chinese = {text for text in texts_of(tab) if CHINESE.search(text)}
    assert chinese == {"中文"}


def test_model_names_are_never_translated(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(lang="zh")
    tab.open(demo.url)
    shown = texts_of(tab)
    assert {target["name"] for target in demo.json("/api/v1/targets")["targets"]} <= shown
