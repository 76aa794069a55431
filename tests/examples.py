"""Ready-made targets and results for arranging tests; every field that matters to a test is named in the test."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from probes.domain.outcome import Outcome
from probes.domain.result import ProbeResult, Trigger, categorize
from probes.domain.target import Protocol, Secret, Target, Thresholds

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def a_target(model: str = "quick", **changes: Any) -> Target:
    target = Target(
        id=f"acme/main/{model}",
        provider="acme",
        client="main",
        model=model,
        protocol=Protocol.OPENAI_CHAT,
        base_url="http://127.0.0.1:9/v1",
        api_key=Secret("sk-test-0123456789abcdef"),
        interval_seconds=60.0,
    )
    return replace(target, **changes)


def a_result(
    outcome: Outcome = Outcome.OK,
    due_at: datetime = NOON,
    target: str = "acme/main/quick",
    **changes: Any,
) -> ProbeResult:
    """A plausible result; failures carry no timings, as in life."""
    provider, client, model = target.split("/", 2)
    is_ok = outcome is Outcome.OK
    response_seconds = changes.pop("response_seconds", 1.25 if is_ok else None)
    base = ProbeResult(
        id=str(uuid4()),
        target=target,
        provider=provider,
        client=client,
        model=model,
        protocol=Protocol.OPENAI_CHAT.value,
        location="here",
        agent="here@test",
        due_at=due_at,
        started_at=due_at,
        trigger=Trigger.SCHEDULED,
        outcome=outcome,
        fault=outcome.fault,
        category=categorize(response_seconds, outcome, Thresholds()),
        ttft_seconds=0.25 if is_ok else None,
        response_seconds=response_seconds,
        throughput=50.0 if is_ok else None,
        output_tokens=32 if is_ok else None,
        http_status=200 if is_ok else None,
        error=None if is_ok else f"simulated {outcome.value}",
    )
    return replace(base, **changes)
