"""A reader's language and theme: chosen by ?lang= and ?theme=, kept in cookies, else taken from the browser."""

from typing import Final

from flask import Flask, Response, request

LANGUAGES: Final[dict[str, str]] = {"en": "English", "zh": "中文"}
THEMES: Final = ("auto", "light", "dark")
YEAR_SECONDS: Final = 365 * 86400


def language() -> str:
    """ "en" or "zh"."""
    for wanted in (request.args.get("lang"), request.cookies.get("lang")):
        if wanted in LANGUAGES:
            return wanted
    return request.accept_languages.best_match(LANGUAGES, default="en") or "en"


def theme() -> str:
    """ "auto", "light" or "dark"."""
    for wanted in (request.args.get("theme"), request.cookies.get("theme")):
        if wanted in THEMES:
            return wanted
    return "auto"


def install_preferences(app: Flask) -> None:
    @app.after_request
    def remember(response: Response) -> Response:
        if request.blueprint in ("badges", "feeds"):
            return response  # shown to many readers, and a theme there is the picture's
        _remember(response, "lang", LANGUAGES)
        _remember(response, "theme", THEMES)
        return response


def _remember(response: Response, name: str, allowed: dict[str, str] | tuple[str, ...]) -> None:
    wanted = request.args.get(name)
    if (
        wanted is not None and wanted in allowed
    ):  # readable by script, because theme-early.js must know it before first paint
        response.set_cookie(name, wanted, max_age=YEAR_SECONDS, samesite="Lax", secure=request.is_secure)
