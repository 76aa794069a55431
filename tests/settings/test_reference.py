"""The schema and the tables say what the loader does; the files that we ship are valid by both."""

import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from probes.domain.target import Protocol, Readiness, TokenParameter
from probes.settings.load import load_settings
from probes.settings.options import ClientOptions, Options
from probes.settings.presets import PRESETS
from probes.settings.reference import (
    json_schema,
    presets_reference,
    schema_text,
    settings_list,
    settings_reference,
)
from tests.settings.conftest import Load
from tests.settings.test_load import FORMAT_OF_OLD

CONFIG = Path(__file__).parents[2] / "config"
EXAMPLE = CONFIG / "local.example.yaml"
DEMO = CONFIG / "demo.yaml"
URL = "http://127.0.0.1:9555"

VALIDATOR = Draft202012Validator(json_schema())


def test_the_schema_in_config_is_that_of_the_code() -> None:
    """Write it anew with: python -c "from probes.settings.reference import *; print(schema_text(), end='')"."""
    assert (CONFIG / "local.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_valid_and_describes_every_key() -> None:
    Draft202012Validator.check_schema(json_schema())
    definitions = {"": json_schema(), **json_schema()["$defs"]}  # type: ignore[dict-item]
    for name, definition in definitions.items():
        for key, schema in definition.get("properties", {}).items():
            assert schema.get("description"), f"{name}.{key}"


@pytest.mark.parametrize(
    "text", [FORMAT_OF_OLD, EXAMPLE.read_text(), DEMO.read_text()], ids=["old", "example", "demo"]
)
def test_what_loads_is_valid_by_the_schema(text: str) -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "intervall: 5m",
        "apis: {openai: {main: {models: [3.5]}}}",
        "apis: {openai: {main: {api_kye: x}}}",
        "defaults: {interval: soon}",
        "defaults: {interval: null}",
        "web: {port: 99999}",
        "defaults: {connection: keep-alive}",
    ],
)
def test_what_is_refused_is_invalid_by_the_schema(text: str) -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text)))


def test_words_of_the_file_are_those_of_the_domain() -> None:
    properties = ClientOptions.model_json_schema()["properties"]
    assert set(properties["protocol"]["enum"]) == {protocol.value for protocol in Protocol}
    options = Options.model_json_schema()["properties"]
    assert set(options["token_parameter"]["enum"]) == {parameter.value for parameter in TokenParameter}


def test_the_example_names_its_schema_and_loads_without_any_variable() -> None:
    assert EXAMPLE.read_text(encoding="utf-8").startswith(
        "# yaml-language-server: $schema=./local.schema.json\n"
    )
    settings = load_settings(EXAMPLE, {})
    assert len(settings.targets) == 8
    assert {target.readiness for target in settings.targets} == {Readiness.NOT_CONFIGURED}
    assert settings.warnings == ()


def test_the_example_is_ready_once_its_variables_are_set() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    names = set(re.findall(r"^[^#\n]*\$\{([A-Z_]+)", text, re.MULTILINE)) - {"NAME"}
    environ = {
        name: "https://unit.openai.azure.com" if "ENDPOINT" in name else "k-0123456789" for name in names
    }
    assert {target.readiness for target in load_settings(EXAMPLE, environ).targets} == {Readiness.READY}


def test_the_example_shows_every_setting() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    shown = {setting.path.rpartition(".")[2] for setting in settings_list()}
    hidden = {key for key in shown if not re.search(rf"\b{key}:", text)}
    assert hidden == {"mongodb_uri", "reuse_connection", "scenarios", "seed", "history_days", "name"} - {
        "name"
    }


def test_what_the_example_shows_as_defaults_are_the_defaults(load: Load) -> None:
    body = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    plain = load("apis: {ollama: {main: {models: [m]}}}")
    only_defaults = {"apis": {"ollama": {"main": {"models": ["m"]}}}}
    sections = {name: body[name] for name in ("defaults", "agent", "web", "store", "retention")}
    assert load(yaml.safe_dump({**only_defaults, **sections})).version == plain.version


def test_the_demo_loads_with_the_address_of_the_simulator() -> None:
    settings = load_settings(DEMO, {"SIMULATOR_URL": URL})
    assert settings.warnings == ()
    states = [target.readiness for target in settings.targets]
    assert (states.count(Readiness.READY), states.count(Readiness.NOT_CONFIGURED)) == (14, 1)
    assert states.count(Readiness.PAUSED) == 1
    assert {target.provider for target in settings.targets} == {
        "Northwind AI",
        "Lumen Labs",
        "Quokka Cloud",
        "Basalt",
        "Hokusai Models",
        "Paperboat",
    }
    for target in settings.targets:
        is_anthropic = target.protocol is Protocol.ANTHROPIC_MESSAGES
        assert target.base_url == (URL if is_anthropic else f"{URL}/v1")
        assert 20 <= target.interval_seconds <= 90 or not target.is_probed
        assert target.prices.output_per_million is not None or not target.is_probed


def test_the_demo_probes_exactly_the_models_that_the_simulator_plays() -> None:
    settings = load_settings(DEMO, {"SIMULATOR_URL": URL})
    assert settings.simulator is not None
    played = yaml.safe_load(Path(settings.simulator.scenarios).read_text(encoding="utf-8"))["models"]
    assert {target.model for target in settings.targets if target.is_probed} == set(played)


def test_the_demo_without_a_simulator_probes_nothing() -> None:
    assert not any(target.is_probed for target in load_settings(DEMO, {}).targets)


def test_every_setting_is_in_the_table_with_its_meaning() -> None:
    rows = settings_reference().splitlines()[2:]
    assert len(rows) == len(settings_list()) == len({setting.path for setting in settings_list()})
    for row in rows:
        path, default, meaning = (cell.strip() for cell in row.strip("|").split(" | "))
        assert path.startswith("`")
        assert default
        assert meaning.endswith(".")


@pytest.mark.parametrize(
    ("path", "default"),
    [
        ("defaults.interval", "10m"),
        ("defaults.deadlines.first_token", "1m"),
        ("defaults.thresholds.smooth", "8.5s"),
        ("web.port", "9500"),
        ("web.refresh_cooldown", "15"),
        ("retention.results_days", "100"),
        ("agent.location", "local"),
        ("apis.<provider>.<client>.api_key", "-"),
        ("apis.<provider>.<client>.models[].display_name", "the model's name"),
    ],
)
def test_the_table_tells_defaults(path: str, default: str) -> None:
    assert {setting.path: setting.default for setting in settings_list()}[path] == default


def test_every_preset_is_in_its_table() -> None:
    table = presets_reference()
    for preset in PRESETS:
        assert f"| `{preset.name}` |" in table
        for alias in preset.aliases:
            assert f"`{alias}`" in table
