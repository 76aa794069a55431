import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from probes.supervisor import Child, Supervisor
from tests.waiting import wait_until

PATIENT = "import sys; print('ready', flush=True); sys.stdin.read()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + PATIENT


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").read_text().split(")")[1].startswith(" Z")


def test_a_killed_child_is_restarted() -> None:
    child = Child("patient", python(PATIENT), os.environ)
    with Supervisor() as supervisor:
        supervisor.start(child)
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        second = wait_until("a new process", lambda: child.pid != first and child.pid)
        assert is_running(second)
    assert not is_running(second)


def test_a_stubborn_child_is_killed_in_time() -> None:
    child = Child("stubborn", python(STUBBORN), os.environ)
    with Supervisor(stop_seconds=0.3) as supervisor:
        assert supervisor.start_and_read_line(child) == "ready"
        pid = child.pid
        assert pid is not None
        assert is_running(pid)
    assert not is_running(pid)


def test_a_child_that_never_gets_ready_is_an_error() -> None:
    child = Child("broken", python("raise SystemExit(7)"), os.environ)
    with pytest.raises(RuntimeError, match="broken ended with code 7"):
        child.start_and_read_line()
    child.wait_or_kill(time.monotonic())


def test_no_child_outlives_a_killed_parent() -> None:
    parent = (
        "import os, time\n"
        "from probes.supervisor import Child, Supervisor\n"
        f"child = Child('patient', [{sys.executable!r}, '-c', {PATIENT!r}], os.environ)\n"
        "with Supervisor() as supervisor:\n"
        "    supervisor.start(child)\n"
        "    print(child.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(python(parent), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    wait_until("the child to end", lambda: not is_running(pid))
