"""What starts a new series, and what does not."""

from collections.abc import Callable

import pytest

from probes.domain.plan import PlanDiff
from probes.domain.target import Target
from probes.settings.diff import plan_diff
from tests.settings.conftest import Load

One = Callable[..., Target]

BASE = "apis: {mine: {main: {api_key: k-12345678, base_url: 'https://a.example.com/v1', models: [{model: m%s}]%s}}}"


def spec(one: One, of_model: str = "", of_client: str = "") -> str:
    return one(BASE % (of_model, of_client)).spec_version


@pytest.mark.parametrize(
    "setting",
    [
        "max_tokens: 65",
        "prompt: Hello",
        "temperature: 1",
        "include_usage: false",
        "token_parameter: max_completion_tokens",
        "extra_body: {top_p: 1}",
        "connection: reuse",
        "deadlines: {stall: 20s}",
    ],
)
def test_what_changes_the_measurement_starts_a_new_series(one: One, setting: str) -> None:
    assert spec(one, f", {setting}") != spec(one)


@pytest.mark.parametrize(
    "setting",
    [
        "protocol: anthropic_messages, api_version: x",
        "headers: {X-Mode: fast}",
        "headers: {X-Auth-Token: one-secret}",
        "proxy: 'http://proxy.example.com:3128'",
    ],
)
def test_what_changes_the_way_starts_a_new_series(one: One, setting: str) -> None:
    base = BASE.replace("/v1", "") if "anthropic" in setting else BASE
    assert one(base % ("", f", {setting}")).spec_version != one(base % ("", "")).spec_version


def test_a_loopback_port_that_the_system_picked_starts_no_new_series(one: One) -> None:
    def at(address: str) -> str:
        return one(f"apis: {{mine: {{main: {{base_url: '{address}', models: [m]}}}}}}").spec_version

    assert at("http://127.0.0.1:40123/v1") == at("http://127.0.0.1:51234/v1")
    assert at("http://127.0.0.1:8000/v1") != at("http://127.0.0.1:8001/v1")
    assert at("http://10.0.0.1:40123/v1") != at("http://10.0.0.1:51234/v1")


@pytest.mark.parametrize(
    "setting",
    [
        "display_name: Other",
        "labels: {a: b}",
        "prices: {input_per_million: 1}",
        "interval: 5m",
        "enabled: false",
        "id: other",
        "thresholds: {smooth: 1s}",
        "slo: {availability: 99.5 %, ttft_p95: 3 s}",
        "max_tokens: 64",
    ],
)
def test_what_only_names_judges_or_prices_does_not(one: One, setting: str) -> None:
    assert spec(one, f", {setting}") == spec(one)


def test_a_new_key_starts_no_new_series(one: One) -> None:
    text = (
        "apis: {mine: {main: {base_url: 'https://a.example.com/v1', api_key: '${KEY}', models: [m], "
        "headers: {X-Token: '${KEY}'}, proxy: 'http://me:${KEY}@proxy.example.com'}}}"
    )
    assert one(text, KEY="first-key-1").spec_version == one(text, KEY="second-key-2").spec_version


def test_the_version_is_of_the_meaning_and_not_of_the_text(load: Load) -> None:
    plain = load("apis:\n  ollama:\n    main: {models: [a, b], interval: 10m}\n")
    other = load("# comment\napis: {'ollama': {main: {interval: 600, models: [b, {model: a}]}}}\n")
    assert plain.version == other.version


def test_the_version_does_not_depend_on_secrets(load: Load) -> None:
    text = "apis: {openai: {main: {api_key: '${KEY}', models: [m]}}}\nstore: {uri: 'mongodb://me:${KEY}@db'}"
    assert load(text, KEY="first-key-1").version == load(text, KEY="second-key-2").version


@pytest.mark.parametrize(
    "setting",
    [
        "defaults: {interval: 5m}",
        "web: {port: 1234}",
        "retention: {hourly_days: 5}",
        "agent: {concurrency: 3}",
    ],
)
def test_any_other_setting_makes_a_new_version(load: Load, setting: str) -> None:
    base = "apis: {ollama: {main: {models: [m]}}}\n"
    assert load(base).version != load(base + setting).version


def test_a_diff_names_what_came_changed_and_went(load: Load) -> None:
    old = load("apis: {ollama: {main: {models: [a, b, c]}}}")
    new = load("apis: {ollama: {main: {models: [d, c, {model: b, interval: 5m}]}}}")
    assert plan_diff(old, new) == PlanDiff(
        added=("ollama/main/d",), changed=("ollama/main/b",), removed=("ollama/main/a",)
    )
    assert plan_diff(old, old).is_empty


def test_a_new_key_is_a_change(load: Load) -> None:
    text = "apis: {openai: {main: {api_key: '${KEY}', models: [m]}}}"
    diff = plan_diff(load(text, KEY="first-key-1"), load(text, KEY="second-key-2"))
    assert diff == PlanDiff(changed=("openai/main/m",))
