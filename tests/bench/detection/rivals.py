"""Rules of other monitors, as a table: whatever is not ok is a failure, one good answer ends an alarm."""

import random
from collections import deque
from dataclasses import dataclass

from probes.domain.outcome import Outcome
from tests.bench.detection.truth import Alarm, Meets


@dataclass(frozen=True, slots=True)
class Rival:
    """Alarm after `streak` failures in a row, `retries` seconds after the first one; or by shares of a window."""

    name: str
    streak: int | None = None
    retries: tuple[float, ...] = ()
    shares: tuple[
        tuple[float, float], ...
    ] = ()  # (window in seconds, share of failures above which it alarms)


RIVALS = (
    Rival("3 in a row (gatus)", streak=3),
    Rival("> 50 % in 5 min, > 5 % in 10 min (llmstatus)", shares=((300.0, 0.5), (600.0, 0.05))),
    Rival("3 in a row, retried after 20 s (uptime kuma, upptime)", streak=3, retries=(20.0, 20.0)),
)


class Watching:
    """One rule on one target."""

    def __init__(self, rule: Rival, meets: Meets, draw: random.Random) -> None:
        self._rule = rule
        self._meets = meets
        self._draw = draw
        self._streak = 0
        self._seen: deque[tuple[float, bool]] = deque()
        self._is_alarmed = False
        self.alarms: list[Alarm] = []

    def probe(self, at: float, arrives: float | None) -> None:
        if arrives is None:
            return
        self._take(at, arrives)
        for delay in self._rule.retries:
            if not self._streak or self._is_alarmed:
                return
            at += 1.0 + delay
            arrives = max(arrives, at + 1.0)
            self._take(at, arrives)

    def _take(self, at: float, arrives: float) -> None:
        is_failure = self._meets(at, self._draw) is not Outcome.OK
        self._streak = self._streak + 1 if is_failure else 0
        self._seen.append((at, is_failure))
        while self._seen[0][0] <= at - 600.0:
            self._seen.popleft()
        is_alarmed = self._is_over(at)
        if is_alarmed and not self._is_alarmed:
            self.alarms.append(Alarm(arrives))
        elif self._is_alarmed and not is_alarmed:
            self.alarms[-1].end = arrives
        self._is_alarmed = is_alarmed

    def _is_over(self, now: float) -> bool:
        if self._rule.streak is not None:
            return self._streak >= self._rule.streak
        return any(self._share(now - window) > share for window, share in self._rule.shares)

    def _share(self, since: float) -> float:
        told = [is_failure for at, is_failure in self._seen if at > since]
        return sum(told) / len(told)
