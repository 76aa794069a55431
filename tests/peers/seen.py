"""One run of the whole service against the servers of others, and what it left behind for the tests to compare."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from probes.store.sqlite import open_sqlite
from tests.peers.peer_logs import (
    Inference,
    JournalEntry,
    LogMark,
    aimock_journal,
    answered_by_litellm,
    inferred_by_llamacpp,
)
from tests.peers.probed_targets import KEY, TARGETS, Peers, configuration
from tests.peers.rounds import Told, edit, ran, run_rounds, told
from tests.service_process import running


@dataclass(frozen=True, slots=True)
class Seen:
    """After the rounds: what we tell, and what the servers tell of the same requests."""

    ours: Told
    last_refresh: dict[str, Any]
    aimock: list[JournalEntry]
    litellm: Counter[tuple[str, int]]
    llamacpp: Inference
    output: str
    files: bytes
    secrets: tuple[str, ...]


def probe_and_ask(peers: Peers, logs: Path, directory: Path) -> Seen:
    """Starts `python app.py` with a file of its own in the directory; the servers' logs are in `logs`."""
    config, data = directory / "local.yaml", directory / "data"
    edit(config, configuration(peers, "10s"))
    requests_before = len(aimock_journal(peers.aimock))
    relay, inference = LogMark.end_of(logs / "litellm.log"), LogMark.end_of(logs / "llamacpp.log")
    with running(directory, "--config", str(config)) as service:
        assert service.url
        store = open_sqlite(data / "firsttoken.sqlite3")
        last_refresh = run_rounds(
            service, store, len(TARGETS), lambda: edit(config, configuration(peers, "7d"))
        )
        ours = told(service, store)
        store.close()
    inferred = sum(record.provider == "llamacpp" and ran(record) for record in ours.records)
    return Seen(
        ours=ours,
        last_refresh=last_refresh,
        aimock=aimock_journal(peers.aimock)[requests_before:],
        litellm=answered_by_litellm(relay),
        llamacpp=inferred_by_llamacpp(inference, inferred),
        output=service.output,
        files=b"".join(path.read_bytes() for path in data.iterdir()),
        secrets=(KEY, peers.litellm.api_key),
    )


EVERY_TARGET = pytest.mark.parametrize(
    ("target", "model"), [pytest.param(target, model, id=target) for target, (_, model) in TARGETS.items()]
)
