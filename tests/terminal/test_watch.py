"""`probe --watch` without a terminal: lines, records, summary, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from probes.domain.result import RESULT_FIELDS
from tests.terminal.commands import COMMAND, ROOT, environment, probe
from tests.terminal.conftest import KEY

QUICK = ("--every", "100ms")


def test_each_probe_is_a_plain_line_and_a_summary_ends_it(config: Path) -> None:
    ran = probe("fast", "--watch", "--count", "3", *QUICK, "--config", str(config))
    assert ran.returncode == 0, ran.stderr
    *lines, header, row = ran.stdout.splitlines()
    assert [line.split()[1:3] for line in lines] == [["acme/main/fast", "ok"]] * 3
    assert "ok=3/3" in lines[-1]
    assert header.split()[:2] == ["target", "ok"]
    assert row.split()[:2] == ["acme/main/fast", "3/3"]
    assert "\x1b" not in ran.stdout + ran.stderr


def test_it_says_what_a_round_costs_and_that_nothing_is_stored(config: Path) -> None:
    ran = probe("fast", "--watch", "--count", "1", *QUICK, "--config", str(config))
    assert "nothing is stored" in ran.stderr
    assert "75 + up to 64 tokens, cost 0.000395" in ran.stderr
    assert "cost 0.000" in ran.stdout, "spent so far"
    assert not list(config.parent.glob("**/*.sqlite3"))


def test_json_is_one_record_a_line_and_nothing_else_on_stdout(config: Path) -> None:
    ran = probe("fast", "early", "--watch", "--count", "2", "--json", *QUICK, "--config", str(config))
    records = [json.loads(line) for line in ran.stdout.splitlines()]
    assert sorted(record["target"] for record in records) == ["acme/main/early"] * 2 + ["acme/main/fast"] * 2
    assert all(set(record) == set(RESULT_FIELDS) for record in records)
    assert {record["trigger"] for record in records} == {"manual"}


def test_records_leave_at_once_and_a_reader_that_has_enough_ends_it_quietly(config: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "fast", "--watch", "--json", *QUICK, "--config", str(config)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["outcome"] == "ok"
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(30) == 0
    assert "Traceback" not in said
    assert "Broken pipe" not in said


def test_one_target_is_never_probed_twice_at_once(config: Path) -> None:
    ran = probe("early", "--watch", "--count", "3", "--every", "0", "--json", "--config", str(config))
    records = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [record["in_flight"] for record in records] == [1, 1, 1]


def test_a_target_that_never_answers_ok_fails_the_command_with_a_cure(config: Path) -> None:
    ran = probe("fast", "error-500", "--watch", "--count", "2", *QUICK, "--config", str(config))
    assert ran.returncode == 1
    assert "2 server_error" in ran.stdout
    assert "its status page may know more" in ran.stdout


def test_no_key_is_shown_even_when_the_provider_echoes_it(config: Path) -> None:
    for form in ((), ("--json",)):
        ran = probe("echoes-key", "--watch", "--count", "1", *form, *QUICK, "--config", str(config))
        assert KEY not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["fsat", "--watch"], "Did you mean acme/main/fast", id="unknown name"),
        pytest.param(["fast", "--compare"], "needs two targets", id="one to compare"),
    ],
)
def test_what_cannot_be_done_is_explained_with_exit_code_two(
    config: Path, arguments: list[str], message: str
) -> None:
    ran = probe(f"--config={config}", *arguments)
    assert ran.returncode == 2
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_several_targets_without_a_view_are_measured_once_each(config: Path) -> None:
    ran = probe("fast", "error-500", "--json", "--config", str(config))
    assert ran.returncode == 1
    assert [json.loads(line)["model"] for line in ran.stdout.splitlines()] == ["fast", "error-500"]


def test_the_drawing_library_is_imported_by_a_live_view_alone(config: Path) -> None:
    code = (
        "import sys; from probes.cli import main; code = main(sys.argv[1:]); "
        "print('rich' in sys.modules, file=sys.stderr); sys.exit(code)"
    )
    for arguments in (
        ["check"],
        ["probe", "fast"],
        ["probe", "fast", "--watch", "--count", "1"],
    ):
        ran = subprocess.run(
            [sys.executable, "-c", code, *arguments, "--config", str(config)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr.splitlines()[-1]) == (0, "False"), arguments


def test_the_roles_do_not_import_the_drawing_library() -> None:
    code = (
        "import sys, app, probes.agent, probes.web.factory, probes.prober.probe; "
        "assert not {'rich', 'probes.terminal'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
