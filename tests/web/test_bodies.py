"""Bodies of requests: taken, or refused with the field that is to blame."""

import pytest
from flask import Flask
from pydantic import BaseModel, ConfigDict

from probes.web.bodies import json_body
from probes.web.errors import ErrorCode, RefusedError
from probes.web.params import ParameterError
from probes.web.serialize import JSON


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    words: list[str] = []


def asked(body: str, mimetype: str = JSON, *, may_be_empty: bool = False) -> Words:
    with Flask(__name__).test_request_context(method="POST", data=body, content_type=mimetype):
        return json_body(Words, empty=Words if may_be_empty else None)


def test_a_good_body_is_taken() -> None:
    assert asked('{"words": ["a"]}').words == ["a"]


def test_no_body_is_taken_only_where_it_means_something() -> None:
    assert asked("", "text/plain", may_be_empty=True).words == []
    with pytest.raises(RefusedError):
        asked("", "text/plain")


def test_another_media_type_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        asked("words=a", "application/x-www-form-urlencoded", may_be_empty=True)
    assert (refused.value.failure.status, refused.value.failure.code) == (
        415,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param('{"words": [1]}', "words.0", id="a wrong type"),
        pytest.param('{"word": []}', "word", id="an unknown field"),
        pytest.param("{", "body", id="no JSON"),
    ],
)
def test_a_bad_body_names_its_field(body: str, field: str) -> None:
    with pytest.raises(ParameterError) as refused:
        asked(body)
    assert field in str(refused.value)
