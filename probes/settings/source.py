"""The configuration file's bytes as text, or why they are none."""

import stat
from pathlib import Path
from typing import Final

from probes.domain.plan import Problem
from probes.settings.model import SettingsError

MAX_BYTES: Final = 1_000_000
_BOM16: Final = (b"\xff\xfe", b"\xfe\xff")
_EXAMPLE_CURE: Final = "Copy config/local.example.yaml there and put your models in"


def read_text(path: Path) -> str:
    """The whole file, without byte order mark. Raises SettingsError."""
    content = _read_bytes(path)
    if len(content) > MAX_BYTES:
        raise _refusal(
            path, "the file is larger than 1 MB", "Split it over several agents with files of their own"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        what = "UTF-16" if content.startswith(_BOM16) else "not UTF-8"
        raise _refusal(path, f"the file is {what}", "Save it as UTF-8", line, column) from None


def _read_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _refusal(path, "this is a directory", "Name a YAML file in it")
        if not stat.S_ISREG(mode):
            raise _refusal(path, "this is not a regular file", "Name a YAML file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refusal(path, "there is no such file", _EXAMPLE_CURE) from None
    except PermissionError:
        raise _refusal(path, "the file may not be read", "Give this user permission to read it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise _refusal(path, f"the file cannot be read: {reason}", "Check the path") from None


def _refusal(
    path: Path, message: str, cure: str, line: int | None = None, column: int | None = None
) -> SettingsError:
    return SettingsError((Problem(message, cure, line=line, column=column, file=str(path)),))
