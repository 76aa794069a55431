"""The more specific setting wins: options of several levels merged into one, and where a value came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from probes.domain.target import Deadlines, Objectives, Prices, Thresholds
from probes.settings.document import Node, key_mark
from probes.settings.faults import Faults, Path
from probes.settings.options import (
    DeadlineOptions,
    Options,
    PriceOptions,
    Section,
    SloOptions,
    ThresholdOptions,
)
from probes.settings.values import duration_text

_SECTIONS: Final = ("deadlines", "thresholds", "slo", "prices")
_MAPPINGS: Final = ("labels", "extra_body")


@dataclass(frozen=True, slots=True)
class Layer:
    """Options given at one place of the file; an empty path is knowledge of ours, not the operator's."""

    path: Path
    options: Options

    def gives(self, key: str, inner: str | None = None) -> bool:
        if key not in self.options.model_fields_set:
            return False
        section = getattr(self.options, key)
        return inner is None or (isinstance(section, Section) and inner in section.model_fields_set)


def merged(layers: Sequence[Layer]) -> Options:
    """One set of options; later layers win, key by key inside sections, labels and extra_body."""
    result: dict[str, object] = {}
    for layer in layers:
        given = {name: getattr(layer.options, name) for name in layer.options.model_fields_set}
        for name in _SECTIONS:
            if name in given and name in result:
                given[name] = _merged_section(result[name], given[name])
        for name in _MAPPINGS:
            if name in given:
                given[name] = {**_mapping(result.get(name)), **_mapping(given[name])}
        if "reuse_connection" in given:
            given["connection"] = "reuse" if given.pop("reuse_connection") else "fresh"
        result.update((name, value) for name, value in given.items() if name in Options.model_fields)
    return Options().model_copy(update=result)


def origin(layers: Sequence[Layer], key: str, inner: str | None = None) -> Path:
    """Where the winning value stands in the file; empty when the operator gave none."""
    for layer in reversed(layers):
        if layer.path and layer.gives(key, inner):
            return (*layer.path, key) if inner is None else (*layer.path, key, inner)
    return ()


def _merged_section(below: object, above: object) -> Section:
    assert isinstance(below, Section)
    assert isinstance(above, Section)
    return below.model_copy(update={name: getattr(above, name) for name in above.model_fields_set})


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}


def prices_of(options: PriceOptions | None) -> Prices:
    given = options or PriceOptions()
    return Prices(
        input_per_million=given.input_per_million,
        output_per_million=given.output_per_million,
        cached_input_per_million=given.cached_input_per_million,
    )


@dataclass(frozen=True, slots=True)
class LimitChecker:
    """Deadlines and thresholds of merged options; what contradicts itself becomes a fault where it was written."""

    root: Node
    faults: Faults

    def deadlines(self, options: DeadlineOptions | None, layers: Sequence[Layer]) -> Deadlines:
        """A limit that nobody gave shrinks with a shorter total; one that was given may not exceed it."""
        given, usual = options or DeadlineOptions(), Deadlines()
        total = usual.total_seconds if given.total is None else given.total
        for name in ("connect", "tls", "first_token", "stall"):
            seconds = getattr(given, name)
            if seconds is not None and seconds > total:
                self._fault(
                    layers,
                    ("deadlines", name, "total"),
                    f"{name} ({duration_text(seconds)}) is longer than total ({duration_text(total)})",
                    f"Raise total, or lower {name}",
                )
        return Deadlines(
            connect_seconds=_or(given.connect, min(usual.connect_seconds, total)),
            tls_seconds=_or(given.tls, min(usual.tls_seconds, total)),
            first_token_seconds=_or(given.first_token, min(usual.first_token_seconds, total)),
            stall_seconds=_or(given.stall, min(usual.stall_seconds, total)),
            total_seconds=total,
        )

    def thresholds(self, options: ThresholdOptions | None, layers: Sequence[Layer]) -> Thresholds:
        given, usual = options or ThresholdOptions(), Thresholds()
        limits = {
            "smooth": _or(given.smooth, usual.smooth_seconds),
            "available": _or(given.available, usual.available_seconds),
            "congestion": _or(given.congestion, usual.congestion_seconds),
            "lagging": _or(given.lagging, usual.lagging_seconds),
        }
        for lower, higher in pairwise(limits):
            if limits[lower] >= limits[higher]:
                self._fault(
                    layers,
                    ("thresholds", lower, higher),
                    f"{lower} ({duration_text(limits[lower])}) is not below "
                    f"{higher} ({duration_text(limits[higher])})",
                    "Give smooth < available < congestion < lagging",
                )
        return Thresholds(*limits.values())

    def objectives(
        self, options: SloOptions | None, deadlines: Deadlines, layers: Sequence[Layer]
    ) -> Objectives:
        """An answer that begins after the deadline is a failure, so a limit beyond it could never be missed."""
        given = options or SloOptions()
        limit, deadline = given.ttft_p95, deadlines.first_token_seconds
        if limit is not None and limit >= deadline:
            path = origin(layers, "slo", "ttft_p95")
            self.faults.add(
                f"ttft_p95 ({duration_text(limit)}) is not below "
                f"deadlines.first_token ({duration_text(deadline)})",
                "Lower ttft_p95, or raise the deadline",
                path,
                key_mark(self.root, path),
            )
        return Objectives(given.availability, limit)

    def _fault(self, layers: Sequence[Layer], where: tuple[str, str, str], message: str, cure: str) -> None:
        section, one, other = where
        path = max(origin(layers, section, one), origin(layers, section, other), key=len)
        self.faults.add(message, cure, path, key_mark(self.root, path))


def _or(seconds: float | None, usual: float) -> float:
    return usual if seconds is None else seconds
