"""Reads everything that a service links to, as a search engine would."""

import urllib.error
import urllib.request
from collections import Counter, deque
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

ADDRESS_ATTRIBUTES: Final = ("href", "src", "data-fresh", "data-url", "data-copy")
ONLY_LOOKS: Final = ("lang", "theme", "sort", "cursor", "after", "limit")  # the same content again
LEFT_ALONE: Final = "%/:=&?~#+!$,;'@()*[]"
OF_A_KIND: Final = 20  # a hundred records look alike


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: str
    body: bytes


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ADDRESS_ATTRIBUTES and value]


def fetch(url: str) -> Answer:
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            return Answer(response.status, str(response.headers), response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, str(error.headers), error.read())


def crawl(url: str, more: tuple[str, ...] = ()) -> dict[str, Answer]:
    """Address -> answer of everything of note reachable from the board and from the paths in `more`."""
    waiting = deque([url, *(url + path for path in more)])
    answers: dict[str, Answer] = {}
    kinds: Counter[str] = Counter()
    while waiting:
        address = waiting.popleft()
        kinds[_kind(address)] += address not in answers
        if address in answers or kinds[_kind(address)] > OF_A_KIND:
            continue
        answers[address] = answer = fetch(address)
        if "text/html" in answer.headers:
            waiting += [link for link in _links(answer, address) if link.startswith(url)]
    return answers


def _kind(address: str) -> str:
    """What addresses of like content have in common: the path but for its last step, and the names in the query."""
    parts = urlsplit(address)
    names = sorted({name for name, _ in parse_qsl(parts.query)})
    return " ".join([*parts.path.split("/")[:-1][:4], *names])


def _links(answer: Answer, address: str) -> list[str]:
    parser = _Links()
    parser.feed(answer.body.decode())
    return [_plain(urljoin(address, link)) for link in parser.found]


def _plain(address: str) -> str:
    """Without what changes only the looks; what a browser would escape is escaped."""
    parts = urlsplit(quote(address, safe=LEFT_ALONE))
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in ONLY_LOOKS]
    return parts._replace(query=urlencode(query), fragment="").geturl()
