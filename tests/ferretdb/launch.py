"""The MongoDB server of the tests: the one that MONGODB_TEST_URI names, else FerretDB (see ./build)."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.absence import missing
from tests.peers.installed import place
from tests.peers.launch import Launch, running

HERE = Path(__file__).resolve().parent


@contextmanager
def mongodb_server(directory: Path) -> Iterator[str]:
    """Yields a MongoDB URI; FerretDB keeps its files and its log in the directory."""
    if uri := os.environ.get("MONGODB_TEST_URI"):
        yield uri
        return
    program = place("ferretdb", [HERE / name for name in ("go.mod", "go.sum", "main.go")])
    if not program.exists():
        missing("FerretDB, a MongoDB wire server", "Run tests/ferretdb/build, or set MONGODB_TEST_URI.")
    launch = Launch(
        [program, "-state", directory / "state"],
        announces=re.compile(r"^(mongodb://\S+)$"),
        patience_seconds=10.0,
    )
    with running(launch, directory / "ferretdb.log") as uri:
        yield uri
