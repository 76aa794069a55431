"""What `app.py check` tells of a day."""

import pytest

from probes.settings.estimate import (
    DEFAULT_PROMPT_TOKENS,
    NONCE_TOKENS,
    estimate,
    plan_as_json,
    prompt_tokens,
    render_plan,
)
from tests.settings.conftest import Load

PLAN = """
    apis:
      groq:
        main:
          api_key: gsk_0123456789
          models:
            - {model: fast, interval: 30s, prices: {input_per_million: 1, output_per_million: 5}}
            - {model: slow, interval: 1h, max_tokens: 100}
            - {model: idle, enabled: false, prices: {input_per_million: 1, output_per_million: 5}}
      openai:
        main: {api_key: example, models: [gpt-4o]}
    """


def test_a_day_is_counted_by_interval_limit_and_price(load: Load) -> None:
    plan = estimate(load(PLAN))
    fast, slow, idle, unready = plan.targets
    assert (fast.probes, slow.probes, idle.probes, unready.probes) == (2880, 24, 0, 0)
    assert (fast.input_tokens, fast.output_tokens) == (2880 * DEFAULT_PROMPT_TOKENS, 2880 * 64)
    assert fast.cost == pytest.approx((2880 * DEFAULT_PROMPT_TOKENS * 1 + 2880 * 64 * 5) / 1e6)
    assert (slow.output_tokens, slow.cost) == (2400, None)
    assert (plan.probes, plan.cost, plan.unpriced) == (2904, fast.cost, 1)


def test_a_cost_that_nobody_knows_is_none_and_not_zero(load: Load) -> None:
    assert estimate(load("apis: {ollama: {main: {models: [m]}}}")).cost is None
    half = "apis: {ollama: {main: {models: [{model: m, prices: {input_per_million: 1}}]}}}"
    assert estimate(load(half)).cost is None


def test_a_free_model_costs_zero(load: Load) -> None:
    free = "apis: {ollama: {main: {models: [{model: m, prices: {input_per_million: 0, output_per_million: 0}}]}}}"
    assert estimate(load(free)).cost == 0


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [(None, DEFAULT_PROMPT_TOKENS), ("abcd" * 10, NONCE_TOKENS + 10), ("从一数到一百", NONCE_TOKENS + 6)],
)
def test_a_prompt_is_about_so_many_tokens(prompt: str | None, tokens: int) -> None:
    assert prompt_tokens(prompt) == tokens


def test_the_plan_is_readable(load: Load) -> None:
    settings = load(PLAN)
    text = render_plan(settings, estimate(settings))
    lines = text.split("\n")
    assert lines[0] == f"{settings.source}: valid, version {settings.version}"
    assert lines[2:6] == [
        "target          every  probes/day  tokens/day  cost/day",
        "groq/main/fast    30s       2,880     400,320    1.1376",
        "groq/main/slow     1h          24       4,200         -",
        "total                       2,904     404,520    1.1376",
    ]
    assert "  groq/main/idle: paused in the configuration" in lines
    assert "  openai/main/gpt-4o: api_key is a placeholder" in lines
    assert "without prices: 1 of 2 probed targets" in lines
    assert "slots that fall due meanwhile are missed" in text


def test_a_plan_without_targets_is_readable(load: Load) -> None:
    settings = load("apis: {}")
    assert "no model is configured" in render_plan(settings, estimate(settings))


def test_the_plan_for_scripts_holds_no_key_and_no_address(load: Load) -> None:
    settings = load(PLAN)
    plan = plan_as_json(settings, estimate(settings))
    assert "gsk_0123456789" not in str(plan)
    assert "api.groq.com" not in str(plan)
    assert plan["version"] == settings.version
    assert plan["per_day"] == {
        "probes": 2904.0,
        "input_tokens": 2904 * DEFAULT_PROMPT_TOKENS,
        "output_tokens": 2880 * 64 + 2400,
        "cost": estimate(settings).cost,
        "targets_without_price": 1,
    }
