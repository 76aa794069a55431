"""Large databases for benches: made once through the store's own write path, kept in the cache outside the checkout.

path = database_of(Size(1_000_000))        # minutes the first time
store = open_sqlite(path, FakeClock(NOW))  # the history ends at NOW, so any clock of a bench must stand there
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from probes.domain.outcome import Outcome
from probes.domain.plan import Plan, PlannedTarget
from probes.domain.result import (
    Phase,
    ProbeResult,
    Quality,
    RateLimit,
    Slot,
    Stamps,
    TokensSource,
    Trigger,
    categorize,
)
from probes.domain.state import Reason, State, Verdict
from probes.domain.target import Protocol, Thresholds
from probes.store.sqlite import open_sqlite
from probes.store.sqlite.schema import MIGRATIONS
from tests.examples import a_target
from tests.fakes import FakeClock

NOW: Final = datetime(2026, 11, 1, 18, 30, tzinfo=UTC)
PROVIDERS: Final = 20
FAILURES: Final = (
    *[Outcome.SERVER_ERROR] * 8,
    *[Outcome.RATE_LIMITED] * 8,
    *[Outcome.FIRST_TOKEN_TIMEOUT] * 6,
    *[Outcome.STALLED] * 4,
    *[Outcome.CONNECT_TIMEOUT] * 4,
    *[Outcome.MISSED] * 4,
    Outcome.AUTH,
    Outcome.CONTENT_FILTERED,
)


@dataclass(frozen=True, slots=True)
class Size:
    results: int
    targets: int = 200
    days: int = 90
    seed: int = 1


def target_ids(size: Size) -> list[str]:
    return [f"provider-{n % PROVIDERS:02d}/main/model-{n:03d}" for n in range(size.targets)]


def history(size: Size) -> Iterator[ProbeResult]:
    """Oldest first; targets take turns inside each round, as the scheduler spreads them."""
    random = Random(size.seed)
    targets = target_ids(size)
    typical = {target: random.lognormvariate(-0.4, 0.5) for target in targets}
    rounds = -(-size.results // size.targets)
    step = timedelta(days=size.days) / rounds
    for number in range(size.results):
        turn, place = divmod(number, size.targets)
        due_at = NOW - (rounds - turn) * step + place / size.targets * step
        yield a_probe(targets[place], due_at, random, typical[targets[place]])


def a_probe(target: str, due_at: datetime, random: Random, typical_ttft: float = 0.6) -> ProbeResult:
    outcome = Outcome.OK if random.random() > 0.04 else random.choice(FAILURES)
    trigger = (
        Trigger.SCHEDULED if random.random() > 0.02 else random.choice([Trigger.MANUAL, Trigger.CONFIRM])
    )
    location = "frankfurt" if random.random() > 0.3 else "tokyo"
    slot = Slot(target, due_at, trigger, None if trigger is Trigger.SCHEDULED else f"{random.random()}")
    result = _attempt(slot, location, outcome, random)
    return _measured(result, random, typical_ttft) if outcome is Outcome.OK else result


def _attempt(slot: Slot, location: str, outcome: Outcome, random: Random) -> ProbeResult:
    provider, client, model = slot.target_id.split("/", 2)
    lag = random.uniform(0.001, 0.02)
    return ProbeResult(
        id=slot.result_id(location),
        target=slot.target_id,
        provider=provider,
        client=client,
        model=model,
        protocol=Protocol.OPENAI_CHAT.value,
        location=location,
        agent=f"{location}@bench-1",
        sdk_version="openai 3.52.0",
        due_at=slot.due_at,
        started_at=slot.due_at + timedelta(seconds=lag),
        lag_seconds=lag,
        trigger=slot.trigger,
        in_flight=random.randrange(8),
        outcome=outcome,
        fault=outcome.fault,
        phase=Phase.END if outcome is Outcome.OK else Phase.HEADERS,
        category=categorize(None, outcome, Thresholds()),
        dns_seconds=random.uniform(0.001, 0.02),
        connect_seconds=random.uniform(0.01, 0.1),
        tls_seconds=random.uniform(0.01, 0.1),
        overhead_seconds=0.003,
        prompt_version="1",
        max_tokens=64,
        spec_version="5f1d7a90",
        config_version="c0ffee12",
        error=None if outcome is Outcome.OK else f"HTTP 500: the upstream said {random.random()}",
    )


def _measured(result: ProbeResult, random: Random, typical_ttft: float) -> ProbeResult:
    ttft = typical_ttft * random.lognormvariate(0, 0.25)
    tpot = random.lognormvariate(-4.2, 0.2)
    response = ttft + 63 * tpot + (random.uniform(10, 60) if random.random() < 0.005 else 0)
    return replace(
        result,
        category=categorize(response, result.outcome, Thresholds()),
        first_byte_seconds=ttft * 0.8,
        first_event_seconds=ttft * 0.9,
        ttft_seconds=ttft,
        ttft_kind="text",
        ttft_visible_seconds=ttft,
        req_ttft_seconds=ttft + 0.15,
        response_seconds=response,
        generation_seconds=response - ttft,
        output_tokens=64,
        input_tokens=42,
        cached_tokens=0,
        tokens_source=TokensSource.USAGE,
        tpot_seconds=tpot,
        throughput=1 / tpot,
        chunks=62,
        gap_p50_seconds=tpot,
        gap_p95_seconds=tpot * 2,
        gap_max_seconds=tpot * 5,
        finish_reason="length",
        served_model=f"{result.model}-2026-08-01",
        fingerprint=f"fp_{random.getrandbits(40):010x}",
        request_id=f"req_{random.getrandbits(96):024x}",
        http_status=200,
        content_type="text/event-stream",
        answer_ok=True,
        rate_limits=(RateLimit("requests", 5000, 4999, 0.012),),
        cost=0.00004,
        stamps=Stamps.KERNEL,
        first_read_events=1,
        rx_lag_seconds=0.00004,
        quality=Quality.EXACT,
    )


def database_of(size: Size) -> Path:
    """The path of a database of this size; made when the cache has none that this code would make."""
    cache = Path(os.environ.get("FIRSTTOKEN_CACHE") or Path.home() / ".cache" / "firsttoken")
    digest = hashlib.sha256(f"{size} {MIGRATIONS}".encode() + Path(__file__).read_bytes())
    directory = cache / f"store-{size.results}-{digest.hexdigest()[:12]}"
    if not directory.exists():
        partial = directory.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        _fill(partial / "store.sqlite3", size)
        partial.rename(directory)
    return directory / "store.sqlite3"


def _fill(path: Path, size: Size) -> None:
    store = open_sqlite(path, FakeClock(NOW))
    started, done = time.monotonic(), 0
    batch: list[ProbeResult] = []
    for result in history(size):
        batch.append(result)
        if len(batch) == 20_000:
            done += store.add_results(batch)
            batch = []
            took = time.monotonic() - started
            print(
                f"\r{done:,} of {size.results:,} results, {took:.0f} s", end="", file=sys.stderr, flush=True
            )
    store.add_results(batch)
    store.put_plan(a_plan(size))
    for number, target in enumerate(target_ids(size)):
        state = State.DOWN if number % 50 == 7 else State.OPERATIONAL
        store.set_verdict(target, Verdict(state, Reason("operational"), NOW - timedelta(hours=5), NOW))
    store.close()
    print(f"\r{size.results:,} results made in {time.monotonic() - started:.0f} s", file=sys.stderr)


def a_plan(size: Size) -> Plan:
    targets = []
    for target in target_ids(size):
        provider, client, model = target.split("/")
        spec = a_target(id=target, provider=provider, client=client, model=model)
        targets.append(PlannedTarget.of(replace(spec, interval_seconds=600.0, base_url=None, api_key=None)))
    return Plan("bench", NOW, "bench", is_demo=False, targets=tuple(targets))
