"""Collects every fault of a file with its place. Texts shown to the operator pass through here and lose secrets."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final

from probes.domain.plan import Problem
from probes.log import Redactor

PathPart = str | int
Path = tuple[PathPart, ...]

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_\-]+")
_MAX_SHOWN: Final = 48
_LONGEST_KEY: Final = 24
MAX_PROBLEMS: Final = 100  # a page and the store hold them; nobody reads more


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in the file, both from 1."""

    line: int
    column: int


def shown(text: str) -> str:
    """The text as it may stand in a message: one line, short, in quotes, without a key pasted after a colon."""
    head, colon, tail = text.partition(":")
    if colon and tail.strip("0123456789:") and not tail.startswith((" ", "//")):
        text = f"{head}:..."  # "api_key:sk-..." is a forgotten space, and the rest a secret
    text = text if text.isprintable() else ascii(text)[1:-1]
    return f'"{text[:_MAX_SHOWN]}..."' if len(text) > _MAX_SHOWN else f'"{text}"'


def shown_key(key: str) -> str:
    """A key that nobody expected there: long ones with digits are more likely a pasted secret than a mistyped word."""
    head = key.partition(":")[0]  # of "api_key:sk-..." only this is shown anyway
    is_strange = len(head) > _LONGEST_KEY and any(character.isdigit() for character in head)
    return f'"{key[:4]}..."' if is_strange else shown(key)


def dotted(path: Path) -> str:
    """`apis.openai.openai_client.models[1]`; keys that are not plain words stand in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            is_plain = _PLAIN_KEY.fullmatch(part) and len(part) <= _LONGEST_KEY
            key = part if is_plain else shown_key(part)
            text += f".{key}" if text else key
    return text


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word nearest to a mistyped one, without regard to case; None when none is near."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(word.casefold()[:_MAX_SHOWN], list(by_fold), n=1, cutoff=cutoff)
    return by_fold[near[0]] if near else None


@dataclass(slots=True)
class Faults:
    """Problems and warnings found so far; `spoilt` are the paths whose values must not be judged further."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    spoilt: set[Path] = field(default_factory=set)
    _above_spoilt: set[Path] = field(default_factory=set)

    def add(self, message: str, cure: str, path: Path = (), mark: Mark | None = None) -> None:
        self.problems.append(self._problem(message, cure, path, mark))
        self.spoilt.add(path)
        self._above_spoilt.update(path[:length] for length in range(len(path) + 1))

    def warn(self, message: str, cure: str, path: Path = (), mark: Mark | None = None) -> None:
        warning = self._problem(message, cure, path, mark)
        if warning not in self.warnings:
            self.warnings.append(warning)

    def _problem(self, message: str, cure: str, path: Path, mark: Mark | None) -> Problem:
        line, column = (mark.line, mark.column) if mark else (None, None)
        return Problem(
            message=message, cure=cure, path=dotted(path), line=line, column=column, file=self.file
        )

    def is_spoilt_within(self, path: Path) -> bool:
        """Whether something at or below `path` is known to be wrong."""
        return path in self._above_spoilt


def presentable(problems: Iterable[Problem], secrets: Iterable[str]) -> tuple[Problem, ...]:
    """Problems by place in the file, each once, with every known secret and key-like word masked."""
    found = sorted(dict.fromkeys(problems), key=lambda p: (p.line or 0, p.column or 0, p.path, p.message))
    redact = Redactor(secrets)
    clean = [
        replace(
            problem,
            message=redact(problem.message),
            cure=redact(problem.cure),
            path=redact(problem.path),
        )
        for problem in found[:MAX_PROBLEMS]
    ]
    if (more := len(found) - MAX_PROBLEMS) > 0:
        clean.append(Problem(f"{more} more problems are not shown", "Mend these first", file=found[0].file))
    return tuple(clean)
