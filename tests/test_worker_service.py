"""`python app.py --workers 2` as the operator runs it: real processes, real signals, real sockets."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from probes.simulator.run import RunningSimulator, serve_in_thread
from tests.service_process import ROOT, Service, running
from tests.waiting import wait_until

MODELS = [f"ok?ttft=1.5&tokens=3&id={number}" for number in range(8)]
MARK = "probes.prober.worker"


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as simulator:
        yield simulator


@pytest.fixture
def config(tmp_path: Path, simulator: RunningSimulator) -> Path:
    config = tmp_path / "local.yaml"
    models = "".join(f"        - '{model}'\n" for model in MODELS)
    config.write_text(
        f"apis:\n  acme:\n    main:\n      api_key: sk-acme-0123456789abcdef\n"
        f"      base_url: {simulator.base_url}/v1\n      models:\n{models}"
        "agent: {workers: 3}\nweb: {refresh_cooldown: 1}\n"
    )
    return config


def workers_of(agent_pid: int | None) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(agent_pid)], capture_output=True, text=True, check=False
    ).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if MARK in line]


def two_workers(service: Service) -> list[int]:
    return wait_until(
        "two workers", lambda: (pids := workers_of(service.agent_pid())) and len(pids) == 2 and pids
    )


def is_running(pid: int) -> bool:
    try:
        return not Path(f"/proc/{pid}/stat").read_text().split(")")[1].startswith(" Z")
    except FileNotFoundError:
        return False


def results(service: Service) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = service.json("/api/v1/results?limit=500")["results"]
    return told


def refresh(service: Service) -> str:
    """The path to ask for its state."""
    asked = urllib.request.Request(f"{service.url}/api/v1/refresh", method="POST")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 202
        return str(answer.headers["Location"])


def agent_of(service: Service) -> dict[str, Any]:
    agents: list[dict[str, Any]] = service.json("/api/v1/health")["agents"]
    return next(iter(agents), {})


def test_workers_probe_every_slot_once_and_a_killed_one_loses_none(tmp_path: Path, config: Path) -> None:
    with running(tmp_path, "--config", str(config), "--workers", "2") as service:
        pids = two_workers(service)
        wait_until("all targets", lambda: len(results(service)) == len(MODELS))
        assert Counter(result["outcome"] for result in results(service)) == {"ok": len(MODELS)}
        assert {result["model"] for result in results(service)} == set(MODELS)
        assert agent_of(service)["workers"] == 2

        asked = refresh(service)
        wait_until("its probes' start", lambda: service.json(asked)["total"] == len(MODELS))
        os.kill(pids[0], signal.SIGKILL)
        wait_until("the refresh", lambda: service.json(asked)["state"] == "done")
        forced = [result for result in results(service) if result["trigger"] == "manual"]
        assert sorted(result["model"] for result in forced) == MODELS
        outcomes = Counter(result["outcome"] for result in forced)
        assert outcomes["ok"] + outcomes["internal"] == len(MODELS)
        wait_until("the death on the health page", lambda: agent_of(service)["worker_deaths"] == 1)
        wait_until("a new worker", lambda: agent_of(service)["workers_running"] == 2)
        assert set(two_workers(service)) != set(pids)


def test_ctrl_c_ends_workers_and_probes_in_time(tmp_path: Path, config: Path) -> None:
    with running(tmp_path, "--config", str(config), "--workers", "2") as service:
        pids = two_workers(service)
        assert service.url
        service.process.send_signal(signal.SIGINT)
        service.process.wait(timeout=10)
    assert service.process.returncode == 0
    assert not [pid for pid in pids if is_running(pid)]
    assert "did not stop in time" not in service.output
    assert "Traceback" not in service.output


def test_no_worker_outlives_a_killed_agent_and_the_next_one_has_its_own(tmp_path: Path, config: Path) -> None:
    with running(tmp_path, "--config", str(config), "--workers", "2") as service:
        pids = two_workers(service)
        agent_pid = service.agent_pid()
        assert agent_pid is not None
        os.kill(agent_pid, signal.SIGKILL)
        wait_until("the workers' end", lambda: not [pid for pid in pids if is_running(pid)])
        wait_until("a new agent", lambda: service.agent_pid() not in (None, agent_pid))
        assert not set(two_workers(service)) & set(pids)


def test_the_file_may_ask_for_workers_too(tmp_path: Path, config: Path) -> None:
    with running(tmp_path, "--config", str(config)) as service:
        wait_until("three workers", lambda: len(workers_of(service.agent_pid())) == 3)
        text = config.read_text()
        config.write_text(text.replace("workers: 3", "workers: 4"))
        wait_until("the warning", lambda: "`agent.workers` takes effect at the next start" in service.output)


def test_a_number_of_workers_that_cannot_be_is_a_sentence() -> None:
    ran = subprocess.run(
        [sys.executable, "app.py", "agent", "--workers", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert "0 workers cannot be; use 1 to 64" in ran.stderr
