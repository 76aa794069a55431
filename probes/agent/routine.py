"""What the agent's cycle does again and again, each thing at its own pace."""

import logging
from collections.abc import Callable

from probes.clock import Clock
from probes.store.base import StoreUnavailableError

logger = logging.getLogger(__name__)


class Step:
    """Something the cycle does every so often; a store that is away delays it, and is logged once."""

    def __init__(self, name: str, every_seconds: float, action: Callable[[], None]) -> None:
        self._name = name
        self._every_ns = round(every_seconds * 1e9)
        self._action = action
        self._next_ns = 0
        self._is_failing = False

    def run_if_due(self, clock: Clock) -> None:
        if clock.monotonic_ns() < self._next_ns:
            return
        self._next_ns = clock.monotonic_ns() + self._every_ns
        try:
            self._action()
        except StoreUnavailableError as error:
            if not self._is_failing:
                logger.error("%s waits, the store is away: %s", self._name, error)
            self._is_failing = True
        except Exception:
            logger.exception("%s failed; it is tried again", self._name)
        else:
            if self._is_failing:
                logger.info("%s works again", self._name)
            self._is_failing = False
