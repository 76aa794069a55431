"""The typed seam to flask-babel. Source texts are English; catalogs lie under translations/.

`_` and `ngettext` translate at once and need a request; `lazy` translates when it is printed.
"""

import flask_babel


def _(message: str, **variables: object) -> str:
    """The message in the reader's language, its %(name)s filled in."""
    return str(flask_babel.gettext(message, **variables))


def ngettext(singular: str, plural: str, n: int, **variables: object) -> str:
    """As `_`, with the form that fits n; n itself is %(num)s."""
    return str(flask_babel.ngettext(singular, plural, n, **variables))


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
