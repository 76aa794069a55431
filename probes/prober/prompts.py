"""The prompt, its version, and whether an answer is the one it asks for. Pure; chance is passed in.

The task cannot end before the token limit, reads alike in every tokeniser and trips no filter. A nonce comes first,
so that no prefix cache answers for the model.
"""

import hashlib
import random
import re
from dataclasses import dataclass
from typing import Final

PROMPT_VERSION: Final = "count-1"
_TASK: Final = (
    "The line above is a random tag; ignore it. Count upward in words from one, separated by single spaces, "
    "lower case, no punctuation: one two three and so on. Begin at once with the word one, "
    "keep counting without stopping, and write nothing else."
)
_NONCE_WORDS: Final = """
    amber anchor apple arrow autumn badge basil beacon birch blanket bottle branch breeze bridge bronze butter cabin
    candle canyon carpet castle cedar cherry circle clover copper coral cotton cradle crystal daisy desert dolphin
    ember fabric falcon feather fiddle forest garden ginger glacier granite harbor hazel helmet honey island ivory
    jacket jasmine kettle ladder lantern lemon linen maple marble meadow mirror mountain needle orchard paper
"""
_CHATTER_WORDS: Final = 60  # "Sure! Here is the count you asked for:" and its kin may come first
_READ_LENGTH: Final = 4_000  # hostile output may be megabytes long
_THOUGHT: Final = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z]+|\d+")
_DIGITS: Final = {"1": "one", "2": "two", "3": "three"}
_TASK_WORDS: Final = ("count", "number")
_BEGINNING: Final = ("one", "two", "three")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent. `is_checked`: its answer is known."""

    text: str
    version: str
    is_checked: bool


def make_prompt(custom: str | None, chance: random.Random) -> Prompt:
    """The default prompt, or the operator's own, with a nonce of eight hex digits and four words before it."""
    nonce = f"{chance.getrandbits(32):08x} {' '.join(chance.choices(_NONCE_WORDS.split(), k=4))}"
    if custom is None:
        return Prompt(f"{nonce}\n\n{_TASK}", PROMPT_VERSION, is_checked=True)
    digest = hashlib.sha256(custom.encode("utf-8", "replace")).hexdigest()[:8]
    return Prompt(f"{nonce}\n\n{custom}", f"custom-{digest}", is_checked=False)


def is_count(answer: str) -> bool | None:
    """Whether the text counts from one; None when it is too short to tell.

    Case, punctuation, line breaks, digits ("1 2 3", "1. one"), a tagged thought and some chatter before it are no
    mistakes: what is asked is whether the model answers, not whether it obeys to the letter.
    """
    beginning = _THOUGHT.sub(" ", answer).lstrip()[:_READ_LENGTH].lower()
    words = [_DIGITS.get(word, word) for word in _WORD.findall(beginning)]
    distinct = [word for word, before in zip(words, ["", *words], strict=False) if word != before]
    if len(distinct) <= len(_BEGINNING) and " ".join(_BEGINNING).startswith(" ".join(distinct)):
        return True if tuple(distinct) == _BEGINNING else None
    starts = range(min(len(distinct), _CHATTER_WORDS) - 2)
    return any(tuple(distinct[start : start + 3]) == _BEGINNING for start in starts)


def mentions_count(answer: str) -> bool:
    """Whether the text speaks of the task at all: models that think aloud do, long before they begin to count."""
    words = _WORD.findall(answer[:_READ_LENGTH].lower())
    return any(word.startswith(_TASK_WORDS) for word in words)
