"""Rounds of probes by the whole service, and everything that it then says of them, kept for the tests to compare."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from xml.etree.ElementTree import Element

from probes.domain.outcome import Fault
from probes.domain.result import ProbeResult, Trigger
from probes.domain.rollup import Period
from probes.domain.state import TargetStatistics
from probes.store.base import MAX_PAGE_SIZE, ResultQuery, Store
from tests.peers.html_tree import tree_of
from tests.peers.page_figures import older_page
from tests.service_process import Service
from tests.waiting import wait_until

PATIENCE_SECONDS: Final = 90.0  # for a round on a busy machine; nothing waits longer than it must
SMALL_PAGE: Final = 100  # records a page, so that all of them take several


def every_record(store: Store) -> tuple[ProbeResult, ...]:
    """Newest first."""
    query = ResultQuery(since=datetime.now(UTC) - timedelta(days=1), limit=MAX_PAGE_SIZE)
    page = store.results(query)
    assert page.next_cursor is None, "more records than the tests are made for"
    return page.results


def ran(record: ProbeResult) -> bool:
    return record.fault is not Fault.NOT_RUN


def scheduled_probes(store: Store) -> Counter[str]:
    """By target; slots that did not run are left out. Read from the rollups, which costs little."""
    now = datetime.now(UTC)
    probes: Counter[str] = Counter()
    for rollup in store.rollups(Period.DAY, now - timedelta(days=2), now + timedelta(days=1)):
        outcomes = rollup.tally.outcomes.items()
        probes[rollup.key.target] += sum(n for outcome, n in outcomes if outcome.fault is not Fault.NOT_RUN)
    return probes


def refreshed(service: Service) -> dict[str, Any]:
    """Presses Refresh for all targets; what the API says of it when it is done."""
    refresh_id = wait_until("the end of the cool-down", lambda: _file_refresh(service.url))

    def done() -> dict[str, Any]:
        state: dict[str, Any] = service.json(f"/api/v1/refresh/{refresh_id}")
        return state if state["state"] == "done" else {}

    return wait_until("the refresh to be done", done, PATIENCE_SECONDS)


def _file_refresh(url: str) -> str:
    """The refresh's id; empty during the cool-down."""
    request = urllib.request.Request(f"{url}/api/v1/refresh", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(json.load(response)["id"])
    except urllib.error.HTTPError as error:
        if error.code != 429:
            raise
        return ""


def wait_for_silence(store: Store, since: datetime) -> None:
    """Until the agent has told, after that moment, that no probe is in flight or waits for its turn."""

    def is_silent() -> bool:
        (agent,) = store.agents(since - timedelta(minutes=10))
        return agent.beat_at > since and agent.in_flight == agent.queued == 0

    wait_until("the agent to have nothing in flight", is_silent, PATIENCE_SECONDS)


@dataclass(frozen=True, slots=True)
class Answers:
    """All that the web says; `texts` are the same bodies unparsed, by path."""

    targets: dict[str, dict[str, Any]]
    statistics: dict[str, dict[str, Any]]
    results: list[dict[str, Any]]
    exported: list[dict[str, Any]]
    single: dict[str, dict[str, Any]]  # by result id
    details: dict[str, dict[str, Any]]  # by target id
    series: dict[str, dict[str, Any]]
    board: Element
    stats: Element
    kanban: Element
    records: list[Element]
    models: dict[str, Element]
    record: dict[str, Element]  # by result id
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """The store's truth and the web's words about it, at a moment when nothing changed."""

    records: tuple[ProbeResult, ...]
    statistics: Mapping[str, TargetStatistics]
    web: Answers

    def of(self, target: str) -> list[ProbeResult]:
        """The target's records that ran, newest first."""
        return [record for record in self.records if record.target == target and ran(record)]

    def counted(self, target: str) -> list[ProbeResult]:
        """Those that count in statistics: every scheduled slot, run or not."""
        return [r for r in self.records if r.target == target and r.trigger is Trigger.SCHEDULED]


def told(service: Service, store: Store) -> Told:
    """Asks for everything, again if a record came in meanwhile."""

    def unchanged() -> Told | None:
        before = every_record(store), dict(store.statistics())
        _wait_for_web(service, *before)
        web = _Reading(service).answers(before[0])
        after = every_record(store), dict(store.statistics())
        return Told(*before, web) if before == after else None

    found = wait_until("the web to be read between two changes", unchanged, PATIENCE_SECONDS)
    assert found is not None
    return found


def _wait_for_web(
    service: Service, records: tuple[ProbeResult, ...], statistics: Mapping[str, TargetStatistics]
) -> None:
    """Until its snapshot, which it renews at most once a second, is of these records."""
    newest = {target: known.newest.id for target, known in statistics.items() if known.newest is not None}
    states = {
        target: known.verdict.state for target, known in statistics.items() if known.verdict is not None
    }
    counted = Counter(record.target for record in records if record.trigger is Trigger.SCHEDULED)

    def has_them() -> bool:
        shown = {row["id"]: row for row in service.json("/api/v1/targets")["targets"] if row["last_check"]}
        rows = service.json("/api/v1/statistics")["rows"]
        return (
            {target: row["last_check"]["id"] for target, row in shown.items()} == newest
            and {target: row["state"] for target, row in shown.items()} == states
            and {row["target"]: row["figures"]["n"] for row in rows} == counted
        )

    wait_until("the web to show the newest records", has_them)


class _Reading:
    """One pass over the API and the pages."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._texts: dict[str, str] = {}

    def answers(self, records: tuple[ProbeResult, ...]) -> Answers:
        newest: dict[str, str] = {}
        for record in records:
            if ran(record):
                newest.setdefault(record.target, record.id)
        return Answers(
            targets={row["id"]: row for row in self._json("/api/v1/targets")["targets"]},
            statistics={row["target"]: row for row in self._json("/api/v1/statistics")["rows"]},
            results=self._results(),
            exported=[json.loads(line) for line in self._text("/api/v1/results.ndjson").splitlines()],
            single={i: self._json(f"/api/v1/results/{i}") for i in newest.values()},
            details={t: self._json(f"/api/v1/targets/{quote(t)}") for t in newest},
            series={t: self._json(f"/api/v1/targets/{quote(t)}/series") for t in newest},
            board=self._page("/"),
            stats=self._page("/stats"),
            kanban=self._page("/kanban"),
            records=self._record_pages(),
            models={t: self._page(f"/models/{quote(t)}") for t in newest},
            record={i: self._page(f"/result/{i}") for i in newest.values()},
            texts=self._texts,
        )

    def _text(self, path: str) -> str:
        self._texts[path] = self._service.get(path)
        return self._texts[path]

    def _json(self, path: str) -> Any:
        return json.loads(self._text(path))

    def _page(self, path: str) -> Element:
        return tree_of(self._text(path))

    def _results(self) -> list[dict[str, Any]]:
        """Every record by the API's cursors."""
        path, results = f"/api/v1/results?limit={SMALL_PAGE}", []
        while True:
            page = self._json(path)
            results += page["results"]
            if page["older_cursor"] is None:
                return results
            path = f"/api/v1/results?limit={SMALL_PAGE}&cursor={quote(page['older_cursor'])}"

    def _record_pages(self) -> list[Element]:
        """Every page of records, as a reader who always clicks on "Older"."""
        pages, path = [], f"/result?limit={SMALL_PAGE}"
        following: str | None = path
        while following is not None:
            pages.append(self._page(following))
            following = older_page(pages[-1])
        return pages


def edit(config: Path, text: str) -> None:
    """Replaces the file at once, as editors do."""
    fresh = config.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(config)


def run_rounds(service: Service, store: Store, targets: int, freeze: Callable[[], None]) -> dict[str, Any]:
    """Several rounds by schedule and two by Refresh; `freeze` makes the schedule so slow that nothing follows.

    The answer is what the last Refresh said.
    """
    wait_until("a plan", store.plan)

    def has_rounds(n: int) -> bool:
        probes = scheduled_probes(store)
        return len(probes) == targets and min(probes.values()) >= n

    wait_until("two scheduled rounds", lambda: has_rounds(2), PATIENCE_SECONDS)
    refreshed(service)
    freeze()
    last = refreshed(service)
    wait_until("a third scheduled round", lambda: has_rounds(3), PATIENCE_SECONDS)
    wait_for_silence(store, datetime.now(UTC))
    return last
