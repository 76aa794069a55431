"""What leads elsewhere: badges and addresses of one model, and where to hear of incidents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from flask import Flask, url_for
from markupsafe import Markup

from probes.web.feed_formats import MEDIA_TYPES, FeedFormat
from probes.web.i18n import Lazy, lazy
from probes.web.origin import origin
from probes.web.queries.badge import KIND_WORDS, BadgeKind
from probes.web.text import plain

LIMIT_LABELS: Final[Mapping[str, Lazy]] = {
    "requests": lazy("requests"),
    "tokens": lazy("tokens"),
    "input_tokens": lazy("input tokens"),
    "output_tokens": lazy("output tokens"),
}
NAME_LENGTH: Final = 60
FEED_LABELS: Final = {FeedFormat.ATOM: "Atom", FeedFormat.RSS: "RSS", FeedFormat.JSON: "JSON Feed"}
_IN_MARKDOWN: Final = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>()#+!|~"})


@dataclass(frozen=True, slots=True)
class BadgeLink:
    label: str
    path: str


@dataclass(frozen=True, slots=True)
class FeedLink:
    label: str
    media: str
    url: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where to hear of incidents; addresses are whole, and hold nothing that ends a shell's quotes."""

    feeds: tuple[FeedLink, ...]
    summary_url: str  # of the Statuspage interface, which always tells everything
    page_url: str  # the same as clients that want a page's address need it
    calendar_url: str  # of maintenance


@dataclass(frozen=True, slots=True)
class Sharing:
    """Snippets are ready to be copied; whoever prints them on a page escapes them once more."""

    badges: tuple[BadgeLink, ...]
    markdown: str
    html: str
    endpoint_url: str
    api_url: str
    metrics_url: str
    subscription: Subscription


def sharing(target: str, name: str, site: str) -> Sharing:
    """`site` is the site's own, as "http://127.0.0.1:9500". Needs a request."""
    shown = plain(name, NAME_LENGTH)
    picture = site + _quoted(url_for("badges.picture", kind=BadgeKind.STATUS.value, subject=target))
    page = site + _quoted(url_for("tables.model", target=target))
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
        endpoint_url=site + _quoted(url_for("badges.endpoint", kind=BadgeKind.STATUS.value, subject=target)),
        api_url=site + _quoted(url_for("api.target", target=target)),
        metrics_url=site + _quoted(url_for("metrics.metrics")),
        subscription=subscription(site, target=target),
    )


def subscription(site: str, provider: str = "", target: str = "") -> Subscription:
    """Of a model, a provider, or with neither of everything. Needs a request."""
    return Subscription(
        feeds=tuple(
            FeedLink(label, MEDIA_TYPES[form], site + _quoted(_feed_path(form, provider, target)))
            for form, label in FEED_LABELS.items()
        ),
        summary_url=site + url_for("statuspage.summary"),
        page_url=site,
        calendar_url=site + url_for("maintenance.calendar"),
    )


def install_sharing(app: Flask) -> None:
    """Gives templates `subscribe_view()`: of everything, a provider or a model."""
    app.jinja_env.globals["subscribe_view"] = _subscribe_view


def _subscribe_view(provider: str = "", target: str = "") -> Subscription:
    return subscription(origin(), provider, target)


def _feed_path(form: FeedFormat, provider: str, target: str) -> str:
    if target:
        return url_for("feeds.of_model", target=target, form=form.value)
    if provider:
        return url_for("feeds.of_provider", provider=provider, form=form.value)
    return url_for("feeds.everything", form=form.value)


def _quoted(path: str) -> str:
    """Neither Markdown nor a shell's quotes may end within it."""
    return quote(path, safe="/%:@&=+$,;~")
