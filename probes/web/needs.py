"""`?needs=max_ttft_p95:2,provider:openai` -> PickQuery. The same syntax checks as every other parameter."""

import math
from typing import Final

from probes.domain.target import Protocol
from probes.web.i18n import lazy
from probes.web.params import ParameterError, Parameters, window_of
from probes.web.queries.pick import Need, NeedName, PickQuery, Preference

MAX_NEEDS: Final = 50


def pick_query(parameters: Parameters) -> PickQuery:
    """`?needs=name:value,name:value&needs=...&window=&prefer=`. Raises ParameterError."""
    items = [item.strip() for text in parameters.texts("needs") for item in text.split(",")]
    if len(items) > MAX_NEEDS:
        raise ParameterError("needs", str(len(items)), lazy("more than %(n)s values", n=MAX_NEEDS))
    return PickQuery(
        needs=tuple(_need(item) for item in items if item),
        window=window_of(parameters),
        prefer=parameters.choice("prefer", Preference, Preference.TTFT),
    )


def _need(item: str) -> Need:
    written, _, value = (part.strip() for part in item.partition(":"))
    try:
        name = NeedName(written)
    except ValueError:
        raise ParameterError("needs", written, lazy("not a list of name:value"), NeedName) from None
    if not value:
        raise ParameterError("needs", item, lazy("not a list of name:value"))
    return Need(name, value, _limit(item, value)) if name.is_number else _named(name, value)


def _named(name: NeedName, value: str) -> Need:
    if name is NeedName.PROTOCOL and value not in list(Protocol):
        raise ParameterError("needs", value, lazy("no protocol of this name"), Protocol)
    if name is NeedName.LABEL and "=" not in value:
        raise ParameterError("needs", f"label:{value}", lazy("a label is asked for as label:name=value"))
    return Need(name, value)


def _limit(item: str, value: str) -> float:
    try:
        limit = float(value)
    except ValueError:
        limit = math.nan
    if not (math.isfinite(limit) and limit >= 0):
        raise ParameterError("needs", item, lazy("not a number from 0 on"))
    return limit
