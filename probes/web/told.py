"""One entry of an incident's timeline as it is told elsewhere: in feeds and to clients of Statuspage.

Made of what the entry itself says, so that it stays as it is while its incident goes on. Needs a request.
"""

from collections.abc import Sequence
from typing import Final

from probes.domain.incident import Ending, Incident, IncidentUpdate, UpdateKind
from probes.web.display import duration
from probes.web.i18n import _
from probes.web.incident_text import entry_text, model_name
from probes.web.incident_vocabulary import UPDATE_KINDS
from probes.web.incident_words import MAX_NAMED, NAME_LENGTH, UPDATE_WORDS
from probes.web.text import plain

NOTE_LENGTH: Final = 10_000
LINE_LENGTH: Final = 2000


def update_title(incident: Incident, update: IncidentUpdate) -> str:
    """ "acme: Opened – GPT-4o, GPT-4o mini"."""
    provider, kind = plain(incident.provider, NAME_LENGTH), UPDATE_WORDS[update.kind]
    targets = update.targets or (incident.targets if update.kind is UpdateKind.RESOLVED else ())
    if not targets:
        return _("%(provider)s: %(update)s", provider=provider, update=kind)
    return _("%(provider)s: %(update)s – %(models)s", provider=provider, update=kind, models=_named(targets))


def update_body(incident: Incident, update: IncidentUpdate) -> str:
    """A sentence; or what the operator wrote, its lines kept, without control characters. Never empty."""
    if update.kind.is_manual:
        return _note(update.text) or _sentence(str(UPDATE_KINDS[update.kind].meaning))
    said = _sentence(plain(entry_text(incident, update)))
    if update.kind is UpdateKind.RESOLVED:
        return " ".join(filter(None, (said, _ending(incident))))
    return said


def _ending(incident: Incident) -> str:
    if any(part.ending is Ending.UNWATCHED for part in incident.affected):
        return _("No longer watched; how it went on is not known.")
    seconds = incident.time_to_recover_seconds
    return "" if seconds is None else _("It lasted %(time)s.", time=duration(seconds))


def _named(targets: Sequence[str]) -> str:
    names = _(", ").join(model_name(target) for target in targets[:MAX_NAMED])
    more = len(targets) - MAX_NAMED
    return _("%(named)s and %(n)s more", named=names, n=more) if more > 0 else names


def _note(text: str) -> str:
    lines = text[:NOTE_LENGTH].splitlines()
    return "\n".join(plain(line, LINE_LENGTH) for line in lines).strip()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "。")) else _("."))
