"""What a test does when the server, browser or program that it talks to is not on this machine.

With CI=true that is a failure. Elsewhere it is a skip which the end of the run names once more, with the cure.
"""

import os
from typing import NoReturn

import pytest

MARK = "NOT TESTED: "
_is_told = pytest.StashKey[bool]()


def missing(name: str, cure: str) -> NoReturn:
    """Fails the test in CI, skips it elsewhere; the cure is a command or a sentence."""
    reason = f"{MARK}{name} is not on this machine. {cure}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names each thing that was missing, and how many tests that cost."""
    if terminalreporter.config.stash.get(_is_told, False):
        return  # more than one conftest imports this hook
    terminalreporter.config.stash[_is_told] = True
    counts: dict[str, int] = {}
    for report in terminalreporter.getreports("skipped"):
        if isinstance(report.longrepr, tuple) and MARK in report.longrepr[2]:
            reason = report.longrepr[2].partition(MARK)[2]
            counts[reason] = counts.get(reason, 0) + 1
    for reason, tests in sorted(counts.items()):
        plural = "s" if tests > 1 else ""
        terminalreporter.write_line(f"{MARK}{tests} test{plural}: {reason}", yellow=True, bold=True)
