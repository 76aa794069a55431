"""/badge/<kind>/<subject>.svg and .json: small pictures for foreign pages, and the same for shields.io.

A subject is a target's id, a provider's name, or "all". They speak English unless `?lang=` says otherwise, because
what a proxy keeps for one reader is shown to the next.
"""

from collections.abc import Mapping
from typing import Final

from flask import Blueprint, Response, jsonify, request
from flask_babel import force_locale

from probes.web.badge_svg import Theme, drawn, style_hash
from probes.web.context import current_snapshot, dependencies
from probes.web.errors import not_found
from probes.web.i18n import lazy
from probes.web.params import ParameterError, Parameters, window_of
from probes.web.preferences import LANGUAGES
from probes.web.queries.badge import ALL, Badge, BadgeKind, Tone, badge, subject_names, unknown_badge

blueprint: Final = Blueprint("badges", __name__, url_prefix="/badge")

MAX_AGE_SECONDS: Final = 60
SHIELDS_COLOURS: Final[Mapping[Tone, str]] = {
    Tone.OK: "brightgreen",
    Tone.DEGRADED: "yellow",
    Tone.DOWN: "red",
    Tone.ATTENTION: "orange",
    Tone.MAINTENANCE: "blue",
    Tone.UNKNOWN: "lightgrey",
    Tone.FIGURE: "informational",
}
PARAMETERS: Final = ("window", "theme", "lang")


@blueprint.get("/<kind>/<path:subject>.svg")
def picture(kind: str, subject: str) -> Response:
    """A picture whatever happens to the subject: a page that embeds it would show a broken one for an error."""
    theme = _parameters().choice("theme", Theme, Theme.AUTO)
    with force_locale(_language()):
        found = _found(kind, subject)
        shown = found or unknown_badge(subject)
        response = Response(drawn(shown, theme), 200 if found else 404, mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = f"default-src 'none'; style-src {style_hash()}"
    return _public(response)


@blueprint.get("/<kind>/<path:subject>.json")
def endpoint(kind: str, subject: str) -> Response:
    """The format of https://shields.io/badges/endpoint-badge."""
    with force_locale(_language()):
        found = _found(kind, subject)
        if found is None:
            raise not_found(
                lazy("There is no badge of this name."), subject, subject_names(current_snapshot())
            )
        told = {
            "schemaVersion": 1,
            "label": found.label,
            "message": found.message,
            "color": SHIELDS_COLOURS[found.tone],
            "cacheSeconds": MAX_AGE_SECONDS,
        }
    return _public(jsonify(told))


def _found(kind: str, subject: str) -> Badge | None:
    snapshot, parameters = current_snapshot(), _parameters()
    if kind not in list(BadgeKind):
        raise ParameterError("kind", kind, lazy("no kind of badge"), BadgeKind)
    title = dependencies().settings.title
    window = window_of(parameters)
    if snapshot.store_error is not None:
        return unknown_badge(title if subject == ALL else subject)  # what was so is not what is so
    return badge(snapshot, BadgeKind(kind), subject, window, title)


def _parameters() -> Parameters:
    parameters = Parameters(request.args)
    parameters.refuse_unknown(PARAMETERS)
    return parameters


def _language() -> str:
    wanted = request.args.get("lang", "en")
    return wanted if wanted in LANGUAGES else "en"


def _public(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    if response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
    return response
