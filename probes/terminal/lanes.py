"""One target as a view knows it: what runs, what was found, what comes next. Belongs to the viewer's thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from probes.domain.result import ProbeResult
from probes.domain.target import Target
from probes.prober.exchange import Attempt
from probes.prober.stamps import NANOSECONDS
from probes.terminal.figures import Figures
from probes.terminal.measuring import Began, Ended, Event, Waiting


@dataclass(slots=True)
class Lane:
    """`attempt` is the newest one, running or over; `waits_until_ns` None: nothing is due."""

    target: Target
    figures: Figures = field(default_factory=Figures)
    attempt: Attempt | None = None
    is_running: bool = False
    result: ProbeResult | None = None
    waits_until_ns: int | None = None

    def take(self, event: Event) -> None:
        match event:
            case Began(attempt=attempt):
                self.attempt, self.is_running, self.waits_until_ns = attempt, True, None
            case Ended(result=result):
                self.result, self.is_running = result, False
                self.figures.add(result)
            case Waiting(until_ns=until_ns):
                self.waits_until_ns = until_ns
            case None:
                pass

    def left_seconds(self, now_ns: int) -> float | None:
        """Until its next probe; None where none is due."""
        return None if self.waits_until_ns is None else max(0, self.waits_until_ns - now_ns) / NANOSECONDS


def lanes_of(targets: Sequence[Target]) -> dict[str, Lane]:
    return {target.id: Lane(target) for target in targets}


def lanes_concerned(lanes: Mapping[str, Lane], event: Event) -> list[Lane]:
    """Whose event it is; a wait may be everybody's."""
    match event:
        case Began(target_id=target_id):
            return [lanes[target_id]]
        case Ended(result=result):
            return [lanes[result.target]]
        case Waiting(target_id=str(target_id)):
            return [lanes[target_id]]
        case Waiting():
            return list(lanes.values())
        case None:
            return []
