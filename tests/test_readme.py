import re
from pathlib import Path

import pytest

from probes.domain.result import RESULT_FIELDS
from tests.readme_tables import README, SECTIONS, section

ROOT = Path(__file__).parent.parent
TEXT = README.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SECTIONS)
def test_reference_tables_are_what_the_code_says(name: str) -> None:
    assert section(TEXT, name) == SECTIONS[name]().rstrip(), "run: python -m tests.readme_tables"


def test_every_record_field_is_documented() -> None:
    table = section(TEXT, "record-fields") or ""
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(documented) == sorted(RESULT_FIELDS)


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (command,) = re.findall(r"^tests='(.*)'$", ci, re.MULTILINE)
    assert f"```sh\n{command}\n```" in TEXT


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", TEXT)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]
