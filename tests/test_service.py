"""`python app.py` as the operator runs it: real processes, real signals, real sockets."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.service_process import ROOT, running
from tests.waiting import wait_until


def test_one_command_brings_up_a_live_board_and_ctrl_c_ends_all_of_it(tmp_path: Path) -> None:
    with running(tmp_path, "--config", "config/demo.yaml") as service:
        assert "<html" in service.get("/")
        wait_until("a probe on the board", lambda: service.json("/api/v1/results?limit=1")["results"])
        children = service.children()
        assert len(children) == 2, children
        service.process.send_signal(signal.SIGINT)
        service.process.wait(timeout=10)
    assert service.process.returncode == 0
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert "Traceback" not in service.output


def test_a_killed_agent_is_restarted_and_the_board_stays_up(tmp_path: Path) -> None:
    with running(tmp_path, "--config", "config/demo.yaml") as service:
        first = wait_until("the agent", service.agent_pid)
        os.kill(first, signal.SIGKILL)
        assert "<html" in service.get("/")
        second = wait_until("a new agent", lambda: (pid := service.agent_pid()) != first and pid)
        assert second != first


def test_a_broken_file_stops_the_start_with_every_fault_and_its_line(tmp_path: Path) -> None:
    config = tmp_path / "local.yaml"
    config.write_text("apis:\n  openai:\n    main:\n      api_kye: x\n      models: [a]\nintervall: 3\n")
    with running(tmp_path, "--config", str(config)) as service:
        assert service.process.wait(timeout=20) == 2
    assert re.search(r"local\.yaml:4:\d+.*api_kye", service.output)
    assert re.search(r"local\.yaml:6:\d+.*intervall", service.output)
    assert "Traceback" not in service.output


def test_a_taken_port_is_a_sentence_not_a_traceback(tmp_path: Path) -> None:
    with running(tmp_path, "--config", "config/demo.yaml") as service:
        port = service.url.rsplit(":", 1)[1]
        ran = subprocess.run(
            [sys.executable, "app.py", "web", "--port", port, "--data", str(tmp_path / "other")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ran.returncode == 3
    assert port in ran.stderr
    assert "Traceback" not in ran.stderr
