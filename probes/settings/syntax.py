"""What the YAML parser complains of, in the operator's words. Never quotes the file: the line may hold a key."""

from dataclasses import dataclass
from typing import Final

import yaml
from yaml.reader import ReaderError

from probes.domain.plan import Problem


@dataclass(frozen=True, slots=True)
class _Complaint:
    said: str  # part of the parser's words
    message: str
    cure: str


_TAB: Final = _Complaint("", "a tab stands where YAML wants spaces", "Indent with spaces")
_VARIABLE: Final = _Complaint(
    "", "a variable stands bare inside { } or [ ]", 'Put it in quotes there: "${NAME}"'
)
_COMPLAINTS: Final = (
    _Complaint(
        "mapping values are not allowed",
        'a ":" stands where no key can be',
        'Indent the keys of one block equally, put a space after every ":" (also in the line above), '
        'and quote text that contains ": "',
    ),
    _Complaint(
        "found unexpected end of stream", "a quote is opened and never closed", "Close it with the same quote"
    ),
    _Complaint(
        "did not find expected ',' or",
        "a bracket is not closed or a comma is missing",
        "Close { with } and [ with ], and put a comma between entries",
    ),
    _Complaint(
        "did not find expected key",
        "this does not fit the block around it",
        "Indent the keys of one block equally; double a quote inside quoted text ('it''s')",
    ),
    _Complaint(
        "did not find expected '-'",
        "this does not fit the list around it",
        'Start every item with "- " and indent items equally',
    ),
    _Complaint(
        "could not find expected ':'", 'a key has no ":"', 'Write "key: value", with a space after the colon'
    ),
    _Complaint(
        "found unknown escape character",
        "a backslash in double quotes starts an unknown escape",
        "Use single quotes, or write two backslashes",
    ),
    _Complaint("tab character", _TAB.message, _TAB.cure),
    _Complaint(
        "found incompatible YAML document", "the %YAML version is not supported", "Remove the %YAML line"
    ),
    _Complaint(
        "found character that cannot start any token",
        "a value cannot start with this character",
        "Put the value in quotes",
    ),
)


def syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """The parser's error as a problem at the place to mend."""
    if isinstance(error, ReaderError):
        return _unreadable(error, text, file)
    said = str(getattr(error, "problem", None) or "")
    mark = getattr(error, "problem_mark", None)
    if "end of stream" in said or (
        mark is not None and mark.line >= text.count("\n") and "expected ','" in said
    ):
        mark = getattr(error, "context_mark", None) or mark  # where it was opened, not the end of the file
    line = text.split("\n")[mark.line] if mark is not None and mark.line <= text.count("\n") else ""
    complaint = _complaint(said, line, mark.column if mark is not None else 0)
    return Problem(
        complaint.message,
        complaint.cure,
        line=mark.line + 1 if mark is not None else None,
        column=mark.column + 1 if mark is not None else None,
        file=file,
    )


def _complaint(said: str, line: str, column: int) -> _Complaint:
    if line[column : column + 1] == "\t":
        return _TAB
    if "expected ','" in said and "${" in line:
        return _VARIABLE
    for complaint in _COMPLAINTS:
        if complaint.said in said:
            return complaint
    return _Complaint(
        "", f"this is not YAML: {said or 'it cannot be parsed'}", "Compare with local.example.yaml"
    )


def _unreadable(error: ReaderError, text: str, file: str) -> Problem:
    before = text[: error.position]
    return Problem(
        "a control character cannot stand in YAML",
        "Delete it; editors show it when invisible characters are made visible",
        line=before.count("\n") + 1,
        column=len(before) - (before.rfind("\n") + 1) + 1,
        file=file,
    )
