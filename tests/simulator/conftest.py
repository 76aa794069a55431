"""One simulator for the tests of this directory that need no special one."""

from collections.abc import Iterator

import pytest

from probes.simulator import RunningSimulator, serve_in_thread


@pytest.fixture(scope="package")
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running
