"""The file's format, what its values come to, and what a variable does."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probes.domain.target import Deadlines, Protocol, Readiness, Secret, Thresholds
from probes.settings.load import load_settings
from probes.settings.model import RetentionSettings, Settings, SettingsError, StoreSettings, WebSettings
from tests.settings.conftest import Load, Refuse

FORMAT_OF_OLD = """
    apis:
      openai:            # provider
        openai_client:   # client: one account or endpoint
          api_key: "${OPENAI_API_KEY}"
          models: ["gpt-4o-mini", "gpt-4o"]
      azure:
        azure_client: {api_key: "...", endpoint: "https://....azure.com", api_version: "...", models: ["my-deployment"]}
      anthropic:
        anthropic_client: {api_key: "...", models: ["claude-haiku-4-5"]}
    """


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def by_id(settings: Settings) -> dict[str, Readiness]:
    return {target.id: target.readiness for target in settings.targets}


def test_the_format_that_users_have_loads_unchanged(load: Load) -> None:
    settings = load(FORMAT_OF_OLD, OPENAI_API_KEY="sk-test-0123456789")
    assert by_id(settings) == {
        "openai/openai_client/gpt-4o-mini": Readiness.READY,
        "openai/openai_client/gpt-4o": Readiness.READY,
        "azure/azure_client/my-deployment": Readiness.NOT_CONFIGURED,
        "anthropic/anthropic_client/claude-haiku-4-5": Readiness.NOT_CONFIGURED,
    }
    first = settings.targets[0]
    assert first.api_key == Secret("sk-test-0123456789")
    assert (first.protocol, first.base_url) == (Protocol.OPENAI_CHAT, "https://api.openai.com/v1")


def test_a_missing_variable_of_a_key_is_not_configured_and_named(load: Load) -> None:
    target = load(FORMAT_OF_OLD).targets[0]
    assert target.readiness is Readiness.NOT_CONFIGURED
    assert target.readiness_reason == "environment variable OPENAI_API_KEY is not set"
    assert target.api_key is None


def test_defaults_are_those_of_the_domain(load: Load) -> None:
    target = load(FORMAT_OF_OLD).targets[0]
    assert target.interval_seconds == 600
    assert target.deadlines == Deadlines()
    assert target.thresholds == Thresholds()
    assert (target.options.max_tokens, target.options.temperature) == (64, 0.0)
    assert not target.options.reuse_connection


def test_the_more_specific_setting_wins(load: Load) -> None:
    settings = load(
        """
        defaults: {interval: 1h, max_tokens: 32, labels: {a: global, b: global, c: global}}
        providers:
          GROQ: {interval: 30m, labels: {b: provider, c: provider}}
        apis:
          groq:
            one:
              interval: 20m
              labels: {c: client}
              models: [plain, {model: special, interval: 10s, max_tokens: 128, labels: {d: model}}]
          mistral:
            two: {models: [other]}
        """
    )
    assert [(t.model, t.interval_seconds, t.options.max_tokens, t.labels) for t in settings.targets] == [
        ("plain", 1200, 32, {"a": "global", "b": "provider", "c": "client"}),
        ("special", 10, 128, {"a": "global", "b": "provider", "c": "client", "d": "model"}),
        ("other", 3600, 32, {"a": "global", "b": "global", "c": "global"}),
    ]


def test_sections_merge_key_by_key(load: Load) -> None:
    target = load(
        """
        defaults:
          thresholds: {smooth: 2s, available: 10s}
          prices: {input_per_million: 1, output_per_million: 2}
        apis:
          groq:
            main:
              thresholds: {available: 20s}
              models: [{model: m, prices: {output_per_million: null}}]
        """
    ).targets[0]
    assert target.thresholds == Thresholds(2.0, 20.0, 50.0, 100.0)
    assert (target.prices.input_per_million, target.prices.output_per_million) == (1.0, None)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30", 30),
        ("12.5", 12.5),
        ("30s", 30),
        ('"10m"', 600),
        ("1h30m", 5400),
        ("1 h 30 m", 5400),
        ("7d", 604800),
    ],
)
def test_an_interval_is_a_number_or_a_duration(load: Load, written: str, seconds: float) -> None:
    text = f"defaults: {{interval: {written}}}\napis: {{groq: {{main: {{models: [m]}}}}}}"
    assert load(text).targets[0].interval_seconds == seconds


def test_limits_that_nobody_gave_shrink_with_the_total(load: Load) -> None:
    text = "defaults: {deadlines: {total: 4s, stall: 3s}}\napis: {groq: {main: {models: [m]}}}"
    assert load(text).targets[0].deadlines == Deadlines(4.0, 4.0, 4.0, 3.0, 4.0)


def test_null_leaves_temperature_out_and_takes_the_built_in_prompt(load: Load) -> None:
    options = load(
        """
        defaults: {temperature: 0.5, prompt: Say hello.}
        apis: {groq: {main: {models: [a, {model: b, temperature: null, prompt: null}]}}}
        """
    ).targets
    assert [(t.options.temperature, t.options.prompt) for t in options] == [(0.5, "Say hello."), (None, None)]


def test_null_removes_a_key_of_the_body_that_a_wider_level_set(load: Load) -> None:
    targets = load(
        """
        defaults: {extra_body: {top_p: 1, seed: 7, stop: [a, 1.5, {x: y}]}}
        apis: {groq: {main: {models: [a, {model: b, extra_body: {seed: null, user: me}}]}}}
        """
    ).targets
    assert targets[0].options.extra_body == {"top_p": 1, "seed": 7, "stop": ["a", 1.5, {"x": "y"}]}
    assert targets[1].options.extra_body == {"top_p": 1, "stop": ["a", 1.5, {"x": "y"}], "user": "me"}


@pytest.mark.parametrize("written", ["connection: reuse", "reuse_connection: true"])
def test_a_connection_can_be_reused(load: Load, written: str) -> None:
    text = (
        f"defaults: {{{written}}}\napis: {{groq: {{main: {{models: [m, {{model: n, connection: fresh}}]}}}}}}"
    )
    assert [target.options.reuse_connection for target in load(text).targets] == [True, False]


def test_ids_keep_history_over_new_names(load: Load) -> None:
    target = load(
        "apis: {groq: {renamed: {id: main, models: [{name: new/model, id: old, display_name: The Model}]}}}"
    ).targets[0]
    assert (target.id, target.client, target.model) == ("groq/main/old", "renamed", "new/model")
    assert target.name == "The Model"


def test_a_model_name_may_hold_slashes_colons_and_spaces(load: Load) -> None:
    targets = load('apis: {openrouter: {main: {models: ["meta/llama-3:free", "Some Model"]}}}').targets
    assert [target.id for target in targets] == [
        "openrouter/main/meta/llama-3:free",
        "openrouter/main/Some Model",
    ]


def test_disabled_is_paused_at_every_level_and_can_be_undone(load: Load) -> None:
    settings = load(
        """
        apis:
          ollama:
            first: {enabled: false, models: [a, {model: b, enabled: true}]}
            second: {models: [c, {model: d, enabled: no}]}
        """
    )
    assert [target.readiness.value for target in settings.targets] == ["paused", "ready", "ready", "paused"]


def test_a_paused_target_without_key_is_paused(load: Load) -> None:
    target = load("apis: {openai: {main: {enabled: false, api_key: '${NOT_SET}', models: [m]}}}").targets[0]
    assert (target.readiness, target.readiness_reason) == (Readiness.PAUSED, "paused in the configuration")


def test_other_sections_come_through(load: Load) -> None:
    settings = load(
        """
        apis: {}
        agent: {location: fra-1, concurrency: 5, provider_concurrency: 2}
        web: {host: 0.0.0.0, port: 0, threads: 4, title: Ours, admin_token: a-token-of-ours, trusted_proxies: 1,
              refresh_cooldown: 1m}
        store: {uri: "mongodb://me:pass-of-mine@db:27017/?replicaSet=rs", database: ours}
        retention: {results_days: 7, hourly_days: 0x1F, daily_days: null}
        """.replace("0x1F", "31")
    )
    assert (settings.agent.location, settings.agent.concurrency, settings.agent.provider_concurrency) == (
        "fra-1",
        5,
        2,
    )
    assert settings.web == WebSettings("0.0.0.0", 0, 4, "Ours", Secret("a-token-of-ours"), 1, 60.0)
    assert settings.store == StoreSettings(
        Secret("mongodb://me:pass-of-mine@db:27017/?replicaSet=rs"), "ours"
    )
    assert settings.retention == RetentionSettings(7.0, 31.0, None)
    assert {Secret("a-token-of-ours"), Secret("pass-of-mine")} < set(settings.secrets)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# nothing\n", "apis:\n", "apis: {}\n", "---\napis:\n  openai:\n", "{}"]
)
def test_a_file_without_models_is_valid_and_warned_of(load: Load, text: str) -> None:
    settings = load(text)
    assert settings.targets == ()
    assert [warning.message for warning in settings.warnings] == ["no model is configured"]


def test_a_client_without_models_is_warned_of(load: Load) -> None:
    settings = load("apis:\n  openai:\n    main:\n  ollama:\n    main: {models: [m]}\n")
    assert [str(warning).partition(": ")[2] for warning in settings.warnings] == [
        "apis.openai.main: the client has no models. Add models: [NAME]"
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_read(config: Path) -> None:
    config.write_bytes(b"\xef\xbb\xbfapis:\r\n  ollama:\r\n    main:\r\n      models: [m]\r\n")
    assert [target.id for target in load_settings(config, {}).targets] == ["ollama/main/m"]


def test_chinese_names_are_names(load: Load) -> None:
    target = load("apis: {智谱: {主账号: {base_url: 'https://llm.example.com/v1', models: [模型]}}}").targets[
        0
    ]
    assert target.id == "智谱/主账号/模型"


# Variables.


def test_variables_defaults_and_dollars(load: Load) -> None:
    target = load(
        """
        apis:
          ollama:
            main:
              models:
                - model: "${NAME}-${SIZE:-7b}"
                  display_name: "${EMPTY:-fallback} $$ $5 ${NAME}"
                  prompt: "Print $${NAME}"
        """,
        NAME="llama",
        EMPTY="",
    ).targets[0]
    assert (target.model, target.display_name, target.options.prompt) == (
        "llama-7b",
        "fallback $ $5 llama",
        "Print ${NAME}",
    )


def test_a_variable_may_give_a_number_a_duration_or_a_truth_value(load: Load) -> None:
    settings = load(
        """
        web: {port: "${PORT}", trusted_proxies: "${HOPS:-2}"}
        defaults: {interval: "${EVERY}", enabled: "${ON}", temperature: "${HEAT}"}
        apis: {ollama: {main: {models: [m]}}}
        """,
        PORT="8080",
        EVERY="45",
        ON="false",
        HEAT="0.25",
    )
    target = settings.targets[0]
    assert (settings.web.port, settings.web.trusted_proxies) == (8080, 2)
    assert (target.interval_seconds, target.readiness, target.options.temperature) == (
        45,
        Readiness.PAUSED,
        0.25,
    )


def test_a_model_name_out_of_a_variable_needs_no_quotes(load: Load) -> None:
    assert load("apis: {ollama: {main: {models: ['${M}']}}}", M="3.10").targets[0].model == "3.10"


@pytest.mark.parametrize(
    "setting",
    [
        "base_url: '${GONE}'",
        "endpoint: 'https://${GONE}/v1'",
        "headers: {X-A: '${GONE}'}",
        "proxy: '${GONE}'",
    ],
)
def test_a_missing_variable_of_a_connection_is_not_configured(load: Load, setting: str) -> None:
    target = load(f"apis: {{groq: {{main: {{api_key: sk-abc12345, {setting}, models: [m]}}}}}}").targets[0]
    assert target.readiness_reason == "environment variable GONE is not set"


def test_an_unknown_provider_whose_address_is_a_missing_variable_is_not_configured(load: Load) -> None:
    target = load("apis: {mine: {main: {base_url: '${GONE}/v1', models: [m]}}}").targets[0]
    assert (target.readiness, target.base_url) == (Readiness.NOT_CONFIGURED, None)


def test_a_missing_variable_elsewhere_is_a_problem(refuse: Refuse) -> None:
    assert refuse("web: {title: '${GONE}'}") == (
        "local.yaml:1:14: web.title: environment variable GONE is not set. Set it, or give a default: ${GONE:-value}"
    )


def test_a_variable_that_is_not_text_is_a_problem(refuse: Refuse) -> None:
    broken = os.fsdecode(b"caf\xe9")
    assert "environment variable TITLE is not UTF-8 text" in refuse("web: {title: '${TITLE}'}", TITLE=broken)


# The store's address.


def test_the_environment_names_the_store_unless_the_file_does(load: Load) -> None:
    environ = {"MONGODB_URI": "mongodb://env.example.com"}
    assert load("apis: {}", **environ).store.uri == Secret("mongodb://env.example.com")
    file = load("store: {mongodb_uri: 'mongodb+srv://file.example.com'}", **environ)
    assert file.store.uri == Secret("mongodb+srv://file.example.com")
    assert load("apis: {}", MONGODB_URI=" ").store.uri is None


def test_a_wrong_address_in_the_environment_is_a_problem_that_does_not_show_it(refuse: Refuse) -> None:
    assert refuse("apis: {}", MONGODB_URI="postgres://me:hidden-one@db") == (
        "environment variable MONGODB_URI is not a MongoDB address. "
        "Set it to mongodb://host:27017, or unset it for SQLite"
    )


# The file itself.


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"gone\.yaml: there is no such file\. Copy config/local\.example\.yaml"
    ):
        load_settings(tmp_path / "gone.yaml", {})


def test_a_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="this is a directory"):
        load_settings(tmp_path, {})


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(SettingsError, match="this is not a regular file"):
        load_settings(tmp_path / "pipe.yaml", {})


def test_a_path_that_is_none_says_so() -> None:
    with pytest.raises(SettingsError, match="the file cannot be read"):
        load_settings(Path("local\0.yaml"), {})


def test_an_unreadable_file_says_so(config: Path) -> None:
    config.write_text("apis: {}")
    config.chmod(0)
    with as_nobody(), pytest.raises(SettingsError, match="the file may not be read"):
        load_settings(config, {})


def test_a_file_larger_than_a_megabyte_is_refused(config: Path) -> None:
    config.write_text("# " + "x" * 1_000_000)
    with pytest.raises(SettingsError, match="the file is larger than 1 MB"):
        load_settings(config, {})


def test_a_file_that_is_not_utf8_names_the_place(config: Path) -> None:
    config.write_bytes("apis: {}\nweb:\n  title: grün".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"local\.yaml:3:12: the file is not UTF-8"):
        load_settings(config, {})


def test_utf16_is_named(config: Path) -> None:
    config.write_text("apis: {}", encoding="utf-16")
    with pytest.raises(SettingsError, match="the file is UTF-16"):
        load_settings(config, {})


def test_five_hundred_models_load_within_a_second(load: Load) -> None:
    models = "".join(
        f"""
        - model: vendor/m{number}
          interval: 5m
          prices: {{input_per_million: 1, output_per_million: 2}}
          thresholds: {{smooth: 5s}}
          labels: {{a: b}}"""
        for number in range(10)
    )
    clients = "".join(
        f"\n    c{number}:\n      base_url: https://llm.example.com/v1\n      api_key: k-1234567\n      models:{models}"
        for number in range(50)
    )
    start = time.process_time()
    assert len(load(f"apis:\n  mine:{clients}").targets) == 500
    assert time.process_time() - start < 1


def test_a_foreign_file_of_a_megabyte_is_refused_within_seconds(config: Path) -> None:
    config.write_text("".join(f"some-key-{number}: some value\n" for number in range(35_000)))
    start = time.process_time()
    with pytest.raises(SettingsError, match="34900 more problems are not shown"):
        load_settings(config, {})
    assert time.process_time() - start < 10


def test_more_targets_than_a_board_can_show_are_refused(refuse: Refuse) -> None:
    models = ", ".join(f"m{number}" for number in range(5001))
    assert refuse(f"apis: {{ollama: {{main: {{models: [{models}]}}}}}}") == (
        "local.yaml:1:1: apis: there are 5001 models, more than 5000. "
        "Split them over several agents with files of their own"
    )


def test_thousands_of_problems_are_told_up_to_a_hundred(config: Path) -> None:
    config.write_text("apis: {ollama: {main: {models: [" + "1.5, " * 4_000 + "]}}}")
    with pytest.raises(SettingsError) as caught:
        load_settings(config, {})
    assert len(caught.value.problems) == 101
    assert caught.value.problems[-1].message == "3900 more problems are not shown"
