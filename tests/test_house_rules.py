"""The rules of the house, held by the test run: formatting, lint, types, import directions, sizes, layout."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_FUNCTION_LINES = 50
MAX_MODULE_LINES = 400
ALLOWED_TOP_LEVEL = {
    *("app.py", "probes", "templates", "static", "config", "tests", "requirements.txt", "README.md"),
    *("LICENSE", "CHANGELOG.md", "Dockerfile", "compose.yaml", "requirements-dev.txt"),
}


def application_files() -> list[Path]:
    return [ROOT / "app.py", *sorted((ROOT / "probes").rglob("*.py"))]


def run_tool(*command: str) -> None:
    ran = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}\n{ran.stderr}"


def test_code_is_formatted() -> None:
    run_tool("-m", "ruff", "format", "--no-cache", "--check", ".")


def test_lint_finds_nothing() -> None:
    run_tool("-m", "ruff", "check", "--no-cache", ".")


def test_types_are_strict() -> None:
    run_tool("-m", "mypy")


def test_imports_only_look_down() -> None:
    run_tool(
        "-c", "from importlinter.cli import lint_imports_command as run; run(['--config', '.importlinter'])"
    )


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", application_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_MODULE_LINES, f"{lines} lines"
    long = {name: size for name, size in functions(path) if size > MAX_FUNCTION_LINES}
    assert not long


def test_the_top_level_is_the_users_layout() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in tracked.stdout.split("\n") if name and not name.startswith(".")}
    assert top <= ALLOWED_TOP_LEVEL


def test_importing_the_entry_starts_nothing() -> None:
    code = (
        "import sys, threading, app; "
        "heavy = {'flask', 'openai', 'anthropic', 'pymongo', 'apscheduler'} & set(sys.modules); "
        "assert not heavy, heavy; assert threading.active_count() == 1"
    )
    run_tool("-c", code)


def test_no_swallowed_exceptions_and_nothing_left_unfinished() -> None:
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|except( Exception)?: *pass")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in application_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if unfinished.search(line)
    ]
    assert not found
