"""The typed seam to flask-babel. Source texts are English; catalogs lie under translations/.

`_` and `ngettext` translate at once and need a request; `lazy` translates when it is printed. No line ends between a
number and its unit, whatever the language.
"""

import re
from typing import Final

import flask_babel
from flask import Flask

_BEFORE_UNIT: Final = re.compile(r"(?:(?<=[0-9}])|(?<=\)s)) (?=(?:ms|s|min|h|d|kB|MB|%%?)(?![A-Za-z]))")


def unbroken(text: str) -> str:
    """ "20 ms of 3 min": with no-break spaces; "%(n)s" and "{n}" of a message count as numbers."""
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text)


def install_translations(app: Flask) -> None:
    """The templates' `_` and `ngettext` treat units as ours do."""
    translations = flask_babel.get_translations
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # comes with the i18n extension
        gettext=lambda message: unbroken(translations().ugettext(message)),
        ngettext=lambda one, many, n: unbroken(translations().ungettext(one, many, n)),
        newstyle=True,
    )


def _(message: str, **variables: object) -> str:
    """The message in the reader's language, its %(name)s filled in."""
    return unbroken(str(flask_babel.gettext(message, **variables)))


def ngettext(singular: str, plural: str, n: int, **variables: object) -> str:
    """As `_`, with the form that fits n; n itself is %(num)s."""
    return unbroken(str(flask_babel.ngettext(singular, plural, n, **variables)))


class Lazy:
    """A message that becomes text in the language of whoever prints it."""

    __slots__ = ("_message", "_variables")

    def __init__(self, message: str, variables: dict[str, object]) -> None:
        self._message = message
        self._variables = variables

    @property
    def source(self) -> str:
        """The English text with its %(name)s, as catalogs know it."""
        return self._message

    def __str__(self) -> str:
        return _(self._message, **self._variables)

    def __repr__(self) -> str:
        return f"Lazy({self._message!r})"


def lazy(message: str, **variables: object) -> Lazy:
    return Lazy(message, variables)
