"""/feeds: the public incidents as Atom, RSS and JSON Feed, one entry per update; of all, a provider or a model.

They speak English unless `?lang=` says otherwise, because what a proxy keeps for one reader is shown to the next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from flask import Blueprint, Response, request, url_for
from flask_babel import force_locale

from probes.domain.incident import Incident, IncidentUpdate
from probes.web.context import dependencies
from probes.web.errors import not_found
from probes.web.feed_formats import MEDIA_TYPES, WRITERS, Entry, Feed, FeedFormat
from probes.web.i18n import _, lazy
from probes.web.incident_text import model_name
from probes.web.incident_words import NAME_LENGTH
from probes.web.origin import origin
from probes.web.params import Parameters
from probes.web.preferences import LANGUAGES
from probes.web.queries.public_incidents import MAX_TOLD, Reading, reading
from probes.web.text import plain
from probes.web.told import update_body, update_title

blueprint: Final = Blueprint("feeds", __name__, url_prefix="/feeds")

MAX_AGE_SECONDS: Final = 60
PARAMETERS: Final = ("lang",)
IN_URL: Final = "/%:@?&=+$,;~"  # neither HTML nor a shell's quotes may end within one
LOCALES: Final[Mapping[str, str]] = {"en": "en", "zh": "zh-Hans"}  # of RFC 5646

Told = tuple[Incident, IncidentUpdate]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a feed is about; both empty: everything."""

    provider: str = ""
    target: str = ""


@blueprint.get("/incidents.<any(atom, rss, json):form>")
def everything(form: str) -> Response:
    return _answer(Scope(), FeedFormat(form))


@blueprint.get("/providers/<provider>/incidents.<any(atom, rss, json):form>")
def of_provider(provider: str, form: str) -> Response:
    return _answer(Scope(provider=provider), FeedFormat(form))


@blueprint.get("/models/<path:target>/incidents.<any(atom, rss, json):form>")
def of_model(target: str, form: str) -> Response:
    return _answer(Scope(target=target), FeedFormat(form))


def _answer(scope: Scope, form: FeedFormat) -> Response:
    """503 while the store is away: an empty feed would say that all is well."""
    Parameters(request.args).refuse_unknown(PARAMETERS)
    now = reading()
    _require_known(now, scope)
    language = _language()
    with force_locale(language):
        feed = _feed(now, scope, language)
    response = Response(WRITERS[form](feed), content_type=f"{MEDIA_TYPES[form]}; charset=utf-8")
    response.last_modified = feed.updated_at
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
    return response


def _require_known(now: Reading, scope: Scope) -> None:
    if scope.provider and scope.provider not in now.providers:
        raise not_found(lazy("There is no provider of this name."), scope.provider, now.providers)
    if scope.target and scope.target not in now.targets:
        raise not_found(
            lazy("No such model is configured, and none was ever probed."), scope.target, now.targets
        )


def _feed(now: Reading, scope: Scope, language: str) -> Feed:
    site = origin()
    entries = tuple(_entry(told, site) for told in _newest(now, scope))
    title = plain(dependencies().settings.title, NAME_LENGTH)
    subject = model_name(scope.target) if scope.target else plain(scope.provider, NAME_LENGTH)
    return Feed(
        id=f"urn:uuid:{uuid5(NAMESPACE_URL, site + request.path)}",
        self_url=quote(site + request.full_path.rstrip("?"), safe=IN_URL),
        home_url=_home(site, scope),
        title=_("%(site)s: incidents of %(subject)s", site=title, subject=subject)
        if subject
        else _("%(site)s: incidents", site=title),
        summary=_("Outages and slow-downs of LLM APIs as probes saw them, one entry per update."),
        author=title,
        language=LOCALES[language],
        updated_at=max((entry.at for entry in entries), default=now.begun_at),
        entries=entries,
    )


def _newest(now: Reading, scope: Scope) -> list[Told]:
    told = [
        (incident, update)
        for incident in now.incidents(scope.provider, scope.target)
        for update in incident.updates
        if update.is_public
    ]
    return sorted(told, key=lambda pair: (pair[1].at, pair[1].id), reverse=True)[:MAX_TOLD]


def _entry(told: Told, site: str) -> Entry:
    """Of what the update itself says, so that an entry does not change while its incident goes on."""
    incident, update = told
    return Entry(
        id=f"urn:uuid:{update.id}",
        url=f"{site}/incidents/{quote(incident.id, safe='')}#{update.id}",
        title=update_title(incident, update),
        text=update_body(incident, update),
        at=update.at,
        tags=(update.kind.value, update.severity.value),
    )


def _home(site: str, scope: Scope) -> str:
    if scope.target:
        return site + quote(url_for("tables.model", target=scope.target), safe=IN_URL)
    return f"{site}/incidents"


def _language() -> str:
    wanted = request.args.get("lang", "en")
    return wanted if wanted in LANGUAGES else "en"
