"""The snippets that show a model elsewhere: badges, and addresses for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from flask import url_for
from markupsafe import Markup

from probes.web.i18n import Lazy, lazy
from probes.web.queries.badge import KIND_WORDS, BadgeKind
from probes.web.text import plain

LIMIT_LABELS: Final[Mapping[str, Lazy]] = {
    "requests": lazy("requests"),
    "tokens": lazy("tokens"),
    "input_tokens": lazy("input tokens"),
    "output_tokens": lazy("output tokens"),
}
NAME_LENGTH: Final = 60
_IN_MARKDOWN: Final = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>()#+!|~"})


@dataclass(frozen=True, slots=True)
class BadgeLink:
    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Sharing:
    """Snippets are ready to be copied; whoever prints them on a page escapes them once more."""

    badges: tuple[BadgeLink, ...]
    markdown: str
    html: str
    endpoint_url: str
    api_url: str
    metrics_url: str


def sharing(target: str, name: str, origin: str) -> Sharing:
    """`origin` is the site's own, as "http://127.0.0.1:9500". Needs a request."""
    shown = plain(name, NAME_LENGTH)
    picture = origin + _quoted(url_for("badges.picture", kind=BadgeKind.STATUS.value, subject=target))
    page = origin + _quoted(url_for("tables.model", target=target))
    return Sharing(
        badges=tuple(
            BadgeLink(
                f"{shown}: {KIND_WORDS[kind]}",
                _quoted(url_for("badges.picture", kind=kind.value, subject=target)),
            )
            for kind in BadgeKind
        ),
        markdown=f"[![{shown.translate(_IN_MARKDOWN)}]({picture})]({page})",
        html=str(Markup('<a href="{}"><img src="{}" alt="{}" height="20"></a>').format(page, picture, shown)),
        endpoint_url=origin
        + _quoted(url_for("badges.endpoint", kind=BadgeKind.STATUS.value, subject=target)),
        api_url=origin + _quoted(url_for("api.target", target=target)),
        metrics_url=origin + _quoted(url_for("metrics.metrics")),
    )


def _quoted(path: str) -> str:
    """Neither Markdown nor a shell's quotes may end within it."""
    return quote(path, safe="/%:@&=+$,;~")
