"""Results of a whole agent arrive at a real collector; whatever the collector does, the agent goes on."""

import logging
import sys
import threading
from pathlib import Path

import pytest

from probes.domain.result import Trigger
from probes.domain.target import Secret
from probes.log import Redactor
from probes.service import Context, Options, Place, StartError, build_agent
from probes.settings.load import load_settings
from probes.settings.model import TelemetrySettings
from probes.simulator.run import serve_in_thread
from probes.store.base import ResultQuery
from probes.telemetry.gen_ai import Measurement
from probes.telemetry.handover import WAITING_AT_MOST, Handover
from probes.telemetry.otlp import OtlpMeter, metrics_url
from tests.agent.conftest import World
from tests.examples import a_result
from tests.telemetry.collector import collecting
from tests.waiting import wait_until

DURATION = "gen_ai.client.operation.duration"


class SlowMeter:
    """Takes its first measurement only when it is let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.taken: list[Measurement] = []

    def record(self, measurement: Measurement) -> None:
        self.gate.wait(10)
        self.taken.append(measurement)

    def close(self) -> None:
        """Nothing to send."""


def test_what_an_agent_measures_arrives_at_a_collector(tmp_path: Path) -> None:
    with serve_in_thread() as simulator, collecting() as collector:
        world = World(tmp_path, simulator)
        extra = (
            f"telemetry: {{otlp_endpoint: '{collector.url}', interval: 1s, headers: {{X-Token: t-0123}}}}\n"
        )
        world.write_config("fast", "error-500", extra=extra)
        store = world.open_store()
        with world.running_agent():
            wait_until("both to arrive", lambda: len(collector.points("firsttoken.probes")) == 2)
        store.close()
    by_model = {told["gen_ai.request.model"]: (told, point) for told, point in collector.points(DURATION)}
    told, point = by_model["fast"]
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "acme"
    assert told["server.address"] == "127.0.0.1"
    assert told["server.port"] == simulator.port
    assert "error.type" not in told
    assert (point.count, list(point.explicit_bounds)[:2]) == (1, [0.01, 0.02])
    assert 0 < point.sum < 20
    assert by_model.keys() == {"fast"}, "nobody knows how long the other one took"
    counted = {
        told["gen_ai.request.model"]: told.get("error.type")
        for told, _ in collector.points("firsttoken.probes")
    }
    assert counted == {"fast": None, "error-500": "server_error"}
    first_chunks = {
        told["gen_ai.request.model"]
        for told, _ in collector.points("gen_ai.client.operation.time_to_first_chunk")
    }
    assert first_chunks == {"fast"}
    assert collector.resource()["service.name"] == "firsttoken"
    assert collector.units()[DURATION] == "s"
    assert set(collector.paths) == {"/v1/metrics"}
    assert collector.headers[0]["x-token"] == "t-0123"


def test_a_collector_that_refuses_disturbs_nothing(tmp_path: Path) -> None:
    with serve_in_thread() as simulator, collecting(status=400) as collector:
        world = World(tmp_path, simulator)
        world.write_config("fast", extra=f"telemetry: {{otlp_endpoint: '{collector.url}', interval: 1s}}\n")
        store = world.open_store()
        with world.running_agent():
            wait_until("a refusal", lambda: collector.requests)
        assert store.results(ResultQuery(triggers=[Trigger.SCHEDULED])).results
        store.close()


def test_what_waits_at_the_end_is_still_sent() -> None:
    with collecting() as collector:
        settings = TelemetrySettings(collector.url, {"X-Token": Secret("t-0123")}, interval_seconds=3600.0)
        handover = Handover(OtlpMeter(settings, "here"), lambda _target: None)
        handover.offer([a_result(), a_result()])
        handover.close()
        ((_, point),) = collector.points(DURATION)
    assert point.count == 2


def test_more_than_the_queue_holds_is_dropped_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    meter = SlowMeter()
    handover = Handover(meter, lambda _target: None)
    with caplog.at_level(logging.WARNING):
        handover.offer([a_result() for _ in range(WAITING_AT_MOST + 150)])
    assert 149 <= handover.dropped <= 150  # one may be in the meter's hands
    assert "telemetry does not keep up, 1 results dropped so far" in caplog.text
    assert "telemetry does not keep up, 101 results dropped so far" in caplog.text
    meter.gate.set()
    handover.close()
    assert {m.attributes["gen_ai.request.model"] for m in meter.taken} == {"quick"}


@pytest.mark.parametrize("endpoint", ["http://h:4318", "http://h:4318/v1/metrics"])
def test_the_signals_path_is_added_once(endpoint: str) -> None:
    assert metrics_url(endpoint) == "http://h:4318/v1/metrics"


def test_a_missing_package_is_told_at_the_start_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    config = tmp_path / "local.yaml"
    config.write_text("apis: {}\ntelemetry: {otlp_endpoint: 'http://127.0.0.1:9'}\n")
    settings = load_settings(config, {})
    place = Place(config, tmp_path, is_demo=False)
    with pytest.raises(StartError, match="pip install opentelemetry-exporter-otlp-proto-http"):
        build_agent(Context(Options(config=config, data=tmp_path), place, settings, Redactor()))
