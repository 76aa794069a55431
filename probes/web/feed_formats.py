"""A feed as Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1. Pure: knows neither Flask nor the store.

Texts are lines without control characters, and plain: whatever stands in them is escaped, in each format by its rules.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import escape

ATOM_NAMESPACE: Final = "http://www.w3.org/2005/Atom"
JSON_FEED_VERSION: Final = "https://jsonfeed.org/version/1.1"
TTL_MINUTES: Final = 5  # how long an RSS reader may wait


class FeedFormat(StrEnum):
    ATOM = "atom"
    RSS = "rss"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Entry:
    """`id` is a URI that never changes; `at` is aware."""

    id: str
    url: str
    title: str
    text: str  # lines
    at: datetime
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """`entries` newest first; `updated_at` is the newest one's time, or when the feed began."""

    id: str
    self_url: str
    home_url: str
    title: str
    summary: str
    author: str
    language: str  # of RFC 5646
    updated_at: datetime
    entries: tuple[Entry, ...]


def atom(feed: Feed) -> bytes:
    root = Element("feed", {"xmlns": ATOM_NAMESPACE, "xml:lang": feed.language})
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    _add(root, "subtitle", feed.summary)
    _add(root, "updated", _rfc3339(feed.updated_at))
    _add(_add(root, "author"), "name", feed.author)
    _add(root, "link", rel="self", type=MEDIA_TYPES[FeedFormat.ATOM], href=feed.self_url)
    _add(root, "link", rel="alternate", type="text/html", href=feed.home_url)
    for entry in feed.entries:
        told = _add(root, "entry")
        _add(told, "id", entry.id)
        _add(told, "title", entry.title)
        _add(told, "published", _rfc3339(entry.at))
        _add(told, "updated", _rfc3339(entry.at))
        _add(told, "link", rel="alternate", type="text/html", href=entry.url)
        for tag in entry.tags:
            _add(told, "category", term=tag)
        _add(told, "content", _html(entry.text), type="html")
    return _document(root)


def rss(feed: Feed) -> bytes:
    root = Element("rss", {"version": "2.0", "xmlns:atom": ATOM_NAMESPACE})
    channel = _add(root, "channel")
    _add(channel, "title", feed.title)
    _add(channel, "link", feed.home_url)
    _add(channel, "description", feed.summary)
    _add(channel, "language", feed.language)
    _add(channel, "lastBuildDate", _rfc822(feed.updated_at))
    _add(channel, "ttl", str(TTL_MINUTES))
    _add(channel, "atom:link", rel="self", type=MEDIA_TYPES[FeedFormat.RSS], href=feed.self_url)
    for entry in feed.entries:
        item = _add(channel, "item")
        _add(item, "title", entry.title)
        _add(item, "link", entry.url)
        _add(item, "guid", entry.id, isPermaLink="false")
        _add(item, "pubDate", _rfc822(entry.at))
        for tag in entry.tags:
            _add(item, "category", tag)
        _add(item, "description", _html(entry.text))
    return _document(root)


def json_feed(feed: Feed) -> bytes:
    told = {
        "version": JSON_FEED_VERSION,
        "title": feed.title,
        "home_page_url": feed.home_url,
        "feed_url": feed.self_url,
        "description": feed.summary,
        "language": feed.language,
        "authors": [{"name": feed.author}],
        "items": [
            {
                "id": entry.id,
                "url": entry.url,
                "title": entry.title,
                "content_text": entry.text,
                "date_published": _rfc3339(entry.at),
                "date_modified": _rfc3339(entry.at),
                "tags": list(entry.tags),
            }
            for entry in feed.entries
        ],
    }
    return json.dumps(told, ensure_ascii=False).encode()


MEDIA_TYPES: Final[Mapping[FeedFormat, str]] = {
    FeedFormat.ATOM: "application/atom+xml",
    FeedFormat.RSS: "application/rss+xml",
    FeedFormat.JSON: "application/feed+json",
}
WRITERS: Final[Mapping[FeedFormat, Callable[[Feed], bytes]]] = {
    FeedFormat.ATOM: atom,
    FeedFormat.RSS: rss,
    FeedFormat.JSON: json_feed,
}


def _add(parent: Element, tag: str, text: str = "", /, **attributes: str) -> Element:
    child = ElementTree.SubElement(parent, tag, attributes)
    child.text = text or None
    return child


def _document(root: Element) -> bytes:
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _html(text: str) -> str:
    """Paragraphs of escaped text, for places where readers expect HTML."""
    return "".join(f"<p>{escape(line)}</p>" for line in text.split("\n") if line.strip())


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rfc822(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
