"""Scenarios as text: `ok?ttft=0.2&gap=0.02`; `;` separates as well, for names that travel in a URL path (Azure)."""

import functools
import re
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from probes.simulator.scenario import Content, Failure, Fault, Opening, Scenario, Timing, Wire


class ScenarioError(ValueError):
    """A scenario text that names an unknown scenario or parameter, or gives a value that does not fit."""


_GROUPS: dict[str, type[Opening | Timing | Content | Wire | Failure | Fault]] = {
    "opening": Opening,
    "timing": Timing,
    "content": Content,
    "wire": Wire,
    "failure": Failure,
    "fault": Fault,
}


@functools.cache
def _parameters() -> dict[str, tuple[str, str]]:
    """Parameter as written -> (group, field); the unit suffix is not written."""
    return {
        entry.name.removesuffix("_seconds"): (group, entry.name)
        for group, kind in _GROUPS.items()
        for entry in fields(kind)
    }


def parameter_names() -> list[str]:
    """Every parameter that may follow a scenario's name."""
    return sorted(_parameters())


def split_text(text: str) -> tuple[str, dict[str, str]]:
    """`ok?ttft=0.2&gap=0.02` (or with `;`) as the name and its parameters."""
    name, *pairs = re.split(r"[?&;]", text)
    parameters: dict[str, str] = {}
    for pair in filter(None, pairs):
        key, equals, value = pair.partition("=")
        if not equals:
            raise ScenarioError(f"{text!r}: parameter {key!r} has no value; write {key}=VALUE")
        parameters[key] = value
    return name, parameters


_Group = TypeVar("_Group", Opening, Timing, Content, Wire, Failure, Fault)


def _updated(group: _Group, parameters: Mapping[str, str], group_name: str) -> _Group:
    known = _parameters()
    changes = {known[key][1]: value for key, value in parameters.items() if known[key][0] == group_name}
    if not changes:
        return group
    try:
        return TypeAdapter(type(group)).validate_python({**asdict(group), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        raise ScenarioError(f"parameter {first['loc'][0]}={first['input']!r}: {first['msg']}") from error


def configured(scenario: Scenario, parameters: Mapping[str, str]) -> Scenario:
    """The scenario with the given parameters changed; ScenarioError names the first that is unknown or misfits."""
    unknown = [key for key in parameters if key not in _parameters()]
    if unknown:
        raise ScenarioError(f"unknown parameter {unknown[0]!r}; known: {', '.join(parameter_names())}")
    return replace(
        scenario,
        opening=_updated(scenario.opening, parameters, "opening"),
        timing=_updated(scenario.timing, parameters, "timing"),
        content=_updated(scenario.content, parameters, "content"),
        wire=_updated(scenario.wire, parameters, "wire"),
        failure=_updated(scenario.failure, parameters, "failure"),
        fault=_updated(scenario.fault, parameters, "fault"),
    )
