"""Objectives: written as people write them, inherited key by key, and no change of what is measured."""

from collections.abc import Callable

import pytest

from probes.domain.plan import PlannedTarget
from probes.domain.target import Objectives, Target
from probes.store.documents import PLAN
from tests.settings.conftest import Load
from tests.web.serving import a_plan

One = Callable[..., Target]

LEVELS = """
defaults: {slo: {availability: 99 %, ttft_p95: 3 s}}
providers: {OLLAMA: {slo: {ttft_p95: 2s}}}
apis:
  ollama:
    main:
      slo: {availability: 99.9 %}
      models:
        - inherits
        - {model: own, slo: {availability: 95 %, ttft_p95: 800ms}}
        - {model: none, slo: {availability: null, ttft_p95: null}}
  vllm:
    main: {models: [other]}
"""


def test_every_level_may_set_each_objective(load: Load) -> None:
    found = {target.model: target.objectives for target in load(LEVELS).targets}
    assert found == {
        "inherits": Objectives(0.999, 2.0),
        "own": Objectives(0.95, 0.8),
        "none": Objectives(),
        "other": Objectives(0.99, 3.0),
    }


@pytest.mark.parametrize("written", ["99.5 %", "99.5%", "99.5", "'99.5 %'", "${SHARE}"])
def test_a_share_is_in_per_cent_however_it_is_written(one: One, written: str) -> None:
    text = f"defaults:\n  slo:\n    availability: {written}\napis: {{ollama: {{main: {{models: [m]}}}}}}\n"
    assert one(text, SHARE="99.5 %").objectives == Objectives(0.995)


@pytest.mark.parametrize("nines", [50.0, 90.0, 99.9, 99.95, 99.999])
def test_per_cent_become_the_fraction_that_one_means(one: One, nines: float) -> None:
    text = f"apis: {{ollama: {{main: {{models: [m], slo: {{availability: {nines} %}}}}}}}}"
    assert one(text).objectives.availability == float(f"{nines / 100:.6g}")


def test_without_any_there_is_none(one: One) -> None:
    assert one("apis: {ollama: {main: {models: [m]}}}").objectives.is_empty


def test_a_new_objective_is_a_change_of_the_configuration(load: Load) -> None:
    base = "apis: {ollama: {main: {models: [m]%s}}}"
    before, after = load(base % ""), load(base % ", slo: {ttft_p95: 3s}")
    assert before.version != after.version
    assert before.targets[0].spec_version == after.targets[0].spec_version


def test_the_web_is_told_and_an_older_plan_can_still_be_read(load: Load) -> None:
    target = load(LEVELS).targets[0]
    assert PlannedTarget.of(target).objectives == target.objectives
    plan = a_plan((target,))
    assert PLAN.read(PLAN.text(plan)) == plan
    older = PLAN.plain(plan)
    del older["targets"][0]["objectives"]
    assert PLAN.read_plain(older).targets[0].objectives == Objectives()
