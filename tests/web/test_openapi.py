"""The OpenAPI document: complete, valid, and true of every real answer."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from probes.domain.outcome import Outcome
from probes.domain.plan import PlanDiff, Problem
from probes.domain.result import (
    Phase,
    ProbeResult,
    Quality,
    RateLimit,
    Stamps,
    TokensSource,
    Trigger,
)
from probes.domain.state import Reason, State, Verdict
from probes.domain.upkeep import Maintenance, Pause, Repeat
from probes.store.base import IncidentQuery, RefreshUpdate
from probes.web.openapi import OPERATIONS
from tests.examples import NOON, a_result
from tests.web.incident_examples import an_incident, stored
from tests.web.serving import Board, a_board, a_plan, an_agent

ROOT_URI = "urn:openapi"
HTTP_METHODS = {"get", "post", "put", "delete", "patch"}


def a_full_result() -> ProbeResult:
    """Every optional field has a value."""
    return a_result(
        sdk_version="3.52.0",
        phase=Phase.END,
        dns_seconds=0.01,
        connect_seconds=0.02,
        tls_seconds=0.03,
        connection_reused=False,
        ttft_kind="text",
        tokens_source=TokensSource.USAGE,
        rate_limits=(RateLimit("requests", 100, 99, 1.5),),
        answer_ok=True,
        stamps=Stamps.KERNEL,
        quality=Quality.EXACT,
        cost=0.0001,
        error="hostile <b>\u202e text",
    )


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """A board with everything on it."""
    board = a_board(tmp_path)
    problem = Problem("unknown key", "Did you mean models?", "apis.acme", 7, 3, "local.yaml")
    board.store.put_plan(a_plan(last_diff=PlanDiff(added=("acme/main/quick",)), problems=(problem,)))
    board.store.beat(an_agent(lag_seconds=None, next_due_at=None, agent="b@test", is_active=False))
    failures = [
        a_result(outcome, due_at=NOON - timedelta(minutes=minute), target="acme/main/slow")
        for minute, outcome in enumerate(Outcome)
    ]
    board.store.add_results([a_full_result(), a_result(trigger=Trigger.CONFIRM), *failures])
    board.store.add_results(
        [
            a_result(due_at=NOON + timedelta(seconds=second), served_model=model)
            for second, model in enumerate(("x-1", "x-2"), start=1)
        ]
    )
    stored(
        board.store,
        an_incident(started_at=NOON - timedelta(minutes=9)),
        an_incident("acme/main/slow", started_at=NOON - timedelta(days=1), lasted=timedelta(hours=1)),
    )
    board.store.set_verdict("acme/main/quick", Verdict(State.OPERATIONAL, Reason("healthy"), NOON, NOON))
    start = NOON.replace(tzinfo=None) - timedelta(days=9, hours=1)
    weekly = Maintenance("m1", "Move", start, 7200.0, "Europe/Berlin", Repeat.WEEKLY, providers=("acme",))
    board.store.put_maintenance(weekly)
    board.store.put_pause(Pause("acme/main/slow", NOON, NOON + timedelta(hours=1), "quiet"))
    return board


@pytest.fixture
def document(board: Board) -> dict[str, Any]:
    answer = board.client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json  # type: ignore[assignment]
    return found


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Validator:
    """Of a schema whose references lead into the document."""
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(ROOT_URI, resource)
    absolute = json.loads(json.dumps(schema).replace('"#/components', f'"{ROOT_URI}#/components'))
    return Draft202012Validator(absolute, registry=registry, format_checker=FormatChecker())


def described_paths(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_document_is_a_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert {"title", "version", "license"} <= set(document["info"])
    ids = [operation["operationId"] for _, _, operation in described_paths(document)]
    assert len(ids) == len(set(ids)) == len(OPERATIONS)
    for path, method, operation in described_paths(document):
        assert method in HTTP_METHODS
        assert operation["responses"]
        inputs = [(parameter["in"], parameter["name"]) for parameter in operation["parameters"]]
        assert len(inputs) == len(set(inputs))
        assert {name for place, name in inputs if place == "path"} == set(re.findall(r"{(\w+)}", path))


def test_every_schema_is_valid_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    for schema in components.values():
        Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= set(components)
    for _, _, operation in described_paths(document):
        for parameter in operation["parameters"]:
            Draft202012Validator.check_schema(parameter["schema"])


def test_every_schema_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    """Two classes of one name would be told apart by where they live in our code."""
    assert not [name for name in document["components"]["schemas"] if "__" in name]


def test_the_document_describes_every_route_and_no_other(board: Board, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")), method.lower())
        for rule in board.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith(("/docs", "/openapi.json"))
    }
    assert routes == {(path, method) for path, method, _ in described_paths(document)}


def real_requests(board: Board) -> dict[str, list[str]]:
    """For each operation that reads, addresses under /api/v1 that answer 200."""
    incidents = board.store.incidents(IncidentQuery()).incidents
    result = board.store.recent(["acme/main/quick"], 1)["acme/main/quick"][0]
    filed = board.client.post("/api/v1/refresh").headers["Location"].removeprefix("/api/v1")
    return {
        "targets": ["/targets"],
        "target": ["/targets/acme/main/quick", "/targets/acme/main/slow", "/targets/acme/main/vision/large"],
        "series": [
            f"/targets/acme/main/slow/series{query}"
            for query in ("", "?window=90d&period=hour", "?window=7d")
        ],
        "target_events": ["/targets/acme/main/quick/events", "/targets/acme/main/slow/events?limit=1"],
        "events": ["/events", "/events?kind=served_model_changed&provider=acme&model=quick&limit=1"],
        "statistics": ["/statistics", "/statistics?window=90d&sort=-availability&state=unknown"],
        "results": ["/results", "/results?limit=5&outcome=stalled&since=2026-11-20T00:00:00Z"],
        "result": [f"/results/{result.id}"],
        "refresh_state": [filed],
        "config": ["/config"],
        "health": ["/health"],
        "incidents": ["/incidents", "/incidents?limit=1&severity=down&q=acme&since=2026-11-01"],
        "incident": [f"/incidents/{incident.id}" for incident in incidents],
        "slo": ["/slo"],
        "maintenance": ["/maintenance"],
        "pick": ["/pick", "/pick?needs=max_ttft_p95:2,min_availability:0.5&needs=provider:acme&prefer=price"],
    }


def test_every_real_answer_is_as_documented(board: Board, document: dict[str, Any]) -> None:
    requests = real_requests(board)
    documented = {operation.id for operation in OPERATIONS if operation.method == "GET" and operation.answer}
    assert set(requests) == documented
    for path, _, operation in described_paths(document):
        for address in requests.get(operation["operationId"], ()):
            answer = board.client.get(f"/api/v1{address}")
            assert answer.status_code == 200, address
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            problems = [error.message for error in validator(document, schema).iter_errors(answer.json)]
            assert not problems, f"{path}: {problems[:3]}"


def test_the_answers_hide_nothing_that_is_not_documented(board: Board, document: dict[str, Any]) -> None:
    """A dataclass' schema lists all its fields, so an additional one would be a second, undocumented shape."""
    told = board.client.get("/api/v1/results").json
    assert told is not None
    assert set(told["results"][0]) == set(document["components"]["schemas"]["ProbeResult"]["properties"])


def test_a_refresh_answers_as_documented(board: Board, document: dict[str, Any]) -> None:
    described = document["paths"]["/refresh"]["post"]
    schema = described["responses"]["202"]["content"]["application/json"]["schema"]
    answer = board.client.post("/api/v1/refresh", json={"targets": ["acme/main/quick"]})
    validator(document, schema).validate(answer.json)
    claimed = board.store.claim_refresh("here@test-1", NOON)
    assert claimed is not None
    board.store.update_refresh(claimed.id, RefreshUpdate(total=1, finished=1, is_done=True), NOON)
    validator(document, schema).validate(board.client.get(answer.headers["Location"]).json)


@pytest.mark.parametrize(
    ("body", "is_allowed"),
    [
        ({}, True),
        ({"targets": ["a/b/c"]}, True),
        ({"targets": []}, False),
        ({"target": "a"}, False),
        ([], False),
    ],
)
def test_the_body_of_a_refresh_is_documented(
    document: dict[str, Any], body: object, is_allowed: bool
) -> None:
    content = document["paths"]["/refresh"]["post"]["requestBody"]["content"]
    assert validator(document, content["application/json"]["schema"]).is_valid(body) is is_allowed


@pytest.mark.parametrize(
    ("method", "address", "path"),
    [
        ("GET", "/statistics?window=2d", "/statistics"),
        ("GET", "/targets/no/such/one", "/targets/{target}"),
        ("GET", "/results/no-such", "/results/{result_id}"),
        ("GET", "/results?cursor=forged", "/results"),
        ("POST", "/refresh?x=1", "/refresh"),
        ("GET", "/refresh/no-such", "/refresh/{refresh_id}"),
        ("GET", "/pick?needs=fast", "/pick"),
        ("GET", "/incidents?severity=awful", "/incidents"),
        ("GET", "/incidents/no-such", "/incidents/{incident_id}"),
        ("POST", "/incidents/no-such/acknowledge", "/incidents/{incident_id}/acknowledge"),
        ("POST", "/incidents/no-such/merge", "/incidents/{incident_id}/merge"),
    ],
)
def test_errors_are_as_documented(
    board: Board, document: dict[str, Any], method: str, address: str, path: str
) -> None:
    answer = board.client.open(f"/api/v1{address}", method=method)
    described = document["paths"][path][method.lower()]["responses"][str(answer.status_code)]
    validator(document, described["content"]["application/json"]["schema"]).validate(answer.json)


def test_streamed_answers_are_documented_by_their_type(board: Board, document: dict[str, Any]) -> None:
    for path in ("/results.csv", "/results.ndjson"):
        (media,) = document["paths"][path]["get"]["responses"]["200"]["content"]
        assert board.client.get(f"/api/v1{path}").mimetype == media


def test_documented_parameters_are_the_ones_understood(board: Board, document: dict[str, Any]) -> None:
    """Each documented enumeration value is accepted, so nothing is documented that would be refused."""
    for path, method, operation in described_paths(document):
        if method != "get":
            continue
        address = (
            path.replace("{target}", "acme/main/quick")
            .replace("{result_id}", "x")
            .replace("{refresh_id}", "x")
            .replace("{incident_id}", "x")
        )
        for parameter in (found for found in operation["parameters"] if found["in"] == "query"):
            schema = parameter["schema"].get("items", parameter["schema"])
            for value in schema.get("enum", ()):
                answer = board.client.get(f"/api/v1{address}", query_string={parameter["name"]: value})
                answer.close()
                assert answer.status_code == 200, f"{path}?{parameter['name']}={value}"


def test_the_document_is_english_for_every_reader(board: Board, document: dict[str, Any]) -> None:
    assert board.client.get("/api/v1/openapi.json", headers={"Accept-Language": "zh"}).json == document
