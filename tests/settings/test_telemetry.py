"""The section `telemetry`: off by default, strict, and silent about its secrets."""

import pytest

from probes.domain.target import Secret
from probes.settings.diff import restart_needed
from probes.settings.model import SettingsError, TelemetrySettings
from tests.settings.conftest import Load

BASE = "apis: {ollama: {main: {models: [m]}}}\n"
FULL = "telemetry: {otlp_endpoint: 'http://localhost:4318/', interval: 15s, headers: {Authorization: '${TOKEN}'}}"


def test_nothing_is_sent_unless_an_address_is_given(load: Load) -> None:
    assert load(BASE).telemetry == load(f"{BASE}telemetry:").telemetry == TelemetrySettings()


def test_the_section_comes_through_and_its_secret_is_learnt(load: Load) -> None:
    settings = load(BASE + FULL, TOKEN="Bearer 0123456789")
    token = Secret("Bearer 0123456789")
    assert settings.telemetry == TelemetrySettings("http://localhost:4318", {"Authorization": token}, 15.0)
    assert token in settings.secrets
    assert "0123456789" not in repr(settings)


def test_a_new_token_is_no_new_configuration_but_needs_a_restart(load: Load) -> None:
    one, other = (load(BASE + FULL, TOKEN=token) for token in ("Bearer 0123456789", "Bearer 9876543210"))
    assert one.version == other.version
    assert restart_needed(one, other) == ("telemetry",)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{headers: {X-Token: abc}}", "has headers and no otlp_endpoint"),
        ("{otlp_endpoint: 'localhost:4318'}", "is not an http or https address"),
        ("{otlp_endpoint: 'http://me:secret@h'}", "holds a user name or password"),
        ("{otlp_endpoint: 'http://h', interval: 0}", "is too short"),
        ("{otlp_endpoint: 'http://h', headers: {'X Token': abc}}", "is not a header's name"),
        ("{endpoint: 'http://h'}", "Did you mean otlp_endpoint?"),
    ],
)
def test_what_cannot_work_is_refused(load: Load, section: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(f"{BASE}telemetry: {section}")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
