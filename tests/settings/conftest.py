"""A configuration file on disk, loaded as the program does it."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from probes.domain.target import Target
from probes.settings.load import load_settings
from probes.settings.model import Settings, SettingsError

Load = Callable[..., Settings]
Refuse = Callable[..., str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "local.yaml"


@pytest.fixture
def load(config: Path) -> Load:
    """load(text, NAME=value...) -> Settings."""

    def load(text: str, **environ: str) -> Settings:
        config.write_text(dedent(text), encoding="utf-8")
        return load_settings(config, environ)

    return load


@pytest.fixture
def refuse(config: Path, load: Load) -> Refuse:
    """refuse(text, NAME=value...) -> what the operator reads, without the directory."""

    def refuse(text: str, **environ: str) -> str:
        with pytest.raises(SettingsError) as caught:
            load(text, **environ)
        return str(caught.value).replace(f"{config.parent}/", "")

    return refuse


@pytest.fixture
def one(load: Load) -> Callable[..., Target]:
    """one(text, NAME=value...) -> the only target of that file."""

    def one(text: str, **environ: str) -> Target:
        (target,) = load(text, **environ).targets
        return target

    return one
