"""`alerts:` of the file: what it comes to, what is refused in which words, and that no address is ever shown."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from probes.alerts.channels.apprise import judge_addresses
from probes.domain.incident import Severity
from probes.domain.target import Secret
from probes.settings.alert_channels import secrets_of
from probes.settings.alerts import AlertSettings, Channel, ChannelType, QuietHours
from probes.settings.load import load_settings
from probes.settings.model import SettingsError
from probes.settings.reload import SettingsFile
from tests.settings.conftest import Load, Refuse

APIS = "apis: {ollama: {main: {models: [small, large]}}}\n"


def alerts(*channels: str, more: str = "") -> str:
    lines = "".join(f"    - {channel}\n" for channel in channels)
    return f"{APIS}alerts:\n{more}  channels:\n{lines}"


def hook(**changes: str) -> str:
    given = {"name": "ops", "type": "webhook", "url": "https://hooks.example.com/T0/abc123def456", **changes}
    return "{" + ", ".join(f"{key}: {value}" for key, value in given.items()) + "}"


def test_without_alerts_nobody_is_told(load: Load) -> None:
    assert load(APIS).alerts == AlertSettings()
    assert load(APIS + "alerts:\n").alerts.is_empty


def test_a_channel_is_read_with_all_its_settings(load: Load) -> None:
    quiet = "{from: 22:00, to: '07:30', timezone: Asia/Shanghai, except: null}"
    text = hook(
        secret="'${KEY}'",
        providers="[Ollama]",
        targets="['*/large']",
        min_severity="degraded",
        with_recovery="false",
        remind_after="4h",
        group_for="0",
        cooldown="1h",
        quiet_hours=quiet,
    )
    (channel,) = load(alerts(text), KEY="0123456789").alerts.channels
    assert channel.type is ChannelType.WEBHOOK
    assert channel.secret == Secret("0123456789")
    assert (channel.providers, channel.targets) == (("Ollama",), ("*/large",))
    assert (channel.min_severity, channel.with_recovery) == (Severity.DEGRADED, False)
    assert (channel.remind_after_seconds, channel.group_for_seconds, channel.cooldown_seconds) == (
        14400,
        0,
        3600,
    )
    quiet_hours = channel.quiet_hours
    assert quiet_hours is not None
    assert (str(quiet_hours.start), str(quiet_hours.end)) == ("22:00:00", "07:30:00")
    assert (quiet_hours.timezone, quiet_hours.unless) == ("Asia/Shanghai", None)


def test_defaults_of_the_file_are_those_of_the_program(load: Load) -> None:
    (channel,) = load(alerts(hook())).alerts.channels
    assert channel == Channel("ops", ChannelType.WEBHOOK, channel.url)
    (quiet,) = (
        c.quiet_hours for c in load(alerts(hook(quiet_hours="{from: 1:00, to: 2:00}"))).alerts.channels
    )
    assert quiet is not None
    assert quiet == QuietHours(quiet.start, quiet.end)


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        pytest.param(
            [hook(), hook()],
            'local.yaml:5:14: alerts.channels[1].name: "ops" is given twice, first in line 4. Rename one',
            id="a name twice",
        ),
        pytest.param(
            [hook(providers="[olama]")],
            'local.yaml:4:94: alerts.channels[0].providers[0]: "olama" is no provider of this file. '
            "Did you mean ollama?",
            id="an unknown provider",
        ),
        pytest.param(
            [hook(targets="[large]")],
            'local.yaml:4:92: alerts.channels[0].targets[0]: "large" is no target of this file. '
            "Known here: ollama/main/large, ollama/main/small",
            id="an unknown target",
        ),
        pytest.param(
            [hook(min_severity="bad")],
            'local.yaml:4:96: alerts.channels[0].min_severity: "bad" is not one of the allowed words. '
            "Allowed: attention, degraded, down",
            id="an unknown severity",
        ),
        pytest.param(
            [hook(providers="[]")],
            "local.yaml:4:93: alerts.channels[0].providers: the channel would hear of nothing. "
            "Name a provider or a target; without both it hears of all",
            id="nothing to hear of",
        ),
        pytest.param(
            [hook(url="hooks.example.com")],
            "local.yaml:4:39: alerts.channels[0].url: the value is not an http or https address. "
            "Write https://host/path",
            id="no web address",
        ),
        pytest.param(
            [hook(quiet_hours="{from: 25:00, to: 7:00, timezone: Mars/Base}")],
            'local.yaml:4:102: alerts.channels[0].quiet_hours.from: "25:00" is not a time of day. '
            'Write hours and minutes, as "22:00"\n'
            'local.yaml:4:129: alerts.channels[0].quiet_hours.timezone: "Mars/Base" is not a time zone. '
            'Write its IANA name, as "Europe/Berlin" or "UTC"',
            id="hours and zones that are none",
        ),
        pytest.param(
            [hook(quiet_hours="{form: 22:00, to: 7:00}")],
            'local.yaml:4:96: alerts.channels[0].quiet_hours.form: "form" is not a setting here. '
            "Did you mean from?\n"
            "local.yaml:4:95: alerts.channels[0].quiet_hours: the mapping lacks from. Add from:",
            id="a mistyped key",
        ),
        pytest.param(
            [hook(tag="ops")],
            'local.yaml:4:82: alerts.channels[0].tag: "tag" is not a setting here. Did you mean targets?',
            id="a tag of Apprise's is no setting",
        ),
        pytest.param(
            [hook(type="apprise", url="json://127.0.0.1", secret="0123456789")],
            "local.yaml:4:65: alerts.channels[0].secret: a channel of type apprise has no secret. "
            "Put it into the url",
            id="a secret that nobody would use",
        ),
        pytest.param(
            ["{name: ops, type: mail}"],
            'local.yaml:4:25: alerts.channels[0].type: "mail" is not one of the allowed words. '
            "Allowed: apprise, webhook, alertmanager\n"
            "local.yaml:4:7: alerts.channels[0]: the mapping lacks url. Add url:",
            id="an unknown type",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_its_place_and_cure(
    refuse: Refuse, channels: Sequence[str], said: str
) -> None:
    assert sorted(refuse(alerts(*channels)).splitlines()) == sorted(said.splitlines())


def test_a_missing_variable_is_told(refuse: Refuse) -> None:
    assert "environment variable HOOK is not set" in refuse(alerts(hook(url="'${HOOK}'")))


@pytest.fixture(scope="module")
def with_apprise() -> str:
    return alerts(
        "{name: good, type: apprise, url: 'json://127.0.0.1/x'}",
        "{name: typo, type: apprise, url: 'slak://TOKEN7secret1/x'}",
        "{name: incomplete, type: apprise, url: 'discord://WEBHOOK9secret'}",
    )


def test_an_address_that_apprise_cannot_use_is_an_error_at_start(tmp_path: Path, with_apprise: str) -> None:
    config = tmp_path / "local.yaml"
    config.write_text(dedent(with_apprise))
    with pytest.raises(SettingsError) as caught:
        load_settings(config, {}, judge_addresses)
    typo, incomplete = caught.value.problems
    assert (typo.line, typo.column, typo.path) == (5, 40, "alerts.channels[1].url")
    assert typo.message == "the value is not an address that Apprise knows"
    assert incomplete.message == "the value is not a complete address of that service"
    assert "secret" not in str(caught.value)


def test_a_reload_takes_new_channels_and_refuses_bad_ones(tmp_path: Path) -> None:
    config = tmp_path / "local.yaml"
    config.write_text(APIS)
    file = SettingsFile(config, {}, load_settings(config, {}), judge_addresses)
    file.poll()
    config.write_text(alerts(hook()))
    taken = file.reload()
    assert taken is not None
    assert taken.settings is not None
    assert [channel.name for channel in taken.settings.alerts.channels] == ["ops"]
    assert taken.restart_needed == ()
    assert taken.settings.version != load_settings_version(tmp_path)
    config.write_text(alerts("{name: typo, type: apprise, url: 'slak://x/y'}"))
    refused = file.reload()
    assert refused is not None
    assert refused.settings is None
    assert file.settings == taken.settings


def load_settings_version(directory: Path) -> str:
    plain = directory / "plain.yaml"
    plain.write_text(APIS)
    return load_settings(plain, {}).version


@pytest.mark.parametrize(
    ("url", "hidden", "shown"),
    [
        (
            "https://hooks.slack.com/services/T00000000/B11111111/Xy9Zw8Vu7",
            ["T00000000", "Xy9Zw8Vu7"],
            ["services"],
        ),
        ("https://me:pa%40ssword@example.com/hook", ["pa%40ssword", "pa@ssword"], ["example.com", "hook"]),
        ("tgram://123456789:abc4def5/12315544/", ["123456789", "abc4def5", "12315544"], []),
        ("http://127.0.0.1:8080/a?token=0a1b2c3d4e", ["0a1b2c3d4e"], ["127.0.0.1", "8080"]),
    ],
)
def test_whatever_looks_like_a_token_in_an_address_is_a_secret(
    url: str, hidden: list[str], shown: list[str]
) -> None:
    channel = Channel("ops", ChannelType.WEBHOOK, Secret(url))
    found = {secret.reveal() for secret in secrets_of(AlertSettings((channel,), heartbeat_url=Secret(url)))}
    assert found >= {url, *hidden}
    assert not found & set(shown)
