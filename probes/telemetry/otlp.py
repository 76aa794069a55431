"""Measurements to a collector by OTLP over HTTP, through the OpenTelemetry SDK: its own thread sends every interval."""

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from probes import __version__
from probes.settings.model import TelemetrySettings
from probes.telemetry.gen_ai import SECONDS_LIMITS, TOKENS_LIMITS, Instrument, Measurement

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

PACKAGE: Final = "opentelemetry-exporter-otlp-proto-http"
_SEND_SECONDS: Final = 5  # for one export with its retries
_CLOSE_SECONDS: Final = 1.0  # of the time that a shutdown may take

_WORDS: Final = {
    Instrument.DURATION: "GenAI operation duration.",
    Instrument.FIRST_CHUNK: "Request sent to the first event of any kind.",
    Instrument.FIRST_TOKEN: "Request sent to the first generated token.",
    Instrument.TOKENS: "Tokens as the provider counts them.",
    Instrument.PROBES: "Probes that ran.",
}


class TelemetryError(Exception):
    """Metrics cannot be sent; the message says why and how to cure it."""


def require_package() -> None:
    """Raises TelemetryError where the optional package is not installed."""
    try:
        importlib.import_module("opentelemetry.exporter.otlp.proto.http.metric_exporter")
    except ImportError as error:
        raise TelemetryError(
            f"telemetry.otlp_endpoint is set, but a package is missing ({error.name}). "
            f"Run: pip install {PACKAGE}, or remove the section telemetry"
        ) from error


class OtlpMeter:
    """Takes measurements; needs the optional package."""

    def __init__(self, settings: TelemetrySettings, location: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource

        exporter = OTLPMetricExporter(
            endpoint=metrics_url(settings.otlp_endpoint or ""),
            headers={name.lower(): secret.reveal() for name, secret in settings.headers.items()},
            timeout=_SEND_SECONDS,
        )
        reader = PeriodicExportingMetricReader(
            exporter, settings.interval_seconds * 1000, _SEND_SECONDS * 1000
        )
        resource = Resource.create(
            {"service.name": "firsttoken", "service.version": __version__, "service.instance.id": location}
        )
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._take = _instruments(self._provider.get_meter("firsttoken", __version__))

    def record(self, measurement: Measurement) -> None:
        self._take[measurement.instrument](measurement.value, dict(measurement.attributes))

    def close(self) -> None:
        """Send what is left, within a second."""
        self._provider.shutdown(_CLOSE_SECONDS * 1000)


def metrics_url(endpoint: str) -> str:
    """As the exporter specification has it: a base address gets the signal's path."""
    return endpoint if endpoint.endswith("/v1/metrics") else f"{endpoint}/v1/metrics"


def _instruments(meter: "Meter") -> Mapping[Instrument, Callable[[float, dict[str, str | int]], None]]:
    taken: dict[Instrument, Callable[[float, dict[str, str | int]], None]] = {}
    for instrument, description in _WORDS.items():
        if instrument is Instrument.PROBES:
            taken[instrument] = meter.create_counter(instrument.value, "{probe}", description).add
        else:
            is_tokens = instrument is Instrument.TOKENS
            taken[instrument] = meter.create_histogram(
                instrument.value,
                "{token}" if is_tokens else "s",
                description,
                explicit_bucket_boundaries_advisory=TOKENS_LIMITS if is_tokens else SECONDS_LIMITS,
            ).record
    return taken
