"""The time windows that statistics are shown over. Windows are whole rollup buckets, so their exact start is known."""

from datetime import datetime
from enum import StrEnum

from probes.domain.rollup import Period


class Window(StrEnum):
    """A span up to now; the newest bucket is the running hour or UTC day."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"

    @property
    def period(self) -> Period:
        return Period.HOUR if self in (Window.HOUR, Window.DAY) else Period.DAY

    @property
    def buckets(self) -> int:
        """How many buckets it spans, the running one included."""
        match self:
            case Window.HOUR:
                return 2  # the running hour alone would be empty at its start
            case Window.DAY:
                return 24
            case Window.WEEK:
                return 7
            case Window.MONTH:
                return 30
            case Window.QUARTER:
                return 90

    def start(self, now: datetime) -> datetime:
        """Start of its oldest bucket."""
        return self.period.start_of(now) - (self.buckets - 1) * self.period.length
