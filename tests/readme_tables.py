"""The README's reference tables, made from the code. `python -m tests.readme_tables` writes them into README.md."""

import re
from pathlib import Path

from probes.settings.reference import presets_reference, quirks_reference, settings_reference
from probes.web.field_words import FIELD_GROUPS

README = Path(__file__).parent.parent / "README.md"


def fields_table() -> str:
    rows = [f"| `{name}` | {_cell(str(meaning))} |" for _, group in FIELD_GROUPS for name, meaning in group]
    return "\n".join(["| Field | Meaning |", "| --- | --- |", *rows])


SECTIONS = {
    "settings-reference": settings_reference,
    "providers-reference": presets_reference,
    "quirks-reference": quirks_reference,
    "record-fields": fields_table,
}


def section(text: str, name: str) -> str | None:
    """What stands between the section's marks; None without marks."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", text, re.DOTALL)
    return found.group(1) if found else None


def renewed(text: str) -> str:
    for name, table in SECTIONS.items():
        whole = f"<!-- {name} -->\n{table().rstrip()}\n<!-- /{name} -->"
        text = re.sub(
            rf"<!-- {name} -->(.*?<!-- /{name} -->)?", lambda _, new=whole: new, text, flags=re.DOTALL
        )
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
