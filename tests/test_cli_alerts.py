"""`app.py alert` as an operator meets it: real processes, real receivers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.receivers import HttpReceiver, SmtpReceiver, http_receiver, smtp_receiver
from tests.test_cli import app

HIDDEN = "tok3nneverShown"


@pytest.fixture
def hook() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[SmtpReceiver]:
    with smtp_receiver() as receiver:
        yield receiver


def config_with(directory: Path, *channels: str, more: str = "") -> str:
    path = directory / "local.yaml"
    lines = "".join(f"    - {channel}\n" for channel in channels)
    path.write_text(
        f"apis: {{ollama: {{main: {{models: [small, large]}}}}}}\nalerts:\n{more}  channels:\n{lines}"
    )
    return str(path)


def test_a_test_goes_through_every_channel_and_says_so(
    tmp_path: Path, hook: HttpReceiver, mail: SmtpReceiver
) -> None:
    address = f"mailto://127.0.0.1:{mail.port}?from=probe@example.com&to=ops@example.com&mode=insecure"
    config = config_with(
        tmp_path,
        f"{{name: hook, type: webhook, url: '{hook.url}/{HIDDEN}'}}",
        f"{{name: mail, type: apprise, url: '{address}'}}",
        f"{{name: bridge, type: alertmanager, url: '{hook.url}/bridge'}}",
    )
    ran = app("alert", "test", "--config", config)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "hook (webhook): accepted",
        "mail (apprise): accepted",
        "bridge (alertmanager): accepted",
    ]
    assert mail.mails[0]["subject"] == "Test of channel mail"
    told, bridged = (json.loads(received.body) for received in hook.accepted)
    assert (told["type"], told["incidents"]) == ("alert.test", [])
    assert (bridged["version"], bridged["status"]) == ("4", "resolved")


def test_a_channel_that_refuses_makes_the_test_fail_without_its_address(
    tmp_path: Path, hook: HttpReceiver
) -> None:
    hook.answers = [403]
    config = config_with(
        tmp_path,
        f"{{name: good, type: webhook, url: '{hook.url}/good'}}",
        f"{{name: bad, type: webhook, url: '{hook.url}/{HIDDEN}'}}",
    )
    ran = app("alert", "test", "bad", "--config", config)
    assert (ran.returncode, ran.stdout) == (1, "bad (webhook): failed: HTTP 403\n")
    assert [received.path for received in hook.received] == [f"/{HIDDEN}"]
    assert HIDDEN not in ran.stdout + ran.stderr


def test_an_unknown_channel_is_told_with_the_nearest(tmp_path: Path) -> None:
    config = config_with(tmp_path, "{name: oncall, type: webhook, url: 'http://127.0.0.1:9/'}")
    ran = app("alert", "test", "onkall", "--config", config)
    assert ran.returncode == 2
    assert "Did you mean oncall?" in ran.stderr


def test_the_list_tells_what_each_channel_hears_of_and_no_address(tmp_path: Path) -> None:
    config = config_with(
        tmp_path,
        f"{{name: oncall, type: webhook, url: 'http://127.0.0.1:9/{HIDDEN}', targets: ['*/large'],"
        " min_severity: down, remind_after: 4h, quiet_hours: {from: 22:00, to: 07:00}}",
        more=f"  heartbeat_url: https://beat.example.com/{HIDDEN}\n",
    )
    ran = app("alert", "list", "--config", config)
    assert ran.returncode == 0, ran.stderr
    assert "hears of   */large: 1 targets, 1 of them probed" in ran.stdout
    assert "from       down on" in ran.stdout
    assert "22:00 to 07:00 UTC, except down" in ran.stdout
    assert "heartbeat every 1m" in ran.stdout
    assert HIDDEN not in ran.stdout + ran.stderr


@pytest.mark.parametrize("command", [("check",), ("alert", "list")])
def test_an_address_that_apprise_cannot_use_stops_every_command(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    config = config_with(tmp_path, f"{{name: typo, type: apprise, url: 'slak://{HIDDEN}/x'}}")
    ran = app(*command, "--config", config)
    assert ran.returncode == 2
    assert ran.stderr.endswith(
        "local.yaml:4:40: alerts.channels[0].url: the value is not an address that Apprise knows. "
        "Compare with the list of services at appriseit.com\n"
    )
    assert HIDDEN not in ran.stderr


def test_without_channels_there_is_nothing_to_test(tmp_path: Path) -> None:
    config = tmp_path / "local.yaml"
    config.write_text("apis: {ollama: {main: {models: [small]}}}\n")
    assert app("alert", "test", "--config", str(config)).returncode == 2
    assert app("alert", "list", "--config", str(config)).returncode == 0


def test_alert_alone_shows_what_it_can_do() -> None:
    ran = app("alert")
    assert ran.returncode == 2
    assert "COMMAND" in ran.stderr
    for word in ("test", "list"):
        assert word in app("alert", "--help").stdout
        assert app("alert", word, "--help").returncode == 0
