"""Reads a scenario file: model name -> scenario, weighted mix, or phases that follow each other."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, model_validator

from probes.simulator.behaviour import Behaviour, Choice, Phase, PhaseUnit
from probes.simulator.catalogue import behaviour_named, scenario_named
from probes.simulator.parameters import ScenarioError


class _PhaseEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    length: PositiveFloat = 1.0
    scenario: str | None = None
    mix: dict[str, PositiveFloat] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_content(self) -> "_PhaseEntry":
        if (self.scenario is None) == (not self.mix):
            raise ValueError("give either scenario or mix")
        return self

    def phase(self) -> Phase:
        weights = {self.scenario: 1.0} if self.scenario is not None else self.mix
        choices = tuple(Choice(scenario_named(text), weight) for text, weight in weights.items())
        return Phase(choices, self.length)


class _ModelEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    description: str = ""
    unit: PhaseUnit = PhaseUnit.SECONDS
    scenario: str | None = None
    mix: dict[str, PositiveFloat] = Field(default_factory=dict)
    phases: list[_PhaseEntry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_one_content(self) -> "_ModelEntry":
        if sum((self.scenario is not None, bool(self.mix), bool(self.phases))) != 1:
            raise ValueError("give one of scenario, mix, phases")
        return self

    def behaviour(self) -> Behaviour:
        if self.phases:
            return Behaviour(tuple(entry.phase() for entry in self.phases), self.unit, self.description)
        only = _PhaseEntry(scenario=self.scenario, mix=self.mix)
        return Behaviour((only.phase(),), PhaseUnit.REQUESTS, self.description)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    models: dict[str, str | _ModelEntry]


def load_scenario_file(path: Path) -> Mapping[str, Behaviour]:
    """Model name -> behaviour. ScenarioError names the file, the place in it and what does not fit."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = _File.model_validate(document).models
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path}: not YAML: {error}") from error
    except ValidationError as error:
        raise ScenarioError(_readable(path, error)) from error
    return {name: _behaviour(path, name, entry) for name, entry in entries.items()}


def _behaviour(path: Path, name: str, entry: str | _ModelEntry) -> Behaviour:
    try:
        return behaviour_named(entry) if isinstance(entry, str) else entry.behaviour()
    except ScenarioError as error:
        raise ScenarioError(f"{path}: models.{name}: {error}") from error


def _readable(path: Path, error: ValidationError) -> str:
    lines = (f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors())
    return f"{path}: " + "; ".join(lines)
