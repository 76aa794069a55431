"""What every request can reach: the dependencies given to the factory and the snapshot of this request."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from flask import current_app, g

from probes.clock import Clock
from probes.log import Redactor
from probes.settings.model import WebSettings
from probes.store.base import Store
from probes.web.memo import Memo

if TYPE_CHECKING:
    from probes.web.snapshot import Snapshot, Snapshots

EXTENSION: Final = "firsttoken"


@dataclass(frozen=True, slots=True)
class WebDependencies:
    """Everything that the web role is built from; `version` is the program's."""

    store: Store
    clock: Clock
    settings: WebSettings
    redact: Redactor
    version: str


@dataclass(frozen=True, slots=True)
class Installed:
    """What the factory leaves in `app.extensions[EXTENSION]`."""

    dependencies: WebDependencies
    snapshots: "Snapshots"
    memo: Memo = field(default_factory=Memo)


def installed() -> Installed:
    return cast(Installed, current_app.extensions[EXTENSION])


def dependencies() -> WebDependencies:
    """The dependencies of the running application; needs an application context."""
    return installed().dependencies


def current_snapshot() -> "Snapshot":
    """The one snapshot that this request is answered from, however often it is asked for. Never raises."""
    if "snapshot" not in g:
        g.snapshot = installed().snapshots.current()
    return cast("Snapshot", g.snapshot)
