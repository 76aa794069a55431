"""What a badge says: one figure or the state of one target, of one provider's, or of all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from probes.domain.plan import PlannedTarget
from probes.domain.rollup import Tally
from probes.domain.state import State
from probes.domain.target import Readiness
from probes.stats.availability import availability
from probes.stats.histogram import quantile
from probes.stats.tally import merge
from probes.web.display import count, percent, seconds, tokens_per_second
from probes.web.i18n import Lazy, _, lazy
from probes.web.queries.stats import WORST_FIRST
from probes.web.snapshot import Snapshot
from probes.web.text import plain
from probes.web.windows import Window
from probes.web.words import word

ALL: Final = "all"
NAME_LENGTH: Final = 60


class BadgeKind(StrEnum):
    STATUS = "status"
    AVAILABILITY = "availability"
    TTFT = "ttft"
    THROUGHPUT = "throughput"


class Tone(StrEnum):
    """How a badge looks: a state's shape and colour, or none for a mere figure."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    ATTENTION = "attention"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    FIGURE = "figure"


KIND_WORDS: Final[Mapping[BadgeKind, Lazy]] = {
    BadgeKind.STATUS: lazy("status"),
    BadgeKind.AVAILABILITY: lazy("availability"),
    BadgeKind.TTFT: lazy("TTFT p50"),
    BadgeKind.THROUGHPUT: lazy("tokens/s"),
}


@dataclass(frozen=True, slots=True)
class Badge:
    """`message` is never empty; `n` is what the figure counts, None for a state."""

    label: str
    message: str
    tone: Tone
    n: int | None = None

    @property
    def title(self) -> str:
        said = f"{self.label}: {self.message}"
        return said if self.n is None else f"{said} (n {count(self.n)})"


def subject_names(snapshot: Snapshot) -> list[str]:
    """Everything that a badge can be about."""
    providers = sorted({target.provider for target in snapshot.targets})
    return [ALL, *providers, *(target.id for target in snapshot.targets)]


def badge(snapshot: Snapshot, kind: BadgeKind, subject: str, window: Window, everything: str) -> Badge | None:
    """None for a subject that is not configured; `everything` names what ALL stands for. Needs a request."""
    targets = _targets_of(snapshot, subject)
    if not targets and subject != ALL:
        return None
    name = plain(_name(subject, targets, everything), NAME_LENGTH)
    if kind is BadgeKind.STATUS:
        return _status_badge(
            name, [snapshot.verdict(target).state for target in targets if _is_probed(target)]
        )
    label = _("%(name)s %(kind)s, %(window)s", name=name, kind=KIND_WORDS[kind], window=window.value)
    return _figure_badge(label, kind, merge(snapshot.tally(target.id, window) for target in targets))


def unknown_badge(label: str) -> Badge:
    return Badge(plain(label, NAME_LENGTH), _("unknown"), Tone.UNKNOWN)


def _targets_of(snapshot: Snapshot, subject: str) -> tuple[PlannedTarget, ...]:
    if subject == ALL:
        return snapshot.targets
    return tuple(target for target in snapshot.targets if subject in (target.provider, target.id))


def _name(subject: str, targets: Sequence[PlannedTarget], everything: str) -> str:
    if subject == ALL:
        return everything
    return targets[0].name if subject == targets[0].id else subject


def _is_probed(target: PlannedTarget) -> bool:
    return target.readiness is Readiness.READY


def _status_badge(name: str, states: Collection[State]) -> Badge:
    """The worst of the states that are watched, with how many share it; unknown outranks operational."""
    worst = min(states, key=WORST_FIRST.index, default=State.UNKNOWN)
    said = word(worst)
    label = str(said.label).lower()
    if len(states) > 1 and worst is not State.OPERATIONAL:
        affected = sum(state is worst for state in states)
        label = _("%(n)s of %(of)s %(state)s", n=affected, of=len(states), state=label)
    tone = Tone(said.tone) if said.tone in list(Tone) else Tone.UNKNOWN  # a pause that has just ended, say
    return Badge(name, label, tone)


def _figure_badge(label: str, kind: BadgeKind, tally: Tally) -> Badge:
    match kind:
        case BadgeKind.AVAILABILITY:
            up = availability(tally)
            value, message, n = up.value, percent(up.value), up.n
        case BadgeKind.TTFT:
            value = quantile(tally.ttft, 0.5)
            message, n = seconds(value), sum(tally.ttft.values())
        case _:
            value = quantile(tally.throughput, 0.5)
            message, n = tokens_per_second(value), sum(tally.throughput.values())
    return (
        Badge(label, message, Tone.FIGURE, n)
        if value is not None
        else Badge(label, _("unknown"), Tone.UNKNOWN, 0)
    )
