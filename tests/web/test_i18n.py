"""Both languages are complete, compiled, agree with each other, and are chosen as the reader asked."""

import re
from html import unescape
from itertools import combinations
from pathlib import Path
from urllib.parse import quote

import pytest
from babel.messages.catalog import Catalog, Message

from tests.examples import a_target
from tests.web.catalogs import LANGUAGES, compiled, extracted, path_of, read
from tests.web.serving import Board, a_board, a_plan

DOMAINS = ("messages", "tables", "service")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")

every_catalog = pytest.mark.parametrize(
    ("domain", "language"), [(domain, language) for domain in DOMAINS for language in LANGUAGES]
)


def messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def texts(string: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, tuple | list) else (string or "",)


@every_catalog
def test_every_message_of_the_sources_is_translated(domain: str, language: str) -> None:
    translated = {message.id for message in messages(read(domain, language)) if all(texts(message.string))}
    missing = [message.id for message in messages(extracted(domain)) if message.id not in translated]
    assert not missing, f"run python -m tests.web.catalogs {domain} and translate what it lists"


@every_catalog
def test_no_message_is_kept_that_no_source_uses(domain: str, language: str) -> None:
    used = {message.id for message in messages(extracted(domain))}
    assert not [message.id for message in messages(read(domain, language)) if message.id not in used]


@every_catalog
def test_the_compiled_catalog_is_fresh(domain: str, language: str) -> None:
    assert path_of(domain, language, "mo").read_bytes() == compiled(read(domain, language))


@every_catalog
def test_a_translation_uses_the_figures_of_its_message(domain: str, language: str) -> None:
    for message in messages(read(domain, language)):
        wanted = set(PLACEHOLDER.findall(texts(message.id)[-1]))
        for text in texts(message.string):
            assert set(PLACEHOLDER.findall(text)) == wanted, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogs_do_not_contradict_each_other(language: str) -> None:
    catalogs = {domain: {m.id: m.string for m in messages(read(domain, language))} for domain in DOMAINS}
    for one, other in combinations(DOMAINS, 2):
        shared = catalogs[one].keys() & catalogs[other].keys()
        assert not {
            name: (catalogs[one][name], catalogs[other][name])
            for name in shared
            if texts(catalogs[one][name]) != texts(catalogs[other][name])
        }, f"{one} and {other}"


@pytest.fixture
def served(tmp_path: Path) -> Board:
    return a_board(tmp_path)


def spoken(text: str) -> str:
    match = re.search(r'<html [^>]*lang="([^"]+)"', text)
    assert match is not None
    return match[1]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("zh-CN,zh;q=0.9", "zh-Hans"), ("en-GB", "en"), ("fr", "en"), ("fr, zh;q=0.5", "zh-Hans"), ("", "en")],
)
def test_the_browsers_language_decides_first(served: Board, accepted: str, language: str) -> None:
    assert spoken(served.client.get("/", headers={"Accept-Language": accepted}).text) == language


def test_a_choice_in_the_address_wins_and_is_remembered(served: Board) -> None:
    client = served.client
    page = client.get("/?lang=zh", headers={"Accept-Language": "en"})
    assert spoken(page.text) == "zh-Hans"
    assert "看板" in page.text
    assert spoken(client.get("/kanban", headers={"Accept-Language": "en"}).text) == "zh-Hans"
    client.get("/?lang=en")
    assert spoken(client.get("/", headers={"Accept-Language": "zh"}).text) == "en"


@pytest.mark.parametrize("wanted", ["xx", "", "../../etc", "zh\r\nSet-Cookie: a=b"])
def test_an_unknown_language_is_passed_over(served: Board, wanted: str) -> None:
    page = served.client.get("/", query_string={"lang": wanted})
    assert page.status_code == 200
    assert spoken(page.text) == "en"
    assert "Set-Cookie" not in page.headers


def test_switches_keep_what_else_is_in_the_address(served: Board) -> None:
    text = served.client.get("/?q=a%26b&provider=acme").text
    assert 'href="/?q=a%26b&amp;provider=acme&amp;lang=zh"' in text
    assert 'href="/?q=a%26b&amp;provider=acme&amp;theme=dark"' in text


@pytest.mark.parametrize("name", ["a?b", "50%", "a#b", "a b", "中文", "a/b", 'a"b'])
def test_switches_come_back_to_a_page_whatever_its_name(served: Board, name: str) -> None:
    target = a_target(name, id=f"acme/main/{name}")
    served.store.put_plan(a_plan((target,)))
    served.tick()
    page = served.client.get(f"/models/{quote(target.id)}")
    assert page.status_code == 200
    link = re.search(r'href="([^"]+lang=zh)"', page.text)
    assert link is not None
    assert served.client.get(unescape(link[1])).status_code == 200


def test_a_theme_is_remembered_for_readers_without_script(served: Board) -> None:
    client = served.client
    assert 'data-theme="auto"' in client.get("/").text
    client.get("/?theme=dark")
    assert 'data-theme="dark"' in client.get("/kanban").text


@pytest.mark.parametrize("path", ["/", "/kanban", "/kanban?lanes=1", "/methodology"])
def test_a_chinese_page_has_no_english_sentence_left(served: Board, path: str) -> None:
    text = served.client.get(path, headers={"Accept-Language": "zh"}).text
    main = re.sub(
        r"<(pre|code)\b.*?</\1>|<[^>]*>",
        " ",
        text[text.index("<main") : text.index("</main>")],
        flags=re.DOTALL,
    )
    english = re.findall(r"(?:\b[A-Za-z][a-z]+\b[ ,]+){3,}", main)
    assert not english
