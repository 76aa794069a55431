"""Results as OpenTelemetry metrics, away from measuring. The one home of `opentelemetry`, an optional package."""
