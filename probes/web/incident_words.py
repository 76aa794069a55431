"""Incidents as sentences: what one is called, and what an entry of its timeline says.

Needs a request, for it speaks the reader's language. Model names are foreign text: whoever prints them escapes them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, assert_never

from probes.domain.incident import Incident, IncidentUpdate, Severity, UpdateKind
from probes.web.i18n import Lazy, _, ngettext
from probes.web.incident_vocabulary import UPDATE_KINDS
from probes.web.text import plain
from probes.web.words import reason_text, word

NAME_LENGTH: Final = 80
MAX_NAMED: Final = 3  # models in a sentence
UPDATE_WORDS: Final[Mapping[UpdateKind, Lazy]] = {kind: UPDATE_KINDS[kind].label for kind in UpdateKind}

NameOf = Callable[[str], str]  # of a target's id


def incident_headline(incident: Incident, name_of: NameOf) -> str:
    """ "Acme Fast is down", "3 models of Acme were degraded"."""
    targets = (incident.open_targets if incident.is_open else ()) or incident.targets
    kind = (incident.severity, incident.is_open)
    if len(targets) == 1:
        return _ONE[kind](plain(name_of(targets[0]), NAME_LENGTH))
    return _MANY[kind](len(targets), plain(incident.provider, NAME_LENGTH))


def update_text(incident: Incident, update: IncidentUpdate, name_of: NameOf) -> str:
    """What an entry says: the operator's own words, else which models, what and why."""
    severity = word(update.severity).label
    targets = update.targets if len(incident.affected) > 1 else ()
    match update.kind:
        case UpdateKind.OPENED | UpdateKind.REOPENED | UpdateKind.WORSENED | UpdateKind.EASED:
            return _with_reason(_said(targets, name_of, str(severity)), update)
        case UpdateKind.JOINED:
            return _with_reason(_said(update.targets, name_of, _("fails too")), update)
        case UpdateKind.LEFT:
            return _said(update.targets, name_of, _("out of it, others are still in it"))
        case UpdateKind.RESOLVED:
            return _said(targets, name_of, _("no affected model is left in it"))
        case UpdateKind.MERGED:
            return _("Two incidents became one.")
        case UpdateKind.ACKNOWLEDGED | UpdateKind.NOTE | UpdateKind.POSTMORTEM:
            return update.text or str(UPDATE_KINDS[update.kind].meaning)
    assert_never(update.kind)


def _said(targets: Sequence[str], name_of: NameOf, what: str) -> str:
    """ "Acme Fast, Acme Slow, Acme Odd and 4 more: fails too"."""
    if not targets:
        return what
    names = _(", ").join(plain(name_of(target), NAME_LENGTH) for target in targets[:MAX_NAMED])
    more = len(targets) - MAX_NAMED
    names = _("%(named)s and %(n)s more", named=names, n=more) if more > 0 else names
    return _("%(models)s: %(what)s", models=names, what=what)


def _with_reason(text: str, update: IncidentUpdate) -> str:
    if update.reason is None:
        return text
    return _("%(what)s – %(reason)s", what=text, reason=reason_text(update.reason))


_ONE: Final[Mapping[tuple[Severity, bool], Callable[[str], str]]] = {
    (Severity.DOWN, True): lambda name: _("%(name)s is down", name=name),
    (Severity.DOWN, False): lambda name: _("%(name)s was down", name=name),
    (Severity.DEGRADED, True): lambda name: _("%(name)s is degraded", name=name),
    (Severity.DEGRADED, False): lambda name: _("%(name)s was degraded", name=name),
    (Severity.ATTENTION, True): lambda name: _("%(name)s needs the operator", name=name),
    (Severity.ATTENTION, False): lambda name: _("%(name)s needed the operator", name=name),
}
_MANY: Final[Mapping[tuple[Severity, bool], Callable[[int, str], str]]] = {
    (Severity.DOWN, True): lambda n, provider: ngettext(
        "%(num)s model of %(provider)s is down",
        "%(num)s models of %(provider)s are down",
        n,
        provider=provider,
    ),
    (Severity.DOWN, False): lambda n, provider: ngettext(
        "%(num)s model of %(provider)s was down",
        "%(num)s models of %(provider)s were down",
        n,
        provider=provider,
    ),
    (Severity.DEGRADED, True): lambda n, provider: ngettext(
        "%(num)s model of %(provider)s is degraded",
        "%(num)s models of %(provider)s are degraded",
        n,
        provider=provider,
    ),
    (Severity.DEGRADED, False): lambda n, provider: ngettext(
        "%(num)s model of %(provider)s was degraded",
        "%(num)s models of %(provider)s were degraded",
        n,
        provider=provider,
    ),
    (Severity.ATTENTION, True): lambda n, provider: ngettext(
        "%(num)s model of %(provider)s needs the operator",
        "%(num)s models of %(provider)s need the operator",
        n,
        provider=provider,
    ),
    (Severity.ATTENTION, False): lambda n, provider: ngettext(
        "%(num)s model of %(provider)s needed the operator",
        "%(num)s models of %(provider)s needed the operator",
        n,
        provider=provider,
    ),
}
