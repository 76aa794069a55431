"""Broken files and, word for word, what their author reads. `bad/NAME.txt` stands beside `bad/NAME.yaml`."""

from pathlib import Path

import pytest

from probes.settings.load import load_settings
from probes.settings.model import SettingsError

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))
SECRET = "never-shown-7c1f9a"
ENVIRON = {"SECRET_VARIABLE": SECRET, "EMPTY": ""}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_broken_file_is_refused_in_these_words(path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, ENVIRON)
    said = str(caught.value).replace(f"{BAD}/", "") + "\n"
    assert said == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_problem_has_a_place_a_cure_and_no_secret(path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, ENVIRON)
    for problem in caught.value.problems:
        assert problem.file
        assert problem.line
        assert problem.column
        assert problem.cure
        assert SECRET not in str(problem)


def test_there_are_many_broken_files_and_none_is_without_its_words() -> None:
    assert len(FILES) >= 60
    assert {path.stem for path in FILES} == {path.stem for path in BAD.glob("*.txt")}


def test_a_place_is_where_the_fault_is(tmp_path: Path) -> None:
    config = tmp_path / "local.yaml"
    config.write_text("apis:\n  智谱:\n    main: {models: [m], intervall: 5m}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(config, {})
    problem = next(problem for problem in caught.value.problems if "intervall" in problem.message)
    line = config.read_text(encoding="utf-8").splitlines()[(problem.line or 0) - 1]
    assert line[(problem.column or 0) - 1 :].startswith("intervall")
