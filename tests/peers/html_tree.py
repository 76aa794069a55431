"""HTML as a tree of elements, read strictly: a tag that is closed in the wrong place is an error, not a guess."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder

_VOID: Final = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


class NestingError(AssertionError):
    """The page closes an element that is not the open one."""


def tree_of(page: str) -> Element:
    """The page's root element; attributes without a value have an empty one."""
    maker = _TreeMaker()
    maker.feed(page)
    maker.close()
    return maker.root()


def text_of(element: Element) -> str:
    """All text inside, as `collapsed`."""
    return collapsed("".join(element.itertext()))


def collapsed(text: str) -> str:
    """With every run of HTML's white space as one space; a no-break space is none of that."""
    return re.sub(r"[ \t\r\n\f]+", " ", text).strip(" ")


def having(root: Element, attribute: str, value: str | None = None) -> Iterator[Element]:
    """Every element with this attribute, in the order of the page; with a value, only those that have it so."""
    for element in root.iter():
        if attribute in element.attrib and value in (None, element.get(attribute)):
            yield element


def classed(root: Element, name: str) -> list[Element]:
    """Every element of this CSS class, in the order of the page."""
    return [element for element in root.iter() if name in element.get("class", "").split()]


def only(found: list[Element]) -> Element:
    """The one element; anything else is an error."""
    assert len(found) == 1, f"{len(found)} elements where one is expected"
    return found[0]


class _TreeMaker(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._builder = TreeBuilder()
        self._open = ["page"]
        self._builder.start("page", {})

    def root(self) -> Element:
        if len(self._open) > 1:
            raise NestingError(f"never closed: {', '.join(self._open[1:])}")
        self._builder.end("page")
        return self._builder.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self._builder.end(tag)
        else:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1] != tag:
            raise NestingError(f"line {self.getpos()[0]}: </{tag}> closes <{self._open[-1]}>")
        self._builder.end(self._open.pop())

    def handle_data(self, data: str) -> None:
        self._builder.data(data)
