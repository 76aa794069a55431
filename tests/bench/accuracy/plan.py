"""Which runs the bench makes: a quick look, or all that the README's table needs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.bench.accuracy.schedule import Pace
from tests.bench.accuracy.tools import TOOLS
from tests.bench.accuracy.ways import ASYNC_SDK, OURS, SYNC_SDK

STREAMS = (1, 20, 100, 300)
ROUNDS = {1: 12, 5: 4, 20: 6, 100: 4, 300: 3}  # of about 1.2 s each
BURST_ROUNDS = 3
CROWDED_ROUNDS = {1: 12, 20: 6, 100: 4, 300: 2}  # beside a web role in full swing two cores need long for 300


class Beside(StrEnum):
    """What else goes on."""

    NOTHING = "alone"
    WEB = "web load"  # the web role serves 200 clients
    THREAD = "busy thread"  # in the measuring process
    CORE = "one core"  # the measuring process may use one core only


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    way: str
    pace: Pace
    is_tls: bool = False
    beside: Beside = Beside.NOTHING

    @property
    def title(self) -> str:
        mode = "burst" if self.pace.is_burst else "steady"
        line = "TLS" if self.is_tls else "plain"
        return f"{self.way}, {self.pace.streams} streams, {mode}, {line}, {self.beside}"


def steady(streams: int) -> Pace:
    return Pace(streams, ROUNDS.get(streams, 3))


def burst(streams: int) -> Pace:
    return Pace(streams, BURST_ROUNDS, is_burst=True)


def quick() -> Iterator[Case]:
    """Two minutes: who is how far off, alone and steady, and our own line beside a neighbour."""
    for streams in STREAMS:
        yield from (Case(way, steady(streams)) for way in (OURS, ASYNC_SDK))
    yield Case(OURS, steady(100), is_tls=True)
    yield Case(OURS, burst(100))
    yield Case(OURS, steady(100), beside=Beside.THREAD)
    yield Case(OURS, steady(300), beside=Beside.CORE)


def full() -> Iterator[Case]:
    """Every row of the README's table, what the bars are about first: a run that is cut short keeps those."""
    ways = (OURS, ASYNC_SDK, SYNC_SDK)
    for is_tls in (False, True):
        yield from (Case(way, steady(streams), is_tls) for streams in STREAMS for way in ways)
    yield from crowded()
    yield from (Case(tool, steady(streams)) for streams in reversed(STREAMS) for tool in TOOLS)
    for is_tls in (False, True):
        yield from (Case(way, burst(streams), is_tls) for streams in (20, 100, 300) for way in ways)
    yield from (Case(tool, steady(100), is_tls=True) for tool in TOOLS)


def crowded() -> Iterator[Case]:
    """Ours beside each neighbour, and the usual way once beside each."""
    for is_tls in (False, True):
        for streams in STREAMS:
            yield Case(OURS, Pace(streams, CROWDED_ROUNDS[streams]), is_tls, Beside.WEB)
        for streams in (20, 100):
            yield Case(OURS, steady(streams), is_tls, Beside.THREAD)
        yield Case(OURS, steady(300), is_tls, Beside.CORE)
    for beside in (Beside.WEB, Beside.THREAD, Beside.CORE):
        yield Case(ASYNC_SDK, steady(300 if beside is Beside.CORE else 100), beside=beside)


def chosen(cases: Iterable[Case], ways: set[str] | None, streams: set[int] | None) -> list[Case]:
    """Those of these ways and numbers of streams; None: of all."""
    return [
        case
        for case in cases
        if (ways is None or case.way in ways) and (streams is None or case.pace.streams in streams)
    ]
