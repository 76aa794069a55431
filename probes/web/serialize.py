"""Dataclasses -> JSON. The same types make the OpenAPI document, so what is documented is what is sent.

Times are ISO 8601 in UTC with Z, field names are the dataclasses', and a float that is no number becomes null.
"""

from functools import cache
from typing import Any, Final

from flask import Response
from pydantic import TypeAdapter

JSON: Final = "application/json"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(value: object, *, omit_none: bool = False) -> bytes:
    """The dataclass as one compact JSON document."""
    kind: Any = type(value)
    return _adapter(kind).dump_json(value, exclude_none=omit_none)


def json_response(value: object, status: int = 200) -> Response:
    return Response(to_json(value), status=status, mimetype=JSON)
