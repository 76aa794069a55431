"""The section `telemetry`: where results go as OpenTelemetry metrics. Nothing is sent unless an address is given."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from probes.domain.target import Secret
from probes.settings.model import TelemetrySettings
from probes.settings.options import Section
from probes.settings.values import Duration, Given, HeaderName, HeaderValue, Url, refused

_ExportInterval = Annotated[float, Duration(1.0, 3600.0)]


class TelemetryOptions(Section):
    otlp_endpoint: Annotated[Url | None, Given()] = Field(
        None,
        description="A collector, such as http://localhost:4318; agents send metrics to its /v1/metrics.",
    )
    headers: Annotated[dict[HeaderName, HeaderValue] | None, Given()] = Field(
        None,
        description="Headers of each export; values never leave the process otherwise.",
        json_schema_extra={"default": {}},
    )
    interval: _ExportInterval = Field(
        TelemetrySettings().interval_seconds, description="Time between two exports; changes need a restart."
    )

    @model_validator(mode="after")
    def _sends_somewhere(self) -> Self:
        if self.headers and self.otlp_endpoint is None:
            raise refused("has headers and no otlp_endpoint", "Give otlp_endpoint, or remove headers")
        return self


def _empty_is_absent(value: object) -> object:
    return {} if value is None else value


Telemetry = Annotated[TelemetryOptions, BeforeValidator(_empty_is_absent)]


def telemetry_of(options: TelemetryOptions) -> TelemetrySettings:
    headers = {name: Secret(value) for name, value in (options.headers or {}).items()}
    return TelemetrySettings(options.otlp_endpoint, headers, options.interval)


def secrets_of(settings: TelemetrySettings) -> Iterator[Secret]:
    yield from settings.headers.values()
