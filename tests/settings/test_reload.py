"""Editors save in different ways; the running settings survive all of them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from probes.domain.plan import PlanDiff
from probes.domain.target import Secret
from probes.settings.load import load_settings
from probes.settings.reload import Reload, SettingsFile

ONE = "apis: {ollama: {main: {models: [a]}}}\n"
TWO = "apis: {ollama: {main: {models: [a, b]}}}\n"
OTHER = "apis: {ollama: {main: {models: [c]}}}\n"
BROKEN = "apis: {ollama: {main: {models: [a, b}}}\n"

Save = Callable[[Path, str], None]


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def by_rename(path: Path, text: str) -> None:
    """As vim, emacs, sed -i and most tools do."""
    temporary = path.with_name(f".{path.name}.swp")
    temporary.write_text(text)
    temporary.replace(path)


def by_deletion(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def by_symlink(path: Path, text: str) -> None:
    """As Kubernetes mounts a ConfigMap: the file is a link through a directory link that is swapped."""
    versions = [entry for entry in path.parent.iterdir() if entry.name.startswith("..version")]
    new = path.parent / f"..version-{len(versions)}"
    new.mkdir()
    (new / path.name).write_text(text)
    link = path.parent / "..link"
    link.symlink_to(new.name)
    link.replace(path.parent / "..data")
    if not path.is_symlink():
        path.unlink()
        path.symlink_to(Path("..data") / path.name)


WAYS = [in_place, by_rename, by_deletion, by_symlink]


@pytest.fixture
def watched(config: Path) -> SettingsFile:
    config.write_text(ONE)
    file = SettingsFile(config, {}, load_settings(config, {}))
    assert file.poll() is None
    return file


def ids(file: SettingsFile) -> list[str]:
    return [target.model for target in file.settings.targets]


def polls(file: SettingsFile, times: int) -> list[Reload | None]:
    return [file.poll() for _ in range(times)]


@pytest.mark.parametrize("save", WAYS)
def test_an_edit_is_taken_over_once(watched: SettingsFile, config: Path, save: Save) -> None:
    save(config, TWO)
    reload, *later = polls(watched, 3)
    assert reload is not None
    assert reload.settings is watched.settings
    assert reload.diff == PlanDiff(added=("ollama/main/b",))
    assert reload.problems == ()
    assert later == [None, None]
    assert ids(watched) == ["a", "b"]


@pytest.mark.parametrize("save", WAYS)
def test_an_edit_that_is_wrong_keeps_the_old_and_tells_once(
    watched: SettingsFile, config: Path, save: Save
) -> None:
    before = watched.settings
    save(config, BROKEN)
    first, second, third = polls(watched, 3)
    assert first is None  # it may be half written
    assert second is not None
    assert second.settings is None
    assert [problem.line for problem in second.problems] == [1]
    assert third is None
    assert watched.settings is before


@pytest.mark.parametrize("save", WAYS)
def test_mending_the_file_is_told_even_if_it_is_as_before(
    watched: SettingsFile, config: Path, save: Save
) -> None:
    save(config, BROKEN)
    polls(watched, 2)
    save(config, ONE)
    reload = watched.poll()
    assert reload is not None
    assert reload.settings is not None
    assert reload.diff.is_empty


def test_another_mistake_is_told_again(watched: SettingsFile, config: Path) -> None:
    in_place(config, BROKEN)
    polls(watched, 2)
    in_place(config, "apis: {ollama: {main: {model: [a]}}}")
    reload = polls(watched, 2)[1]
    assert reload is not None
    assert "Did you mean models?" in str(reload.problems[0])


def test_saving_the_same_again_is_no_news(watched: SettingsFile, config: Path) -> None:
    by_rename(config, ONE)
    assert polls(watched, 2) == [None, None]


def test_a_comment_is_no_news_but_a_setting_is(watched: SettingsFile, config: Path) -> None:
    in_place(config, f"# hello\n{ONE}")
    assert polls(watched, 2) == [None, None]
    in_place(config, f"{ONE}defaults: {{interval: 5m}}\n")
    reload = watched.poll()
    assert reload is not None
    assert reload.diff == PlanDiff(changed=("ollama/main/a",))


@pytest.mark.parametrize("text", ["", " \n\n", None])
def test_a_deleted_or_empty_file_keeps_the_old(watched: SettingsFile, config: Path, text: str | None) -> None:
    if text is None:
        config.unlink()
    else:
        config.write_text(text)
    first, second, third = polls(watched, 3)
    assert (first, third) == (None, None)
    assert second is not None
    assert second.settings is None
    assert second.problems[0].message in ("there is no such file", "the file is empty")
    assert ids(watched) == ["a"]


def test_the_file_may_come_back(watched: SettingsFile, config: Path) -> None:
    config.unlink()
    polls(watched, 2)
    config.write_text(TWO)
    assert watched.poll() is not None
    assert ids(watched) == ["a", "b"]


def test_a_file_half_written_at_one_poll_and_whole_at_the_next_is_never_taken_half(
    watched: SettingsFile, config: Path
) -> None:
    whole = "apis:\n  ollama:\n    main:\n      models: [x, y]\n    other:\n      models: [a, z]\n"
    for length in range(0, len(whole), 3):
        config.write_text(whole[:length])
        reload = watched.poll()
        assert reload is None or reload.settings is None or "a" in ids(watched)
        config.write_text(whole)
        watched.poll()
        watched.poll()
        assert ids(watched) == ["x", "y", "a", "z"]


def test_removing_targets_waits_for_a_second_look(watched: SettingsFile, config: Path) -> None:
    in_place(config, OTHER)
    first, second = polls(watched, 2)
    assert first is None
    assert second is not None
    assert second.diff == PlanDiff(added=("ollama/main/c",), removed=("ollama/main/a",))


def test_a_file_that_changes_at_every_look_waits_for_quiet(watched: SettingsFile, config: Path) -> None:
    for number in range(4):
        in_place(config, OTHER + "#" * number)
        assert watched.poll() is None
    assert watched.poll() is not None


def test_refresh_takes_any_edit_at_once(watched: SettingsFile, config: Path) -> None:
    in_place(config, OTHER)
    reload = watched.reload()
    assert reload is not None
    assert reload.diff.removed == ("ollama/main/a",)
    in_place(config, BROKEN)
    refused = watched.reload()
    assert refused is not None
    assert refused.settings is None
    assert watched.reload() is None
    assert watched.poll() is None


def test_an_edit_between_load_and_watch_is_seen(config: Path) -> None:
    config.write_text(ONE)
    settings = load_settings(config, {})
    config.write_text(TWO)
    assert SettingsFile(config, {}, settings).poll() is not None


def test_a_changed_key_file_changes_its_targets(config: Path) -> None:
    key = config.parent / "key"
    key.write_text("sk-first-0001")
    config.write_text("apis: {openai: {main: {api_key_file: key, models: [m]}}}")
    file = SettingsFile(config, {}, load_settings(config, {}))
    assert file.poll() is None
    by_rename(key, "sk-second-0002")
    reload = file.poll()
    assert reload is not None
    assert reload.diff == PlanDiff(changed=("openai/main/m",))
    assert file.settings.targets[0].api_key == Secret("sk-second-0002")


def test_a_key_file_caught_empty_does_not_stop_its_targets(config: Path) -> None:
    key = config.parent / "key"
    key.write_text("sk-first-0001")
    config.write_text("apis: {openai: {main: {api_key_file: key, models: [m]}}}")
    file = SettingsFile(config, {}, load_settings(config, {}))
    file.poll()
    key.write_text("")
    assert file.poll() is None
    assert file.settings.targets[0].is_probed
    key.write_text("sk-second-0002")
    assert file.poll() is not None
    assert file.settings.targets[0].is_probed


def test_a_key_file_that_appears_makes_its_targets_ready(config: Path) -> None:
    config.write_text("apis: {openai: {main: {api_key_file: key, models: [m]}}}")
    file = SettingsFile(config, {}, load_settings(config, {}))
    assert file.poll() is None
    (config.parent / "key").write_text("sk-first-0001")
    reload = file.poll()
    assert reload is not None
    assert file.settings.targets[0].is_probed


def test_what_only_a_restart_changes_is_named(watched: SettingsFile, config: Path) -> None:
    in_place(
        config,
        f"{ONE}web: {{port: 9999}}\nagent: {{location: moon, concurrency: 3}}\nstore: {{database: d}}\n",
    )
    reload = watched.poll()
    assert reload is not None
    assert reload.restart_needed == ("web", "store", "agent.location")
    assert reload.diff.is_empty


def test_an_edit_of_the_same_size_and_second_is_seen(watched: SettingsFile, config: Path) -> None:
    status = config.stat()
    config.write_text(ONE.replace("[a]", "[q]"))
    os.utime(config, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    polls(watched, 2)
    assert ids(watched) == ["q"]
