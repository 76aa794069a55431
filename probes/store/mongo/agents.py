"""Heartbeats, leases and the plan."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from probes.domain.plan import AgentStatus, Plan
from probes.domain.result import Stamps
from probes.store.documents import PLAN
from probes.store.mongo.connection import Documents
from probes.store.records import cut

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def put_plan(plans: Documents, plan: Plan) -> None:
    """As JSON text: its labels are keys of the operator's choice, which MongoDB would restrict."""
    kept = replace(plan, loaded_at=cut(plan.loaded_at))
    fields = {"version": plan.version, "loaded_at": kept.loaded_at, "document": PLAN.text(kept)}
    plans.replace_one({"_id": "plan"}, {"_id": "plan", **fields}, upsert=True)


def read_plan(plans: Documents) -> Plan | None:
    found = plans.find_one({"_id": "plan"})
    return None if found is None else PLAN.read(found["document"])


def beat(agents: Documents, status: AgentStatus) -> None:
    fields = asdict(status)
    for name in ("started_at", "beat_at", "next_due_at", "self_check_at"):
        fields[name] = fields[name] and cut(fields[name])
    stamps = status.self_check_stamps
    fields["self_check_stamps"] = stamps and stamps.value
    name = fields.pop("agent")
    agents.replace_one({"_id": name}, {"_id": name, **fields}, upsert=True)


def read_agents(agents: Documents, since: datetime) -> list[AgentStatus]:
    found = agents.find({"beat_at": {"$gte": cut(since)}}).sort([("location", 1), ("_id", 1)])
    return [_status(document) for document in found]


def _status(document: dict[str, Any]) -> AgentStatus:
    stamps = document.get("self_check_stamps")
    return AgentStatus(
        agent=document.pop("_id"),
        **{**document, "self_check_stamps": None if stamps is None else Stamps(stamps)},
    )


def acquire_lease(leases: Documents, name: str, owner: str, now: datetime, ttl: timedelta) -> int | None:
    """Renew, else take over, else make: each step is one atomic operation, so there is one winner."""
    after = ReturnDocument.AFTER
    expires = {"expires_at": cut(now + ttl)}
    held = leases.find_one_and_update({"_id": name, "owner": owner}, {"$set": expires}, return_document=after)
    if held is None:
        held = leases.find_one_and_update(
            {"_id": name, "expires_at": {"$lte": cut(now)}},
            {"$set": {"owner": owner, **expires}, "$inc": {"epoch": 1}},
            return_document=after,
        )
    if held is not None:
        return int(held["epoch"])
    try:
        leases.insert_one({"_id": name, "owner": owner, "epoch": 1, **expires})
    except DuplicateKeyError:
        return None
    return 1


def release_lease(leases: Documents, name: str, owner: str) -> None:
    """The document stays, so that the epoch keeps growing."""
    leases.update_one({"_id": name, "owner": owner}, {"$set": {"owner": "", "expires_at": _NEVER}})
