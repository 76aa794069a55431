"""What a word of the vocabulary is to a reader; the words themselves stand in words.py and beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from probes.web.i18n import Lazy


@dataclass(frozen=True, slots=True)
class Word:
    """A label of a few words, what it means in one sentence, and the shape that stands beside it."""

    label: Lazy
    meaning: Lazy
    icon: str = ""  # id of a symbol in templates/_icons.svg
    tone: str = "neutral"  # CSS modifier: ok, degraded, down, attention, maintenance, unknown, neutral


Words = Mapping[StrEnum, Word]  # of one enum; members of two enums may be equal as text
