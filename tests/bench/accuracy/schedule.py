"""What every answer looks like, and when the streams of a run begin. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Of every answer: `tokens` in all."""

    first_ms: int = 200
    gap_ms: int = 20
    tokens: int = 51

    @property
    def model(self) -> str:
        """The truth server reads its schedule from the model's name."""
        return f"t{self.first_ms}-g{self.gap_ms}-n{self.tokens}"

    def due_seconds(self, number: int) -> float:
        return (self.first_ms + number * self.gap_ms) / 1000

    @property
    def seconds(self) -> float:
        """Of one whole answer."""
        return self.due_seconds(self.tokens - 1) + 0.001


@dataclass(frozen=True, slots=True)
class Pace:
    """Steady: always `streams` in flight. Burst: as many at once, when all have ended the next ones."""

    streams: int
    rounds: int
    is_burst: bool = False

    @property
    def total(self) -> int:
        return self.streams * self.rounds

    def delays(self, schedule: Schedule) -> list[float]:
        """Seconds to each first start of a steady run: spread, so that the ends are spread too."""
        return [index * schedule.seconds / self.streams for index in range(self.streams)]
