"""YAML text -> a tree of nodes that know their place. Refuses what YAML offers and a configuration must not use.

Works on parser events, not on composed nodes: aliases cannot expand, and nesting is bounded before any recursion.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import yaml
from yaml.resolver import Resolver

from probes.domain.plan import Problem
from probes.settings.faults import Faults, Mark, Path, shown_key
from probes.settings.model import SettingsError
from probes.settings.syntax import syntax_problem

MAX_DEPTH: Final = 16
MAX_DIGITS: Final = 18  # int() refuses more than 4300, and nothing here needs more than this

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is 20 times faster
_RESOLVER: Final = Resolver()
_YES: Final = frozenset({"true", "yes", "on"})


class Kind(StrEnum):
    """What YAML makes of a scalar; the value says what it is in messages."""

    TEXT = "text"
    NUMBER = "a number"
    ODD_NUMBER = "a number to some YAML readers"  # 010, 0x1F, 1_000, 12:30
    BOOLEAN = "a truth value"
    DATE = "a date"
    NULL = "empty"


@dataclass(frozen=True, slots=True)
class Scalar:
    """`value` is the Python value; odd numbers and dates stay the text that was written."""

    mark: Mark
    text: str
    kind: Kind
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Sequence:
    mark: Mark
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    mark: Mark
    entries: dict[str, "Node"]
    key_marks: dict[str, Mark]


Node = Scalar | Sequence | Mapping


def read_document(text: str, faults: Faults) -> Node:
    """The one document of the text; nothing at all reads as an empty mapping.

    Structural faults are collected; raises SettingsError where the text is no YAML or nests too deep.
    """
    events = yaml.parse(text, Loader=_Loader)
    try:
        return _Builder(events, faults).document()
    except yaml.YAMLError as error:
        raise SettingsError((syntax_problem(error, text, faults.file),)) from None
    except (UnicodeError, ValueError):
        problem = Problem("a character cannot be read", "Save the file as UTF-8 text", file=faults.file)
        raise SettingsError((problem,)) from None


def find(root: Node, path: Path) -> Node:
    """The node at `path`, or its nearest existing ancestor."""
    node = root
    for part in path:
        child = _child(node, part)
        if child is None:
            break
        node = child
    return node


def existing(root: Node, path: Path) -> Path:
    """As much of `path` as there are nodes for."""
    node = root
    for length, part in enumerate(path):
        child = _child(node, part)
        if child is None:
            return path[:length]
        node = child
    return path


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node, Mapping) and isinstance(part, str):
        return node.entries.get(part)
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return node.items[part]
    return None


def key_mark(root: Node, path: Path) -> Mark:
    """Where the last key of `path` stands; for a list item, where the item does."""
    parent = find(root, path[:-1])
    if path and isinstance(parent, Mapping) and path[-1] in parent.key_marks:
        return parent.key_marks[str(path[-1])]
    return find(root, path).mark


def plain_scalar(text: str, mark: Mark) -> Scalar:
    """An unquoted scalar, read by YAML 1.1's rules but for numbers that people do not write."""
    tag = _tag(text)
    match tag:
        case "null":
            return Scalar(mark, text, Kind.NULL, None)
        case "bool":
            return Scalar(mark, text, Kind.BOOLEAN, text.lower() in _YES)
        case "int":
            return _whole_number(text, mark)
        case "float":
            return _fraction(text, mark)
        case "timestamp":
            return Scalar(mark, text, Kind.DATE, text)
        case _:
            return Scalar(mark, text, Kind.TEXT, text)


def _tag(text: str) -> str:
    """YAML 1.1's type of a plain scalar: "str", "int", "float", "bool", "null", "timestamp", ..."""
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag.rpartition(":")[2]


def _whole_number(text: str, mark: Mark) -> Scalar:
    digits = text.lstrip("+-")
    is_usual = digits.isdecimal() and len(digits) <= MAX_DIGITS and (digits == "0" or digits[0] != "0")
    if is_usual:
        return Scalar(mark, text, Kind.NUMBER, int(text))
    return Scalar(mark, text, Kind.ODD_NUMBER, text)


def _fraction(text: str, mark: Mark) -> Scalar:
    try:
        return Scalar(mark, text, Kind.NUMBER, float(text.replace("_", "x")))
    except ValueError:  # .inf, .nan, 1_0.5, 1:30.5
        return Scalar(mark, text, Kind.ODD_NUMBER, text)


@dataclass(slots=True)
class _Builder:
    events: Iterator[yaml.Event]
    faults: Faults

    def document(self) -> Node:
        next(self.events)  # stream start
        first = next(self.events)
        if not isinstance(first, yaml.DocumentStartEvent):
            return Mapping(_mark(first), {}, {})
        root = self._node(next(self.events), ())
        next(self.events)  # document end
        second = next(self.events)
        if isinstance(second, yaml.DocumentStartEvent):
            self.faults.add(
                "a second document starts here",
                'Remove the "---"; one file is one document',
                (),
                _mark(second),
            )
        return root

    def _node(self, event: yaml.Event, path: Path) -> Node:
        mark = _mark(event)
        self._refuse_extras(event, path, mark)
        match event:
            case yaml.ScalarEvent():
                is_plain = event.implicit[0] and not event.style
                text = event.value
                return plain_scalar(text, mark) if is_plain else Scalar(mark, text, Kind.TEXT, text)
            case yaml.SequenceStartEvent():
                self._refuse_depth(path, mark)
                return Sequence(mark, tuple(self._items(path)))
            case yaml.MappingStartEvent():
                self._refuse_depth(path, mark)
                return self._mapping(path, mark)
            case _:
                return Scalar(mark, "", Kind.NULL, None)  # an alias, refused above

    def _items(self, path: Path) -> Iterator[Node]:
        index = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self._node(event, (*path, index))
            index += 1

    def _mapping(self, path: Path, mark: Mark) -> Mapping:
        mapping = Mapping(mark, {}, {})
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key, place = self._key(event, path)
            value = self._node(next(self.events), path if key is None else (*path, key))
            if key is None:
                continue
            if key in mapping.entries:
                self.faults.add(
                    f"{shown_key(key)} is given twice, first in line {mapping.key_marks[key].line}",
                    "Keep one of them",
                    (*path, key),
                    place,
                )
            else:
                mapping.entries[key], mapping.key_marks[key] = value, place
        return mapping

    def _key(self, event: yaml.Event, path: Path) -> tuple[str | None, Mark]:
        """The key's text; None when it is refused."""
        node, mark = self._node(event, path), _mark(event)
        if not isinstance(node, Scalar):
            self.faults.add(
                "a key is a mapping or a list, not text",
                'Write NAME: value; to use a variable, write "${NAME}" in quotes',
                path,
                mark,
            )
            return None, mark
        if node.text == "<<":
            self.faults.add("merge keys are not supported", "Use defaults: for shared settings", path, mark)
            return None, mark
        if node.kind is not Kind.TEXT:
            is_short = node.text.isalnum() and len(node.text) < MAX_DIGITS
            cure = f'Put it in quotes: "{node.text}"' if is_short else "Put it in quotes"
            self.faults.add(f"a key is {node.kind.value}, not text", cure, path, mark)
            return None, mark
        return node.text, mark

    def _refuse_extras(self, event: yaml.Event, path: Path, mark: Mark) -> None:
        if isinstance(event, yaml.AliasEvent):
            self.faults.add(
                "aliases (*name) are not supported", "Use defaults: for shared settings", path, mark
            )
            return
        if getattr(event, "anchor", None) is not None:
            self.faults.add(
                "anchors (&name) are not supported", "Use defaults: for shared settings", path, mark
            )
        if getattr(event, "tag", None) is not None:
            self.faults.add(
                "tags (!name) are not supported", 'Remove the tag; text goes in quotes: "text"', path, mark
            )

    def _refuse_depth(self, path: Path, mark: Mark) -> None:
        if len(path) >= MAX_DEPTH:
            problem = Problem(
                f"the nesting is deeper than {MAX_DEPTH} levels",
                "Close brackets and check the indentation",
                line=mark.line,
                column=mark.column,
                file=self.faults.file,
            )
            raise SettingsError((problem,))


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1) if start is not None else Mark(1, 1)
