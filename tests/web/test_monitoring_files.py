"""config/prometheus-rules.yaml and config/grafana-dashboard.json ask only for what /metrics tells."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from probes.domain.outcome import Fault, Outcome
from probes.domain.result import RateLimit
from probes.domain.state import State
from probes.domain.target import Objectives
from probes.web.deliveries import Progress
from tests.examples import NOON, a_result
from tests.promtool.launch import promtool
from tests.web.serving import TARGETS, a_board, a_plan, an_agent
from tests.web.told_incidents import MINUTE, opened, resolved, save

CONFIG = Path(__file__).parents[2] / "config"
RULES, DASHBOARD = CONFIG / "prometheus-rules.yaml", CONFIG / "grafana-dashboard.json"
METRIC = re.compile(r"\b(?:llm|firsttoken)_\w+")
SELECTOR = re.compile(r"\b((?:llm|firsttoken)_\w+)\s*\{([^}]*)\}")
MATCHER = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
WORDS = {"state": set(State), "fault": set(Fault), "error_type": set(Outcome), "role": {"active", "standby"}}
WORDS["progress"] = set(Progress)

Labels = dict[str, set[str]]  # of each sample's name


@pytest.fixture
def exported(tmp_path: Path) -> Labels:
    """Of a board that tells a sample of every family."""
    board = a_board(tmp_path)
    wanted = Objectives(availability=0.5, ttft_p95_seconds=3.0)
    board.store.put_plan(a_plan(tuple(replace(target, objectives=wanted) for target in TARGETS)))
    limits = (RateLimit("requests", 100, 40),)
    board.store.add_results([a_result(rate_limits=limits) for _ in range(20)])  # enough for a budget of 95 %
    board.store.add_results([a_result(Outcome.STALLED, target="acme/main/slow")])
    save(board.store, first := opened(), resolved(first, NOON - MINUTE))
    board.store.beat(an_agent(self_check_ttft_error_seconds=0.0001))
    labels: Labels = {}
    families = list(text_string_to_metric_families(board.client.get("/metrics").text))
    assert all(family.samples for family in families), "a family without a sample proves nothing"
    for sample in (sample for family in families for sample in family.samples):
        labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return read


def queries() -> Iterator[tuple[str, str]]:
    """Each expression with the text that prints its labels."""
    for rule in rules():
        yield rule["expr"], " ".join(rule["annotations"].values())
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"], ""


def test_only_exported_metrics_are_asked_for(exported: Labels) -> None:
    asked = {name for expression, _ in queries() for name in METRIC.findall(expression)}
    assert len(asked) >= 12
    assert asked <= set(exported)


def test_every_exported_metric_has_its_panel_or_rule(exported: Labels) -> None:
    asked = {name for expression, _ in queries() for name in METRIC.findall(expression)}
    stems = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    unused = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported} - stems
    assert unused == {
        "firsttoken_counting_since_timestamp_seconds",
        "firsttoken_probes_in_flight",
        "firsttoken_results_spooled",
    }


def test_only_exported_labels_are_matched_with_words_that_exist(exported: Labels) -> None:
    matched = 0
    for expression, _ in queries():
        for name, selector in SELECTOR.findall(expression):
            for label, operator, value in MATCHER.findall(selector):
                matched += 1
                assert label in exported[name], expression
                if label in WORDS:
                    told = set(value.split("|")) if operator in ("=~", "!~") else {value}
                    assert told <= WORDS[label], expression
    assert matched >= 20


def test_only_exported_labels_are_grouped_by_and_printed(exported: Labels) -> None:
    for expression, text in queries():
        known = set.union(*(exported[name] for name in METRIC.findall(expression)))
        grouped = {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")}
        assert grouped <= known, expression
        kept = grouped or known
        printed = set(re.findall(r"\$labels\.(\w+)", text)) | set(re.findall(r"{{(\w+)}}", text))
        assert printed <= kept, f"{text!r} of {expression}"


def test_promtool_accepts_the_rules() -> None:
    checked = promtool("check", "rules", str(RULES))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules())} rules found" in checked.stdout


def test_every_alert_has_its_severity_and_its_words() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]


def test_the_dashboards_panels_have_places_and_names_of_their_own() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
        assert panel["description"], panel["title"]
