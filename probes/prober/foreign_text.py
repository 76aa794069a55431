"""Makes text from upstream fit to keep: no secrets, no control characters, one line, a bounded length."""

import unicodedata
from typing import Final

from probes.domain.result import MAX_ERROR_LENGTH
from probes.log import Redactor

MAX_NAME_LENGTH: Final = 200
_READ_LENGTH: Final = 12_000  # nothing beyond it can end up in a line; redaction need not read megabytes


def plain_line(text: str, redact: Redactor, limit: int) -> str:
    """The text redacted, control and invisible characters as spaces, cut to `limit` characters with an ellipsis."""
    if len(text) > _READ_LENGTH:  # cut between words: half a secret would no longer be recognised as one
        text = text[:_READ_LENGTH].rpartition(" ")[0] or text[:_READ_LENGTH]
    visible = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in redact(text))
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def error_line(text: str, redact: Redactor) -> str:
    """An error message as a record keeps it."""
    return plain_line(text, redact, MAX_ERROR_LENGTH)


def name_line(text: str | None, redact: Redactor) -> str | None:
    """A foreign name (model, fingerprint, header value) as a record keeps it; None for nothing."""
    return (plain_line(text, redact, MAX_NAME_LENGTH) or None) if text else None
