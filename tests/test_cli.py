import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.domain.result import RESULT_FIELDS
from probes.simulator.run import RunningSimulator, serve_in_thread

ROOT = Path(__file__).parent.parent
COMMANDS = ["web", "agent", "check", "alert", "probe", "simulate", "export", "rebuild"]
KEY = "sk-cli-0123456789abcdef"


def app(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "app.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, simulator: RunningSimulator) -> Path:
    path = tmp_path / "local.yaml"
    path.write_text(
        f"apis:\n  acme:\n    main:\n      api_key: {KEY}\n      base_url: {simulator.base_url}/v1\n"
        "      models: [fast, error-500, echoes-key]\n"
        "  openai:\n    main: {api_key: example, models: [gpt-4o-mini]}\n"
    )
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ran = app(command, "--help")
    assert ran.returncode == 0
    assert "--config" in ran.stdout
    assert "--data" in ran.stdout


def test_the_root_help_names_every_command() -> None:
    ran = app("--help")
    assert ran.returncode == 0
    assert all(command in ran.stdout for command in COMMANDS)


def test_probe_prints_the_record_with_its_documented_names(config: Path) -> None:
    ran = app("probe", "fast", "--json", "--config", str(config))
    assert ran.returncode == 0, ran.stderr
    record = json.loads(ran.stdout)
    assert set(record) == set(RESULT_FIELDS)
    assert record["outcome"] == "ok"
    assert record["trigger"] == "manual"
    assert 0 < record["ttft_seconds"] < record["response_seconds"]


def test_probe_of_a_failing_model_fails_and_says_why(config: Path) -> None:
    ran = app("--config", str(config), "probe", "acme/main/error-500")
    assert ran.returncode == 1
    assert "server_error" in ran.stdout


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("gpt-4o-mini", "not_configured"),
        ("fsat", "Did you mean"),
        ("acme", "matches 3 targets"),
    ],
)
def test_a_target_that_cannot_be_probed_is_explained(config: Path, target: str, message: str) -> None:
    ran = app("probe", target, "--config", str(config))
    assert ran.returncode == 2
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


def test_no_command_prints_a_key_even_when_the_provider_echoes_it(config: Path) -> None:
    for arguments in (
        ["check"],
        ["check", "--json"],
        ["probe", "echoes-key"],
        ["probe", "echoes-key", "--json"],
    ):
        ran = app(*arguments, "--config", str(config))
        assert KEY not in ran.stdout + ran.stderr, arguments


def test_check_prints_the_plan_and_its_cost(config: Path) -> None:
    ran = app("check", "--config", str(config))
    assert ran.returncode == 0, ran.stderr
    assert "acme/main/fast" in ran.stdout
    assert "144" in ran.stdout, "probes per day at the default ten minutes"


def test_a_missing_file_is_named_with_a_cure(tmp_path: Path) -> None:
    ran = app("check", "--config", str(tmp_path / "nowhere.yaml"))
    assert ran.returncode == 2
    assert "nowhere.yaml" in ran.stderr
    assert "local.example.yaml" in ran.stderr


def test_export_and_rebuild_work_on_an_empty_store(config: Path, tmp_path: Path) -> None:
    place = ["--config", str(config), "--data", str(tmp_path / "data")]
    assert app("export", *place).stdout == ""
    csv = app("export", "--format", "csv", *place)
    assert csv.stdout.splitlines()[0].split(",")[0] == "id"
    rebuilt = app("rebuild", *place)
    assert rebuilt.returncode == 0
    assert "0 records" in rebuilt.stdout
