"""The shape of Statuspage's public API, version 2, as real status pages answer it: every field, and no other.

Written from the documented API and from answers of public pages; each schema stands by itself.
"""

from typing import Any, Final

Schema = dict[str, Any]

MOMENT: Final[Schema] = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)$",
}
MAYBE_MOMENT: Final[Schema] = {"anyOf": [MOMENT, {"type": "null"}]}
ID: Final[Schema] = {"type": "string", "pattern": "^[0-9a-z]{12}$"}
TEXT: Final[Schema] = {"type": "string", "minLength": 1}
ADDRESS: Final[Schema] = {"type": "string", "pattern": "^https?://[^/]+"}
STATUSES: Final = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
)
INCIDENT_STATUSES: Final = ("investigating", "identified", "monitoring", "resolved", "postmortem")
MAINTENANCE_STATUSES: Final = ("scheduled", "in_progress", "verifying", "completed")


def record(fields: Schema, *optional: str) -> Schema:
    return {
        "type": "object",
        "properties": fields,
        "required": [name for name in fields if name not in optional],
        "additionalProperties": False,
    }


def each(items: Schema, at_most: int | None = None) -> Schema:
    listed: Schema = {"type": "array", "items": items}
    return listed if at_most is None else {**listed, "maxItems": at_most}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


PAGE: Final = record(
    {"id": ID, "name": TEXT, "url": ADDRESS, "time_zone": one_of("Etc/UTC"), "updated_at": MOMENT}
)
STATUS: Final = record(
    {"indicator": one_of("none", "minor", "major", "critical", "maintenance"), "description": TEXT}
)
COMPONENT: Final = record(
    {
        "id": ID,
        "name": TEXT,
        "status": one_of(*STATUSES),
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "position": {"type": "integer", "minimum": 1},
        "description": {"type": ["string", "null"]},
        "showcase": {"type": "boolean"},
        "start_date": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "group_id": {"anyOf": [ID, {"type": "null"}]},
        "page_id": ID,
        "group": {"type": "boolean"},
        "only_show_if_degraded": {"type": "boolean"},
        "components": each(ID),
    },
    "components",
) | {
    "if": {"properties": {"group": {"const": True}}},
    "then": {"required": ["components"], "properties": {"group_id": {"type": "null"}}},
    "else": {"properties": {"components": False}},
}
AFFECTED: Final = record(
    {"code": ID, "name": TEXT, "old_status": one_of(*STATUSES), "new_status": one_of(*STATUSES)}
)


def update(*statuses: str) -> Schema:
    return record(
        {
            "id": ID,
            "status": one_of(*statuses),
            "body": TEXT,
            "incident_id": ID,
            "created_at": MOMENT,
            "updated_at": MOMENT,
            "display_at": MOMENT,
            "affected_components": {"anyOf": [each(AFFECTED), {"type": "null"}]},
            "deliver_notifications": {"type": "boolean"},
            "custom_tweet": {"type": ["string", "null"]},
            "tweet_id": {"type": ["string", "integer", "null"]},
        }
    )


def incident(statuses: tuple[str, ...], impacts: tuple[str, ...], more: Schema | None = None) -> Schema:
    return record(
        {
            "id": ID,
            "name": TEXT,
            "status": one_of(*statuses),
            "created_at": MOMENT,
            "updated_at": MOMENT,
            "monitoring_at": MAYBE_MOMENT,
            "resolved_at": MAYBE_MOMENT,
            "impact": one_of(*impacts),
            "shortlink": ADDRESS,
            "started_at": MOMENT,
            "page_id": ID,
            "incident_updates": {**each(update(*statuses)), "minItems": 1},
            "components": each(COMPONENT),
            "reminder_intervals": {"type": ["string", "null"]},
            **(more or {}),
        }
    )


INCIDENTS: Final = each(incident(INCIDENT_STATUSES, ("none", "minor", "major", "critical")), 50)
MAINTENANCES: Final = each(
    incident(MAINTENANCE_STATUSES, ("maintenance",), {"scheduled_for": MOMENT, "scheduled_until": MOMENT}), 50
)
SCHEMAS: Final[dict[str, Schema]] = {
    "summary.json": record(
        {
            "page": PAGE,
            "components": each(COMPONENT),
            "incidents": INCIDENTS,
            "scheduled_maintenances": MAINTENANCES,
            "status": STATUS,
        }
    ),
    "status.json": record({"page": PAGE, "status": STATUS}),
    "components.json": record({"page": PAGE, "components": each(COMPONENT)}),
    "incidents.json": record({"page": PAGE, "incidents": INCIDENTS}),
    "incidents/unresolved.json": record({"page": PAGE, "incidents": INCIDENTS}),
    "scheduled-maintenances.json": record({"page": PAGE, "scheduled_maintenances": MAINTENANCES}),
    "scheduled-maintenances/upcoming.json": record({"page": PAGE, "scheduled_maintenances": MAINTENANCES}),
    "scheduled-maintenances/active.json": record({"page": PAGE, "scheduled_maintenances": MAINTENANCES}),
}
