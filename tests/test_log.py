import logging

import pytest

from probes.log import MASK, RedactingFormatter, Redactor


@pytest.mark.parametrize(
    "leak",
    [
        "configured-secret-value",
        "sk-proj-abcdefghijklmnop",
        "sk-ant-api03-AbCdEf_123456",
        "AIzaSyA1234567890abcdefghijklmnop",
        "gsk_abcdefghijklmnop1234",
    ],
)
def test_keys_are_masked_wherever_they_stand(leak: str) -> None:
    redact = Redactor(["configured-secret-value"])
    text = redact(f"401: Incorrect API key provided: {leak}. See docs.")
    assert leak not in text
    assert MASK in text
    assert text.startswith("401: Incorrect API key provided: ")


def test_bearer_tokens_and_passwords_in_urls_are_masked() -> None:
    text = Redactor()("Authorization: Bearer abc123def456 via http://user:hunter22@proxy.example:3128/")
    assert "abc123def456" not in text
    assert "hunter22" not in text
    assert "proxy.example:3128" in text


def test_ordinary_text_stays_as_it_is() -> None:
    text = "The model `gpt-4o-mini` does not exist; task-force risk-taking, 12 tokens/s."
    assert Redactor(["ab"])(text) == text


def test_a_traceback_is_redacted_too() -> None:
    redact = Redactor()
    redact.learn(["late-secret-value"])
    try:
        raise ValueError("late-secret-value")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "f", 1, "failed", (), (type(error), error, error.__traceback__)
        )
    line = RedactingFormatter(redact).format(record)
    assert "late-secret-value" not in line
    assert "Traceback" in line


def test_another_process_can_learn_the_same() -> None:
    redact = Redactor(["configured-secret-value", "short"])
    assert Redactor(redact.secrets)("a configured-secret-value") == f"a {MASK}"
    assert redact.secrets == {"configured-secret-value"}
