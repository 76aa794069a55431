"""How many server threads long answers may hold, so that short ones always find a free thread."""

import threading
from dataclasses import dataclass
from typing import Final, cast

from flask import Flask, current_app

EXTENSION: Final = "firsttoken.slots"


class Slots:
    """A counting gate that never waits. Thread-safe."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        return self._taken

    def take(self) -> bool:
        """False when all are taken; else the taker owes one release()."""
        with self._lock:
            if self._taken >= self.size:
                return False
            self._taken += 1
            return True

    def release(self) -> None:
        with self._lock:
            self._taken -= 1


@dataclass(frozen=True, slots=True)
class ThreadShares:
    """What is left of the threads after both shares answers pages: at least a quarter of them."""

    live: Slots
    exports: Slots

    @classmethod
    def of(cls, threads: int) -> "ThreadShares":
        return cls(live=Slots(max(1, threads // 2)), exports=Slots(max(1, threads // 4)))


def share_threads(app: Flask, threads: int) -> None:
    """Set the shares by the number of threads; called with the settings' and again with the server's."""
    app.extensions[EXTENSION] = ThreadShares.of(threads)


def thread_shares() -> ThreadShares:
    return cast(ThreadShares, current_app.extensions[EXTENSION])
