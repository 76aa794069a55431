"""`app.py` run as its users run it: with pipes, or in a terminal of its own whose screen can be read."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "app.py", "probe"]
HOME = b"\x1b[H"  # each frame begins here
OTHER_PAGE, FIRST_PAGE = b"\x1b[?1049h", b"\x1b[?1049l"
_PATIENCE_SECONDS = 60.0
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
_COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:3[0-9]|9[0-7]|38;[0-9;]*)m")


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    ours = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    return {**ours, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **(changes or {})}


def probe(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """With its output in pipes."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class Terminal:
    """The terminal that a command was started in."""

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes]", rows: int) -> None:
        self._descriptor = descriptor
        self._rows = rows
        self._seen_to = 0
        self.process = process
        self.output = b""

    def wait_for(self, *texts: str) -> str:
        """Read until a frame shows all of it; gives that frame."""
        return self.wait_for_frame(
            f"a frame with {texts}", lambda frame: all(text in frame for text in texts)
        )

    def wait_for_frame(self, what: str, condition: Callable[[str], bool]) -> str:
        """Read until a whole frame is as wanted; gives it without control sequences."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            for frame in self._whole_frames():
                if condition(frame):
                    return frame
            assert time.monotonic() < deadline, f"never came: {what}; the output:\n{self.plain[-4000:]}"
            assert self._read(0.1), f"ended without {what}:\n{self.plain[-4000:]}"

    def forget_frames(self) -> None:
        """Look at what is drawn from now on."""
        self._seen_to = len(self.output)

    def _whole_frames(self) -> list[str]:
        """The frames that another one followed; the last one too when its last row has come."""
        _, *frames = self.output[self._seen_to :].split(HOME)
        if frames and frames[-1].count(b"\n") < self._rows - 1:
            frames.pop()
        return [_CONTROL.sub(b"", frame).decode("utf-8", "replace").replace("\r", "") for frame in frames]

    def _read(self, timeout_seconds: float) -> bool:
        """False at the end."""
        if select.select([self._descriptor], [], [], timeout_seconds)[0]:
            try:
                self.output += os.read(self._descriptor, 65536)
            except OSError:  # Linux: nobody has the other side any more
                return False
        return True

    def type(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def resize(self, columns: int, rows: int) -> None:
        self._rows = rows
        set_size(self._descriptor, columns, rows)

    def finish(self) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._read(0.1) and self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on and on:\n{self.plain[-4000:]}"
        while select.select([self._descriptor], [], [], 0)[0] and self._read(0):
            pass
        return self.process.wait(20)

    def modes(self) -> list[object]:
        return list(termios.tcgetattr(self._descriptor))

    @property
    def plain(self) -> str:
        """All that was written, without control sequences."""
        return _CONTROL.sub(b"", self.output).decode("utf-8", "replace")

    @property
    def has_colour(self) -> bool:
        return _COLOUR.search(self.output) is not None

    @property
    def after_view(self) -> str:
        """What stands on the terminal's own page once the view has gone."""
        return _CONTROL.sub(b"", self.output.rpartition(FIRST_PAGE)[2]).decode()


def set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@contextmanager
def terminal(
    *arguments: str, size: tuple[int, int] = (120, 40), environ: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """`app.py probe` in a terminal whose Ctrl-C is typed, not sent."""
    ours, its = pty.openpty()
    set_size(its, *size)
    process = subprocess.Popen(
        [sys.executable, "-c", _WITH_TERMINAL, *COMMAND[1:], *arguments],
        cwd=ROOT,
        env=environment(environ),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        yield Terminal(ours, process, size[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)


# The session's leader takes the terminal, so that a typed Ctrl-C becomes a signal.
_WITH_TERMINAL = (
    "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "from probes.cli import main; sys.argv = sys.argv[1:]; sys.exit(main(sys.argv[1:]))"
)
