"""Where the set-up scripts leave third-party servers: in a cache outside of the checkout, a place for each version."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

PEERS = Path(__file__).resolve().parent


def place(name: str, sources: Sequence[Path]) -> Path:
    """The path which the set-up scripts give to what they make from these source files, there or not."""
    cache = os.environ.get("FIRSTTOKEN_CACHE") or Path.home() / ".cache" / "firsttoken"
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return Path(cache, f"{name}-{digest[:12]}")


def installed(name: str, *locks: str) -> Path | None:
    """The directory of a server that is installed completely, else None; the locks are named from tests/peers."""
    directory = place(name, [PEERS / lock for lock in locks])
    return directory if (directory / ".complete").exists() else None
