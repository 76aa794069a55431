"""Waiting on a condition instead of sleeping; a test fails with the condition's name when it never comes true."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(what: str, condition: Callable[[], T], timeout_seconds: float = 20.0) -> T:
    """The condition's first true value; polls every 20 ms."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout_seconds} s: {what}")
