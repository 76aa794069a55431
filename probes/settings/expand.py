"""${NAME}, ${NAME:-default} and $$ in text values, and the node tree as plain data.

A missing variable in what connects to a provider makes its targets "not configured"; anywhere else it is a problem.
"""

import re
from collections.abc import Mapping as Environ
from dataclasses import dataclass, field
from typing import Final

from probes.settings.document import Kind, Mapping, Node, Scalar, Sequence
from probes.settings.faults import Faults, Path, shown

_TOKEN: Final = re.compile(r"\$\$|\$\{([^}]*)\}|\$\{")
_BODY: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:-(.*))?", re.DOTALL)
_CURE: Final = "Write ${NAME} or ${NAME:-default}; a plain dollar sign before a brace is $$"

CONNECTION_KEYS: Final = frozenset(
    {"api_key", "api_key_file", "base_url", "endpoint", "api_version", "proxy", "headers"}
)


class FromVariable(str):
    """Text that came through a variable: a number or truth value may be read from it, and it is never shown."""

    __slots__ = ()


@dataclass(slots=True)
class Values:
    """The file's content as plain data; `missing` holds absent variables by the connection setting they leave open."""

    data: object
    missing: dict[Path, str] = field(default_factory=dict)
    missing_by_client: dict[Path, str] = field(default_factory=dict)  # the first of each
    expanded: set[Path] = field(default_factory=set)


def expand(root: Node, environ: Environ[str, str], faults: Faults) -> Values:
    """The tree as dicts, lists and scalars, with variables put in. Faults are collected."""
    values = Values(None)
    values.data = _Expander(environ, faults, values).build(root, ())
    return values


@dataclass(slots=True)
class _Expander:
    environ: Environ[str, str]
    faults: Faults
    values: Values

    def build(self, node: Node, path: Path) -> object:
        match node:
            case Mapping():
                return {key: self.build(value, (*path, key)) for key, value in node.entries.items()}
            case Sequence():
                return [self.build(item, (*path, index)) for index, item in enumerate(node.items)]
            case Scalar():
                if node.kind is Kind.TEXT and "$" in node.text:
                    return self._text(node, path)
                return node.value

    def _text(self, node: Scalar, path: Path) -> str | None:
        """The text with its variables; None where a connection setting lacks one."""
        pieces: list[str] = []
        end, is_expanded = 0, False
        for token in _TOKEN.finditer(node.text):
            pieces.append(node.text[end : token.start()])
            end = token.end()
            if token[0] == "$$":
                pieces.append("$")
                continue
            is_expanded = True
            value = self._value(token[1], node, path)
            if value is None:
                return None
            pieces.append(value)
        text = "".join((*pieces, node.text[end:]))
        if not is_expanded:
            return text
        self.values.expanded.add(path)
        return FromVariable(text)

    def _value(self, body: str | None, node: Scalar, path: Path) -> str | None:
        match = _BODY.fullmatch(body) if body is not None else None
        if match is None:
            what = "a ${ is not closed" if body is None else "a ${...} does not name a variable"
            self.faults.add(what, _CURE, path, node.mark)
            return None
        name, has_default = match[1], match[2] is not None
        default: str | None = match[3]
        value = self.environ.get(name)
        if default is not None and "${" in default:
            self.faults.add("a default holds another ${...}", "Use one variable at a time", path, node.mark)
            return None
        if value is None or (has_default and not value):
            if not has_default:
                self._missing(name, node, path)
            return default
        if not _is_unicode(value):
            self.faults.add(
                f"environment variable {name} is not UTF-8 text", "Set it to UTF-8 text", path, node.mark
            )
            return None
        return value

    def _missing(self, name: str, node: Scalar, path: Path) -> None:
        if len(path) >= 4 and path[0] == "apis" and path[3] in CONNECTION_KEYS:
            self.values.missing[path] = name
            self.values.missing_by_client.setdefault(path[:3], name)
            return
        self.faults.add(
            f"environment variable {shown(name)[1:-1]} is not set",
            f"Set it, or give a default: ${{{name}:-value}}",
            path,
            node.mark,
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
