"""Logging set-up and the redaction of secrets in every text that leaves a process.

A secret must never reach a log, a record, a page or an export; both roles use the same Redactor.
"""

import logging
import re
import sys
from collections.abc import Iterable
from typing import Final

MASK: Final = "[redacted]"
MIN_SECRET_LENGTH: Final = 6  # shorter "secrets" would mask ordinary words

# Keys that reach us inside upstream error messages were never configured here, so their shapes are masked too.
_KEY_SHAPES: Final = re.compile(
    r"""(?ix)
    \b(?:sk|pk|rk|gsk|xai|key|hf|r8|fw|pplx|tgp|nvapi)[-_][a-z0-9_\-*]{8,}
    | \bAIza[0-9a-z_\-]{20,}
    | \bAKIA[0-9A-Z]{12,}
    | (?<=bearer\s)[^\s"',;]{6,}
    | (?<=authorization:\s)(?!bearer\b)[^\s"',;]+
    | (?<=api[-_]key[=:])\s*[^\s"',;&]{6,}
    | (?<=://)[^\s/@:]+:[^\s/@]+(?=@)
    | \beyJ[a-z0-9_\-]{10,}\.[a-z0-9_\-]{10,}\.[a-z0-9_\-]*
    """
)


class Redactor:
    """Masks known secrets and everything that looks like a key."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Add secrets, e.g. after a reload; nothing is ever forgotten, old keys stay secret."""
        self._secrets.update(secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH)

    @property
    def secrets(self) -> frozenset[str]:
        """What was learnt, for a process that is to redact the same."""
        return frozenset(self._secrets)

    def __call__(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return _KEY_SHAPES.sub(MASK, text)


class RedactingFormatter(logging.Formatter):
    """Redacts the finished line, so that arguments and tracebacks are covered too."""

    def __init__(self, redact: Redactor, role: str = "") -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {role} %(name)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def set_up_logging(redact: Redactor, role: str, level: int = logging.INFO) -> None:
    """Send everything to stderr through the redactor; third-party chatter only from WARNING on.

    `role` stands in each line, because several processes share one terminal.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(redact, role))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("apscheduler", "httpx2", "httpcore2", "openai", "anthropic", "waitress", "pymongo"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
