"""Whether a client can be probed at all: its key, and the placeholders that examples leave behind."""

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_KEY_BYTES: Final = 8192

_PLACEHOLDER: Final = re.compile(
    r"""(?ix)
    (sk-|sk-ant-|sk-proj-|sk-or-|gsk_|xai-|hf_|aiza)? (\.{2,}|…+|x{3,}|\*{3,}|•{3,}|-{3,}|_{3,})  # "sk-...", "xxxx"
    | (sk-|sk-ant-|sk-proj-|sk-or-|gsk_|xai-|hf_|aiza)                                             # a bare prefix
    | .*(\.{3}|…|\*{4,}|•{3,}) .*                                                                  # "sk-abc...xyz"
    | <.*> | \{.*\} | \[.*\] | %\w+% | \$\w+                                                       # "<key>", "$NAME"
    | (sk-)? (insert|enter|put|paste|replace)[-_ ] .* (api|key|token|secret|here|me|this) \b .*
    | (sk-)? your .*
    | (sk-)? (example|sample|placeholder|change[-_ ]?me|replace[-_ ]?me|fill[-_ ]?me|todo|tbd|fixme|redacted)
      ([-_ ]?(api|key|token|value|here))*
    | (api|access)?[-_ ]?(key|token|secret) | none | null | nil | undefined | empty | n/a
    """
)
# What manuals of keyless servers tell to write: no placeholder there, and never a secret.
_NO_KEY_WORDS: Final = frozenset({"none", "empty", "null", "nil", "n/a"})
_NO_SECRETS: Final = frozenset(
    {
        "ollama",
        "vllm",
        "lmstudio",
        "lm-studio",
        "litellm",
        "not-needed",
        "not-required",
        "no-key",
        "no-key-needed",
    }
)
_LONGEST_PLACEHOLDER: Final = 100  # also bounds the time that the pattern can take
_ADDRESS_PLACEHOLDER: Final = re.compile(r"\.\.|…|[<>{}]|\byour[-_]", re.IGNORECASE)
_SENSITIVE_HEADER: Final = re.compile(r"auth|key|token|secret|cookie|passw|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Key:
    """A usable key, or why there is none; both None where none is needed."""

    value: str | None = None
    reason: str | None = None


def judge_key(text: str | None, *, is_needed: bool, what: str = "api_key") -> Key:
    """What was written for a key: stripped and usable, or the reason why it is not."""
    value = (text or "").strip()
    if not value:
        reason = f"{what} is missing" if text is None else f"{what} is empty"
        return Key(reason=reason if is_needed else None)
    if not is_needed and value.casefold() in _NO_KEY_WORDS:
        return Key(value)
    if _is_placeholder(value):
        return Key(reason=f"{what} is a placeholder")
    if not (value.isascii() and value.isprintable() and " " not in value):
        return Key(reason=f"{what} has characters that no key has")
    return Key(value)


def is_secret(text: str) -> bool:
    """Whether a key's text must be masked everywhere; "example" or "ollama" would only mask ordinary words."""
    value = text.strip()
    return bool(value) and value.casefold() not in _NO_SECRETS and not _is_placeholder(value)


def _is_placeholder(value: str) -> bool:
    return len(value) <= _LONGEST_PLACEHOLDER and _PLACEHOLDER.fullmatch(value) is not None


def key_from_file(path: Path, *, written: str, is_needed: bool) -> Key:
    """The key that a file holds; `written` is how the configuration names it."""
    what = f"api_key_file {written}"
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return Key(reason=f"{what} is not a file")
        with path.open("rb") as file:
            content = file.read(MAX_KEY_BYTES + 1)
        if len(content) > MAX_KEY_BYTES:
            return Key(reason=f"{what} is longer than {MAX_KEY_BYTES} bytes")
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        return Key(reason=f"{what} does not exist")
    except PermissionError:
        return Key(reason=f"{what} may not be read")
    except (OSError, ValueError):  # ValueError: not UTF-8, or a NUL in the name
        return Key(reason=f"{what} cannot be read")
    return judge_key(text, is_needed=is_needed, what=what)


def is_placeholder_address(url: str) -> bool:
    return _ADDRESS_PLACEHOLDER.search(url) is not None


def is_sensitive_header(name: str) -> bool:
    return _SENSITIVE_HEADER.search(name) is not None


def carries_key(headers: Mapping[str, str]) -> bool:
    """Whether a header of the operator's already authenticates."""
    return any(name.lower() in ("authorization", "x-api-key", "api-key") for name in headers)
