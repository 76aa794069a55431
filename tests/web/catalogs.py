"""Which source files belong to which translation catalog, and bringing the catalogs up to date.

`python -m tests.web.catalogs` adds new messages (untranslated) to the .po files, drops old ones, and compiles them.
A domain may be named as an argument; without one all are done.
"""

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "probes" / "web"
TEMPLATES = ROOT / "templates"
TRANSLATIONS = WEB / "translations"
LANGUAGES = ("zh",)

SHELL_MODULES = ("display", "headline", "labels", "moments", "pages", "shell", "words", "field_words")
SHELL_TEMPLATES = (
    "base",
    "board",
    "kanban",
    "methodology",
    "_board",
    "_kanban",
    "_macros",
    "_header",
    "_banners",
)
SHELL_TEMPLATES += ("_footer", "_filter_form", "_refresh_report", "_example_yaml")
TABLE_MODULES = ("tables", "filters", "export", "text", "queries/model", "queries/results", "queries/stats")
TABLE_MODULES += ("queries/waterfall", "captions", "spoken")
TABLE_TEMPLATES = (
    "stats",
    "result",
    "record",
    "model",
    "_stats",
    "_result",
    "_record",
    "_model",
    "_filters",
    "_chart",
)

KEYWORDS = {"_": None, "lazy": None, "gettext": None, "ngettext": (1, 2)}
OPTIONS = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}


def domain_of(file: Path) -> str:
    """The catalog that a source file's messages live in."""
    if file.suffix == ".html":
        name, shell, tables = file.stem, SHELL_TEMPLATES, TABLE_TEMPLATES
        is_in = [
            any(name == one or (one[0] == "_" and name.startswith(one)) for one in group)
            for group in (shell, tables)
        ]
    else:
        name = file.relative_to(WEB).with_suffix("").as_posix()
        is_in = [name in SHELL_MODULES, name in TABLE_MODULES]
    return "messages" if is_in[0] else "tables" if is_in[1] else "service"


def sources(domain: str) -> Iterator[Path]:
    files = (*sorted(WEB.rglob("*.py")), *sorted(TEMPLATES.glob("*.html")))
    return (file for file in files if domain_of(file) == domain)


def extracted(domain: str) -> Catalog:
    """Every message of the domain's sources."""
    catalog = Catalog(project="FirstToken", charset="utf-8")
    for file in sources(domain):
        method = "jinja2" if file.suffix == ".html" else "python"
        for _line, message, comments, context in extract_from_file(method, file, KEYWORDS, options=OPTIONS):
            catalog.add(message, auto_comments=comments, context=context, locations=[(_shown(file), 0)])
    return catalog


def path_of(domain: str, language: str, suffix: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES" / f"{domain}.{suffix}"


def read(domain: str, language: str) -> Catalog:
    with path_of(domain, language, "po").open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def compiled(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def update(domain: str, language: str) -> Catalog:
    path = path_of(domain, language, "po")
    catalog = (
        read(domain, language) if path.exists() else Catalog(locale=language, domain=domain, charset="utf-8")
    )
    catalog.update(extracted(domain), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    _tidy_header(catalog)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, omit_header=False, sort_output=True, include_lineno=False)
    path_of(domain, language, "mo").write_bytes(compiled(catalog))
    return catalog


def _tidy_header(catalog: Catalog) -> None:
    """No dates and no placeholders, so that the same messages make the same file."""
    catalog.fuzzy = False
    catalog.project, catalog.version = "FirstToken", "1"
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = "FirstToken"
    catalog.header_comment = "# Translations of FirstToken."
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)


def _shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def main(domains: list[str]) -> None:
    for domain in domains or ["messages", "tables", "service"]:
        for language in LANGUAGES:
            catalog = update(domain, language)
            missing = [message.id for message in catalog if message.id and not all(_strings(message.string))]
            print(f"{language}/{domain}: {len(catalog)} messages, {len(missing)} not translated")
            for message in missing:
                print("  ", message)


def _strings(string: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return string if isinstance(string, tuple) else (string or "",)


if __name__ == "__main__":
    main(sys.argv[1:])
