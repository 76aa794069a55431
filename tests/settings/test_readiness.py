"""Which keys are keys, which addresses are addresses, and what of both is secret."""

from collections.abc import Callable
from pathlib import Path

import pytest

from probes.domain.target import Readiness, Secret, Target
from tests.settings.conftest import Load

One = Callable[..., Target]

PLACEHOLDERS = [
    "example",
    "EXAMPLE",
    "example-key",
    "your-key-here",
    "your_api_key",
    "YOUR_OPENAI_API_KEY",
    "sk-your-key",
    "<your key>",
    "<OPENAI_API_KEY>",
    "{{ OPENAI_API_KEY }}",
    "$OPENAI_API_KEY",
    "%OPENAI_API_KEY%",
    "...",
    "sk-...",
    "sk-proj-...",
    "sk-abc...xyz",
    "…",
    "xxx",
    "sk-xxxxxxxx",
    "****",
    "sk-",
    "changeme",
    "change-me",
    "replace-me",
    "insert-your-key-here",
    "put your key here",
    "paste_key_here",
    "placeholder",
    "TODO",
    "api_key",
    "none",
    "redacted",
]
KEYS = [
    "sk-proj-Zm9vYmFyYmF6cXV4",
    "sk-ant-api03-abcDEF_123-xyz",
    "gsk_0123456789abcdef",
    "AIzaSyA-1234567890abcdefghijk",
    "xai-0123456789",
    "sk-1234",
    "0123456789abcdef0123456789abcdef",
    "demo-key-not-a-secret",
    "my-key-of-2026",
    "9b2f.7yExampleInside",
]


def key_of(text: str) -> str:
    return f'apis: {{openai: {{main: {{api_key: "{text}", models: [m]}}}}}}'


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_placeholder_is_not_configured_and_no_secret(load: Load, text: str) -> None:
    settings = load(key_of(text.replace("$", "$$")))
    assert settings.targets[0].readiness is Readiness.NOT_CONFIGURED
    assert settings.targets[0].readiness_reason == "api_key is a placeholder"
    assert settings.targets[0].api_key is None
    assert settings.secrets == ()


@pytest.mark.parametrize("text", KEYS)
def test_a_key_is_ready_and_secret(load: Load, text: str) -> None:
    settings = load(key_of(text))
    assert settings.targets[0].readiness is Readiness.READY
    assert settings.targets[0].api_key == Secret(text)
    assert settings.secrets == (Secret(text),)


def test_spaces_around_a_key_are_no_part_of_it(one: One) -> None:
    assert one(key_of("${KEY}"), KEY=" sk-0123456789\n").api_key == Secret("sk-0123456789")


@pytest.mark.parametrize("text", ["Bearer sk-0123456789", "sk-0123\\u200b456789", "你的密钥", "line\\nbreak"])
def test_what_no_header_can_carry_is_not_configured(one: One, text: str) -> None:
    target = one(key_of(text))
    assert target.readiness_reason == "api_key has characters that no key has"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "api_key is missing"),
        ("api_key: '', ", "api_key is empty"),
        ("api_key: , ", "api_key is empty"),
        ("api_key: '${EMPTY}', ", "api_key is empty"),
        ("api_key: '${GONE}', ", "environment variable GONE is not set"),
        ("api_key: '${GONE:-}', ", "api_key is empty"),
    ],
)
def test_no_key_is_not_configured_with_the_reason(one: One, key: str, reason: str) -> None:
    target = one(f"apis: {{openai: {{main: {{{key}models: [m]}}}}}}", EMPTY="")
    assert (target.readiness, target.readiness_reason) == (Readiness.NOT_CONFIGURED, reason)


def test_a_key_in_a_header_is_a_key(one: One) -> None:
    target = one("apis: {anthropic: {main: {headers: {X-Api-Key: k-12345678}, models: [m]}}}")
    assert target.readiness is Readiness.READY


@pytest.mark.parametrize("word", ["EMPTY", "none", "ollama", "not-needed"])
def test_what_manuals_of_local_servers_tell_to_write_is_a_key_and_no_secret(load: Load, word: str) -> None:
    settings = load(f"apis: {{vllm: {{main: {{api_key: {word}, models: [m]}}}}}}")
    assert settings.targets[0].api_key == Secret(word)
    assert settings.secrets == ()


def test_an_unknown_server_without_api_key_is_probed_without_one(one: One) -> None:
    target = one("apis: {mine: {main: {base_url: 'http://10.0.0.5:8000/v1', models: [m]}}}")
    assert (target.readiness, target.api_key) == (Readiness.READY, None)


def test_an_unknown_server_whose_key_is_a_placeholder_is_not_configured(one: One) -> None:
    target = one(
        "apis: {mine: {main: {base_url: 'https://llm.example.com/v1', api_key: example, models: [m]}}}"
    )
    assert target.readiness is Readiness.NOT_CONFIGURED


@pytest.mark.parametrize(
    "url",
    ["https://your-resource.openai.azure.com", "https://<name>.openai.azure.com", "https://....azure.com"],
)
def test_a_placeholder_for_an_address_is_not_configured(one: One, url: str) -> None:
    target = one(f"apis: {{azure: {{main: {{api_key: k-12345678, endpoint: '{url}', models: [m]}}}}}}")
    assert target.readiness_reason == "the address is a placeholder"


# Keys in files.


def test_a_key_file_is_read_relative_to_the_configuration(load: Load, config: Path) -> None:
    (config.parent / "secrets").mkdir()
    (config.parent / "secrets" / "key").write_text("sk-from-a-file-1\n")
    settings = load("apis: {openai: {main: {api_key_file: secrets/key, models: [m]}}}")
    assert settings.targets[0].api_key == Secret("sk-from-a-file-1")
    assert settings.key_files == (config.parent / "secrets" / "key",)
    assert Secret("sk-from-a-file-1") in settings.secrets


def test_the_name_of_a_key_file_may_be_a_variable(one: One, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-from-a-file-2")
    text = "apis: {openai: {main: {api_key_file: '${KEY_FILE}', models: [m]}}}"
    assert one(text, KEY_FILE=str(tmp_path / "key")).api_key == Secret("sk-from-a-file-2")
    assert one(text).readiness_reason == "environment variable KEY_FILE is not set"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, 'api_key_file "key" does not exist'),
        (b"", 'api_key_file "key" is empty'),
        (b"your-key-here\n", 'api_key_file "key" is a placeholder'),
        (b"\xff\xfe\x00", 'api_key_file "key" cannot be read'),
        (b"x" * 9000, 'api_key_file "key" is longer than 8192 bytes'),
    ],
)
def test_a_key_file_without_a_key_is_not_configured(
    one: One, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    target = one("apis: {openai: {main: {api_key_file: key, models: [m]}}}")
    assert (target.readiness, target.readiness_reason) == (Readiness.NOT_CONFIGURED, reason)


def test_a_directory_for_a_key_file_is_not_configured(one: One) -> None:
    target = one("apis: {openai: {main: {api_key_file: ., models: [m]}}}")
    assert target.readiness_reason == 'api_key_file "." is not a file'


# Secrets.


def test_everything_secret_is_known_to_the_redactor(load: Load) -> None:
    settings = load(
        """
        apis:
          openai:
            main:
              api_key: sk-key-number-one
              headers:
                X-Auth-Token: header-secret-1
                X-Team: plain
                X-Var: "${FROM_OUTSIDE}"
                Authorization: Bearer abc-def-ghi
              proxy: http://me:proxy-pass-1@proxy.example.com:3128
              models: [m]
        """,
        FROM_OUTSIDE="outside-value-1",
    )
    texts = {secret.reveal() for secret in settings.secrets}
    assert texts >= {"sk-key-number-one", "header-secret-1", "outside-value-1", "proxy-pass-1", "abc-def-ghi"}
    assert "plain" not in texts
    assert settings.targets[0].proxy == Secret("http://me:proxy-pass-1@proxy.example.com:3128")


def test_no_repr_shows_a_key(load: Load) -> None:
    settings = load(
        """
        apis: {openai: {main: {api_key: sk-key-number-one, proxy: "http://me:proxy-pass-1@proxy:1", models: [m]}}}
        web: {admin_token: admin-token-one}
        store: {uri: "mongodb://me:store-pass-1@db"}
        """
    )
    for secret in ("sk-key-number-one", "proxy-pass-1", "admin-token-one", "store-pass-1"):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("url", "is_warned"),
    [
        ("http://llm.example.com/v1", True),
        ("http://8.8.8.8/v1", True),
        ("https://llm.example.com/v1", False),
        ("http://127.0.0.1:8000/v1", False),
        ("http://192.168.1.4/v1", False),
        ("http://gateway:8000/v1", False),
        ("http://gateway.internal/v1", False),
    ],
)
def test_a_key_over_open_http_is_warned_of(load: Load, url: str, is_warned: bool) -> None:
    settings = load(f"apis: {{mine: {{main: {{api_key: k-12345678, base_url: '{url}', models: [m]}}}}}}")
    said = [warning.message for warning in settings.warnings]
    assert said == (["the key travels over unencrypted http"] if is_warned else [])


def test_an_attempt_longer_than_the_interval_is_warned_of_once_for_each_place(load: Load) -> None:
    settings = load(
        """
        apis:
          ollama:
            main: {interval: 30s, models: [a, b, c]}
            other: {interval: 30s, deadlines: {total: 30s}, models: [d]}
        """
    )
    assert [str(warning).partition(": ")[2] for warning in settings.warnings] == [
        "apis.ollama.main.interval: an attempt may take 1m40s, longer than the interval of 30s: "
        "slots that fall due meanwhile are missed. Lower deadlines.total, or raise interval"
    ]


def test_settings_for_a_provider_that_is_not_there_are_warned_of(load: Load) -> None:
    settings = load("providers: {olama: {interval: 5m}}\napis: {ollama: {main: {models: [m]}}}")
    assert [str(warning).partition(": ")[2] for warning in settings.warnings] == [
        'providers.olama: "olama" is no provider under apis:, so these settings apply to nothing. Did you mean ollama?'
    ]
