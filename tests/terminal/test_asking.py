"""What the command line names and refuses, before anything is probed."""

from pathlib import Path

import pytest

from probes.cli import main
from probes.commands import find_target
from probes.service import StartError
from probes.settings.load import load_settings
from probes.settings.model import Settings
from probes.terminal.command import find_targets


@pytest.fixture
def settings(config: Path) -> Settings:
    config.write_text(config.read_text().replace("- error-500", "- {model: error-500, enabled: false}"))
    return load_settings(config, {})


def found(settings: Settings, *words: str) -> list[str]:
    return [target.id.removeprefix("acme/main/") for target in find_targets(settings, words, find_target)]


@pytest.mark.parametrize(
    ("words", "targets"),
    [
        pytest.param(["acme/main/e*y"], ["early", "echoes-key"], id="pattern"),
        pytest.param(["ACME/*/L?TE"], ["late"], id="pattern in capitals"),
        pytest.param(["fast", "acme/main/fast"], ["fast"], id="named twice"),
        pytest.param(["tw", "acme/*/late"], ["twin", "late"], id="part and pattern"),
    ],
)
def test_targets_may_be_named_in_several_ways(
    settings: Settings, words: list[str], targets: list[str]
) -> None:
    assert found(settings, *words) == targets


@pytest.mark.parametrize("word", ["acme", "acme/main", "Acme/", "acme/*"])
def test_a_whole_provider_or_client_leaves_out_what_is_not_probed_and_says_so(
    settings: Settings, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    everyone = [target.id for target in settings.targets if target.provider == "acme"]
    assert len(found(settings, word)) == len(everyone) - 1
    assert "left out: acme/main/error-500 is paused" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "message"),
    [
        pytest.param("fsat", "Did you mean acme/main/fast", id="unknown name"),
        pytest.param("*nothing*", "no target '*nothing*'", id="pattern of nothing"),
        pytest.param("e", "matches", id="part of many"),
        pytest.param("error-500", "error-500 is paused", id="paused"),
        pytest.param("gpt-4o-mini", "is not_configured", id="not configured"),
        pytest.param("openai", "no target of it can be probed", id="provider not configured"),
    ],
)
def test_what_cannot_be_probed_is_explained(settings: Settings, word: str, message: str) -> None:
    with pytest.raises(StartError) as refused:
        found(settings, word)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--every", "5s"], "belong to --watch or --compare", id="pace of one probe"),
        pytest.param(["--count", "5"], "belong to --watch or --compare", id="count of one probe"),
        pytest.param(["--until-clear"], "belong to --compare", id="until of one probe"),
        pytest.param(["--watch", "--by", "ttft"], "belong to --compare", id="metric of a watch"),
        pytest.param(["--watch", "--until-clear"], "belong to --compare", id="until of a watch"),
    ],
)
def test_options_that_would_be_ignored_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", "fast", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--watch", "--compare"], "not allowed with", id="both views"),
        pytest.param(["--watch", "--every", "soon"], "is not a time", id="no time"),
        pytest.param(["--watch", "--every=-3"], "is not a time", id="negative time"),
        pytest.param(["--watch", "--every=nan"], "is not a time", id="no number"),
        pytest.param(["--watch", "--count", "0"], "no number of probes", id="no probes"),
        pytest.param(["--compare", "--by", "charm"], "invalid choice", id="no metric"),
    ],
)
def test_words_that_mean_nothing_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["probe", "fast", *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["probe", "--help"]])
def test_help_explains_itself(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "exit codes: 0 done" in said
    assert "--watch" in said or "probe" in said
