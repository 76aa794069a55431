"""Follows the configuration file: a valid edit is taken over, anything else leaves the running settings alone.

Pull only: whoever calls `poll` each second needs no thread and no watcher of the operating system, and any way of
saving is seen: writing in place, rename over the old file, a swapped symlink.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from probes.domain.plan import PlanDiff, Problem
from probes.settings.alert_channels import JudgeAddresses
from probes.settings.diff import plan_diff, restart_needed
from probes.settings.load import parse_settings
from probes.settings.model import Settings, SettingsError
from probes.settings.source import read_text

_FileStamp = tuple[int, int, int, int] | None  # None: not there


@dataclass(frozen=True, slots=True)
class Reload:
    """What a look at the changed file came to. `settings` None: refused, `problems` tell why, the old keep running."""

    settings: Settings | None
    problems: tuple[Problem, ...] = ()
    diff: PlanDiff = field(default_factory=PlanDiff)
    restart_needed: tuple[str, ...] = ()  # sections whose change waits for the next start


class SettingsFile:
    """The file behind running settings. For one caller: not thread-safe."""

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        settings: Settings,
        judge: JudgeAddresses | None = None,
    ) -> None:
        self._path = path
        self._environ = environ
        self._settings = settings
        self._judge = judge
        self._problems: tuple[Problem, ...] = ()
        self._judged: tuple[_FileStamp, ...] = ()  # the files as they were when last taken or refused
        self._doubted: tuple[_FileStamp, ...] = ()  # as they were when they looked half written

    @property
    def settings(self) -> Settings:
        """The last valid ones."""
        return self._settings

    def poll(self) -> Reload | None:
        """None while nothing changed; else the new settings or the problems, each told once.

        An edit that fails, removes targets or loses a key may be half written: it counts when the next poll finds
        the file unchanged since.
        """
        return self._look(is_sure=False)

    def reload(self) -> Reload | None:
        """As poll, without waiting for a second look: for a person who has saved and now presses Refresh."""
        return self._look(is_sure=True)

    def _look(self, *, is_sure: bool) -> Reload | None:
        stamps = self._stamps()  # before reading: what changes meanwhile is seen next time
        if stamps == self._judged:
            return None
        outcome = self._read()
        if self._may_be_half_written(outcome) and not is_sure and stamps != self._doubted:
            self._doubted = stamps
            return None
        self._judged = stamps
        return self._take(outcome)

    def _take(self, outcome: Reload) -> Reload | None:
        before, self._problems = self._problems, outcome.problems
        if outcome.settings is None:
            return outcome if outcome.problems != before else None
        is_news = outcome.settings != self._settings or bool(before)
        self._settings = outcome.settings
        return outcome if is_news else None

    def _read(self) -> Reload:
        try:
            text = read_text(self._path)
            if not text.strip():
                return Reload(None, (_emptiness(self._path),))
            settings = parse_settings(text, self._path, self._environ, self._judge)
        except SettingsError as error:
            return Reload(None, error.problems)
        diff = plan_diff(self._settings, settings)
        return Reload(settings, (), diff, restart_needed(self._settings, settings))

    def _may_be_half_written(self, outcome: Reload) -> bool:
        if outcome.settings is None or outcome.diff.removed:
            return True
        probed = {target.id for target in self._settings.targets if target.is_probed}
        return any(target.id in probed and not target.is_probed for target in outcome.settings.targets)

    def _stamps(self) -> tuple[_FileStamp, ...]:
        return tuple(_stamp(path) for path in (self._path, *self._settings.key_files))


def _stamp(path: Path) -> _FileStamp:
    """What differs when a file was written or replaced; symlinks are followed."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


def _emptiness(path: Path) -> Problem:
    return Problem(
        "the file is empty", "Save it with its content; write apis: {} for no targets", file=str(path)
    )
