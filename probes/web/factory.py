"""Builds the Flask application. Nothing happens on import; every dependency is given."""

from importlib import import_module
from pathlib import Path
from typing import Final

from flask import Flask
from flask_babel import Babel

from probes.web.context import EXTENSION, Installed, WebDependencies
from probes.web.display import install_filters
from probes.web.errors import install_errors
from probes.web.i18n import install_translations
from probes.web.middleware import install_middleware
from probes.web.moments import install_moments
from probes.web.preferences import install_preferences, language
from probes.web.sharing import install_sharing
from probes.web.shell import install_shell
from probes.web.snapshot import Snapshots

__all__ = ["WebDependencies", "create_app"]

ROOT: Final = Path(__file__).resolve().parents[2]
TRANSLATIONS: Final = Path(__file__).with_name("translations")
CATALOGS: Final = ("messages", "tables", "service")
BLUEPRINTS: Final = (  # modules of probes.web
    *("pages", "tables", "api", "live", "refresh", "health"),
    *("metrics", "badges", "operator", "incidents", "maintenance"),
    *("feeds", "statuspage"),
)


def create_app(dependencies: WebDependencies) -> Flask:
    app = Flask("probes.web", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.extensions[EXTENSION] = Installed(dependencies, Snapshots(dependencies.store, dependencies.clock))
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _install_babel(app)
    install_filters(app)
    install_preferences(app)
    install_shell(app)
    install_sharing(app)
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"probes.web.{name}").blueprint)
    install_errors(app)
    install_middleware(app, dependencies.settings.trusted_proxies)
    install_moments(app)
    return app


def _install_babel(app: Flask) -> None:
    app.config["BABEL_DOMAIN"] = ";".join(CATALOGS)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join([str(TRANSLATIONS)] * len(CATALOGS))
    Babel(app, locale_selector=language)
    install_translations(app)
