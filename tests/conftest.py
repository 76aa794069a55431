"""What every test run needs: it ends by naming what could not be tested on this machine."""

from tests.peers.absence import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]
