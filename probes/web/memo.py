"""Remembers the newest value per name, made again when what it depends on changes."""

from collections.abc import Callable, Hashable
from typing import Final, TypeVar, cast

MAX_NAMES: Final = 20_000

V = TypeVar("V")


class Memo:
    """Threads may make the same value twice, which costs time and nothing else."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[object, object]] = {}

    def get(self, name: Hashable, key: object, make: Callable[[], V]) -> V:
        """The value under `name` as made for an equal `key`. One name must always hold one type."""
        entry = self._entries.get(name)
        if entry is not None and entry[0] == key:
            return cast(V, entry[1])
        if len(self._entries) >= MAX_NAMES:
            self._entries.clear()
        value = make()
        self._entries[name] = (key, value)
        return value
