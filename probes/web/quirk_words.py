"""The reasons of the table of quirks in the reader's language; settings say them in English."""

from collections.abc import Mapping
from typing import Final

from probes.web.i18n import Lazy, lazy

_REASONS: Final = (
    lazy("newer models answer 400 to it, and the SDK has dropped it"),
    lazy("max_tokens is deprecated, and reasoning models refuse it; every model takes the new name"),
    lazy("models from K2.5 on accept one fixed value, which depends on the thinking mode"),
    lazy("answers 422 to stream_options, and sends usage anyway"),
    lazy("the API refuses less; settings accept no less for any protocol"),
    lazy("OpenAI o1-mini and o1-preview reason first, and know no reasoning_effort"),
    lazy("OpenAI's pro models reason first, at one effort only"),
    lazy("OpenAI's reasoning models refuse temperature and max_tokens, and reason inside the limit"),
    lazy("Kimi models from K2.5 on think first and accept one fixed temperature"),
    lazy("Gemini 2.5 Flash thinks first unless its budget is 0"),
    lazy("Gemini 2.5 Pro thinks first; 128 tokens are its smallest budget"),
    lazy("Gemini models from 3 on always think; low is the lowest level that all of them accept"),
    lazy("gpt-oss always reasons, inside the limit"),
    lazy("thinks first unless told otherwise, inside the limit"),
    lazy("named as a reasoning model: reasons inside the limit"),
)
QUIRK_REASONS: Final[Mapping[str, Lazy]] = {reason.source: reason for reason in _REASONS}
