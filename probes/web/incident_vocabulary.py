"""The words of incidents: how bad, why, how it ended, and what kind of entry stands on a timeline."""

from typing import Final

from probes.domain.incident import Cause, Ending, Severity, UpdateKind
from probes.web.i18n import lazy
from probes.web.word import Word, Words

SEVERITIES: Final[Words] = {
    Severity.DOWN: Word(lazy("Down"), lazy("At least one of its models is or was down."), "down", "down"),
    Severity.DEGRADED: Word(
        lazy("Degraded"),
        lazy("No model was down, but probes failed, were slow or were throttled."),
        "degraded",
        "degraded",
    ),
    Severity.ATTENTION: Word(
        lazy("Needs the operator"),
        lazy(
            "Ours to look at: key, quota, request, model name, rate limit, or a model that was never seen working. "
            "Told to the operator only."
        ),
        "attention",
        "attention",
    ),
}

CAUSES: Final[Words] = {
    Cause.UNREACHABLE: Word(
        lazy("unreachable"), lazy("Most failures came before a connection: name, TCP or TLS.")
    ),
    Cause.TIMEOUT: Word(lazy("time-outs"), lazy("Connected, but no token came in time.")),
    Cause.SERVER_ERROR: Word(lazy("server errors"), lazy("The provider's servers said so themselves.")),
    Cause.BROKEN_STREAM: Word(lazy("broken answers"), lazy("Answers began, but broke off or made no sense.")),
    Cause.SLOW: Word(lazy("slowness"), lazy("Answers were complete, but slow.")),
    Cause.THROTTLED: Word(lazy("throttling"), lazy("Requests were limited.")),
    Cause.OURS: Word(lazy("our side"), lazy("Our key, quota, request or model name was refused.")),
    Cause.MIXED: Word(lazy("mixed"), lazy("No class of failure makes up more than half.")),
}

ENDINGS: Final[Words] = {
    Ending.RECOVERED: Word(lazy("recovered"), lazy("Good answers came again, several in a row."), "ok", "ok"),
    Ending.UNWATCHED: Word(
        lazy("no longer watched"),
        lazy("Paused or removed while it lasted; nobody knows how it went on."),
        "unknown",
        "unknown",
    ),
}

UPDATE_KINDS: Final[Words] = {
    UpdateKind.OPENED: Word(lazy("Opened"), lazy("The first verdict.")),
    UpdateKind.REOPENED: Word(lazy("Reopened"), lazy("It began again soon after it ended.")),
    UpdateKind.JOINED: Word(lazy("More models"), lazy("More models of the provider fail too.")),
    UpdateKind.WORSENED: Word(lazy("Worse"), lazy("Its severity rose."), "down", "down"),
    UpdateKind.EASED: Word(lazy("Better"), lazy("Its severity fell."), "degraded", "degraded"),
    UpdateKind.LEFT: Word(lazy("Some recovered"), lazy("Some models recovered, others did not yet.")),
    UpdateKind.RESOLVED: Word(lazy("Resolved"), lazy("All its models ended."), "ok", "ok"),
    UpdateKind.MERGED: Word(lazy("Merged"), lazy("Two incidents became one.")),
    UpdateKind.ACKNOWLEDGED: Word(lazy("Acknowledged"), lazy("The operator has seen it.")),
    UpdateKind.NOTE: Word(lazy("Note"), lazy("Words of the operator.")),
    UpdateKind.POSTMORTEM: Word(lazy("Postmortem"), lazy("What the operator learnt from it.")),
}
