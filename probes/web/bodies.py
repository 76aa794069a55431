"""JSON bodies of requests, checked against a model; what is wrong with one is said with its field."""

from collections.abc import Callable
from typing import TypeVar

from flask import request
from flask_babel import force_locale
from pydantic import BaseModel, ValidationError

from probes.settings.values import REFUSED
from probes.web.errors import ErrorCode, Failure, RefusedError
from probes.web.i18n import Lazy, lazy
from probes.web.params import ParameterError
from probes.web.serialize import JSON

B = TypeVar("B", bound=BaseModel)


def json_body(kind: type[B], cure: Lazy | None = None, empty: Callable[[], B] | None = None) -> B:
    """The request's body. `empty` makes what no body stands for, where that is allowed; `cure` then says so.

    Raises RefusedError for another media type, ParameterError or RefusedError for wrong content.
    """
    raw = request.get_data()
    if empty is not None and not raw.strip():
        return empty()
    if request.mimetype != JSON:
        raise RefusedError(
            Failure(
                415,
                ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                lazy("The body is not declared as JSON."),
                cure=cure or lazy("Send Content-Type: application/json."),
            )
        )
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        raise _first_fault(error) from None


def refused_field(name: str, problem: Lazy | str, cure: str | None = None) -> RefusedError:
    """The refusal of one field, in the API's language."""
    with force_locale("en"):
        message = f"{name}: {problem}"
    return RefusedError(Failure(400, ErrorCode.BAD_PARAMETER, message, cure=cure, parameter=name))


def _first_fault(error: ValidationError) -> Exception:
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "body"
    if first["type"] == REFUSED:
        told = first["ctx"]
        return refused_field(name, str(told["message"]), str(told["cure"]))
    return ParameterError(name, "", first["msg"])
