"""Real servers hear of an incident through every type of channel, also when they refuse at first."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from probes.alerts.channels import SENDERS
from probes.domain.delivery import DeliveryState
from probes.domain.target import Secret
from probes.settings.alerts import AlertSettings, ChannelType, Language
from tests.alerts.conftest import Desk
from tests.alerts.examples import QUICK, SLOW, a_channel, an_incident, resolved
from tests.alerts.receivers import HttpReceiver, http_receiver, smtp_receiver

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def mail_channel(port: int, **changes: object):  # type: ignore[no-untyped-def]
    url = f"mailto://127.0.0.1:{port}?from=probe@example.com&to=ops@example.com&mode=insecure"
    return a_channel("mail", url, type=ChannelType.APPRISE, **changes)


def content(receiver: HttpReceiver, n: int = -1) -> dict[str, object]:
    told: dict[str, object] = json.loads(receiver.accepted[n].body)
    return told


def test_every_type_of_channel_has_its_sender() -> None:
    assert set(SENDERS) == set(ChannelType)


def test_a_real_mail_arrives_after_the_server_refused_it_once(desk: Desk) -> None:
    with smtp_receiver(refusals=1) as server:
        desk.use(mail_channel(server.port))
        incident = desk.save(an_incident(QUICK, SLOW))
        desk.work()
        (waiting,) = desk.deliveries()
        assert (waiting.state, waiting.attempts, len(server.mails)) == (DeliveryState.PENDING, 1, 0)
        assert waiting.error
        desk.pass_time(1)
        assert server.attempts == 1, "it waits before it tries again"
        desk.pass_time(10)
        assert desk.deliveries()[0].state is DeliveryState.SENT
        desk.save(resolved(incident, desk.clock.now()))
        desk.pass_time(1)
    alarm, recovery = server.mails
    assert alarm["subject"] == "Down: acme, 2 models"
    assert alarm["to"] == "ops@example.com"
    text = alarm.get_body(("plain", "html")).get_content()  # type: ignore[union-attr]
    assert "3 probes in a row failed: server error" in text
    assert f"https://status.example.com/incidents/{incident.id}" in text
    assert recovery["subject"].startswith("Recovered after ")


def test_a_real_receiver_hears_through_apprise_after_a_503(desk: Desk) -> None:
    with http_receiver(503) as receiver:
        url = receiver.url.replace("http://", "json://") + "/hook"
        desk.use(a_channel("chat", url, type=ChannelType.APPRISE))
        desk.save(an_incident())
        desk.work()
        desk.pass_time(10)
    assert (len(receiver.received), len(receiver.accepted)) == (2, 1)
    assert content(receiver)["title"] == "Down: quick (acme)"
    assert content(receiver)["type"] == "failure"


def test_a_webhook_is_signed_so_that_a_library_of_others_verifies_it(desk: Desk) -> None:
    desk.clock.advance(
        (datetime.now(UTC) - desk.clock.now()).total_seconds()
    )  # verifiers refuse old messages
    with http_receiver(500) as receiver:
        desk.use(a_channel(url=receiver.url + "/hook?a=b", secret=Secret(SECRET)))
        incident = desk.save(an_incident())
        desk.work()
        desk.pass_time(10)
    refused, accepted = receiver.received
    assert refused.headers["webhook-id"] == accepted.headers["webhook-id"], "a repeat can be told"
    assert accepted.path == "/hook?a=b"
    verifier = Webhook(SECRET)
    told = verifier.verify(accepted.body, accepted.headers)
    assert told["type"] == "alert.problem"
    assert told["severity"] == "down"
    (one,) = told["incidents"]
    assert (one["id"], one["provider"], one["is_open"]) == (incident.id, "acme", True)
    assert one["affected"][0]["reason"] == {"key": "consecutive_failures", "n": 3, "outcome": "server_error"}
    with pytest.raises(WebhookVerificationError):
        verifier.verify(accepted.body.replace(b"down", b"fine"), accepted.headers)


def test_alertmanager_receivers_get_the_shape_that_they_know(desk: Desk) -> None:
    with http_receiver() as receiver:
        token = Secret("token-0123456789")
        desk.use(a_channel(url=receiver.url, type=ChannelType.ALERTMANAGER, secret=token))
        incident = desk.save(an_incident(QUICK, SLOW))
        desk.work()
        desk.clock.advance(1200)
        desk.save(resolved(incident, desk.clock.now()))
        desk.pass_time(1)
    firing, over = content(receiver, 0), content(receiver, 1)
    assert receiver.accepted[0].headers["authorization"] == "Bearer token-0123456789"
    assert (firing["version"], firing["status"], over["status"]) == ("4", "firing", "resolved")
    fields = {"version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels"}
    assert set(firing) == fields | {"commonAnnotations", "externalURL", "alerts"}
    first, last = firing["alerts"], over["alerts"]
    assert isinstance(first, list)
    assert isinstance(last, list)
    assert [alert["labels"]["target"] for alert in first] == [QUICK, SLOW]
    assert {alert["endsAt"] for alert in first} == {"0001-01-01T00:00:00Z"}
    assert [a["fingerprint"] for a in first] == [a["fingerprint"] for a in last]
    assert last[0]["startsAt"] == "2026-11-21T11:55:00.000Z"
    assert last[0]["endsAt"] == "2026-11-21T12:19:00.000Z"


def test_a_redirect_is_no_success(desk: Desk) -> None:
    with http_receiver(302) as receiver:
        desk.use(a_channel(url=receiver.url))
        desk.save(an_incident())
        desk.work()
    assert receiver.accepted == []
    assert desk.deliveries()[0].error == "HTTP 302"


def test_a_login_in_the_address_becomes_a_header(desk: Desk) -> None:
    with http_receiver() as receiver:
        desk.use(a_channel(url=receiver.url.replace("://", "://me:p%40ss@")))
        desk.save(an_incident())
        desk.work()
    assert receiver.accepted[0].headers["authorization"] == "Basic bWU6cEBzcw=="


def test_what_fails_never_shows_its_address(desk: Desk) -> None:
    secret = "tok3nverysecret"
    desk.redact.learn([secret])
    chat = a_channel("chat", f"json://127.0.0.1:9/{secret}", type=ChannelType.APPRISE)
    desk.use(a_channel(url=f"http://127.0.0.1:9/{secret}"), chat)
    desk.save(an_incident())
    desk.work()
    errors = [delivery.error for delivery in desk.deliveries()]
    assert all(errors)
    assert not [error for error in errors if secret in error]


def test_messages_speak_chinese_if_asked_to(desk: Desk) -> None:
    desk.alerts = AlertSettings(language=Language.ZH)
    with http_receiver() as receiver:
        desk.use(a_channel(url=receiver.url))
        desk.save(an_incident())
        desk.work()
    assert content(receiver)["title"] == "故障: quick (acme)"
    assert "连续 3 次探测失败：服务器错误" in str(content(receiver)["text"])


def test_hostile_names_stay_on_their_line_and_out_of_headers(desk: Desk) -> None:
    hostile = "acme/main/a\r\nBcc: thief@example.com\u202e<script>" + "x" * 500
    with smtp_receiver() as server:
        desk.use(mail_channel(server.port))
        desk.save(an_incident(hostile))
        desk.work()
    (mail,) = server.mails
    assert mail["bcc"] is None
    assert len(mail["subject"]) <= 200
    assert mail.get_content_type() == "text/plain"
    assert "Bcc: thief" in mail.get_content()
