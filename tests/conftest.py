"""What every test run needs: it ends by naming what could not be tested on this machine."""

import hypothesis

from tests.peers.absence import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]

# No test fails on a clock; the same examples every time, so that a red run can be repeated.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("house")
