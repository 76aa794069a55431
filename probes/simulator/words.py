"""The words the simulated models say, one word a token."""

import itertools
from collections.abc import Iterator

from probes.simulator.scenario import Text

# fmt: off
_UNITS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
# fmt: on
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

LONG_WORD_CHARACTERS = 100_000

_HTML = (
    "<script>alert('simulated')</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea></style><svg/onload=alert(2)>",
    "{{7*7}}${7*7}",
    "javascript:alert(3)",
    "<a href='javascript:alert(4)'>x</a>",
    '=HYPERLINK("http://example.invalid","x")',
    "\u202egnp.exe\u202c",
)
_ANSI = (
    "\x1b[2J\x1b[31mred",
    "\x1b]8;;http://example.invalid\x07link\x1b]8;;\x07",
    "\x1b[1A\x1b[2K",
    "\r\n\x07\x08",
)
_NUL = ("\x00", "a\x00b", "\x00\x00")
_SURROGATE = ("\ud800", "x\udbffy")
_WRONG = ("banana", "purple", "the", "weather", "is", "fine", "today", "and")


def number_words(number: int) -> list[str]:
    """The number in English, up to 999,999: 21 is one word (`twenty-one`), 100 two (`one hundred`)."""
    if number < 20:
        return [_UNITS[number - 1]]
    if number < 100:
        tens, unit = divmod(number, 10)
        return [_TENS[tens - 2] + (f"-{_UNITS[unit - 1]}" if unit else "")]
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    count, rest = divmod(number, size)
    return [*number_words(count), name, *(number_words(rest) if rest else [])]


def _counting() -> Iterator[str]:
    return itertools.chain.from_iterable(number_words(number) for number in range(1, 1_000_000))


def _words(text: Text) -> Iterator[str]:
    long_word = ("w" * LONG_WORD_CHARACTERS,)
    fixed: dict[Text, tuple[str, ...]] = {
        Text.WRONG: _WRONG,
        Text.HTML: _HTML,
        Text.ANSI: _ANSI,
        Text.NUL: _NUL,
        Text.SURROGATE: _SURROGATE,
        Text.LONG_WORD: long_word,
        Text.HOSTILE: (*_HTML, *_ANSI, *_NUL, *_SURROGATE, *long_word),
    }
    return _counting() if text is Text.COUNT else itertools.cycle(fixed[text])


def tokens(text: Text, separator: str) -> Iterator[str]:
    """Endless tokens; each but the first carries the separator in front, as tokenizers do."""
    for index, word in enumerate(_words(text)):
        yield word if index == 0 else separator + word
