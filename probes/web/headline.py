"""The one sentence that the board begins with, and the shape beside it."""

from dataclasses import dataclass
from typing import Final

from probes.domain.state import State
from probes.verdicts.rules import ReasonKey
from probes.web.i18n import _, ngettext
from probes.web.queries.board import Board, BoardRow

MAX_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Headline:
    state: State
    sentence: str
    detail: str  # who, worst first; empty when there is nothing to add


def headline(board: Board) -> Headline:
    if board.total == 0:
        return Headline(State.UNKNOWN, _("No model is configured yet"), "")
    if board.probed == 0:
        return Headline(State.UNKNOWN, _("No model is probed yet"), _asides(board))
    return _of_network(board) or _of_problems(board) or _of_unknown(board) or _of_health(board)


def _of_network(board: Board) -> Headline | None:
    held = [row for row in board.rows if row.verdict.reason.key == ReasonKey.OUR_NETWORK]
    if not held:
        return None
    sentence = ngettext(
        "Our own network is lost; nothing is known of %(num)s of %(total)s models",
        "Our own network is lost; nothing is known of %(num)s of %(total)s models",
        len(held),
        total=board.probed,
    )
    return Headline(State.UNKNOWN, sentence, _named(board))


def _of_problems(board: Board) -> Headline | None:
    failing = board.states.get(State.DOWN, 0) + board.states.get(State.DEGRADED, 0)
    if failing:
        sentence = ngettext(
            "%(num)s of %(total)s models has problems",
            "%(num)s of %(total)s models have problems",
            failing,
            total=board.probed,
        )
    elif board.problems:
        sentence = ngettext(
            "%(num)s of %(total)s models needs the operator",
            "%(num)s of %(total)s models need the operator",
            len(board.problems),
            total=board.probed,
        )
    else:
        return None
    return Headline(board.problems[0].state, sentence, _joined(_named(board), _asides(board)))


def _of_unknown(board: Board) -> Headline | None:
    unknown = board.states.get(State.UNKNOWN, 0)
    if not unknown:
        return None
    waiting = [row for group in board.groups for row in group.rows if row.is_waiting]
    if unknown == board.probed and len(waiting) == unknown:
        return Headline(State.UNKNOWN, _("The first probes are on their way"), _asides(board))
    sentence = ngettext(
        "The state of %(num)s of %(total)s models is unknown",
        "The state of %(num)s of %(total)s models is unknown",
        unknown,
        total=board.probed,
    )
    return Headline(State.UNKNOWN, sentence, _asides(board))


def _of_health(board: Board) -> Headline:
    healthy = board.states.get(State.OPERATIONAL, 0)
    held = board.states.get(State.MAINTENANCE, 0)
    if held and not healthy:
        sentence = ngettext(
            "The one model is under maintenance", "All %(num)s models are under maintenance", held
        )
        return Headline(State.MAINTENANCE, sentence, _asides(board, with_maintenance=False))
    sentence = ngettext("The one model answers normally", "All %(num)s models answer normally", healthy)
    return Headline(State.OPERATIONAL, sentence, _asides(board))


def _named(board: Board) -> str:
    """ "nimbus-large is down, quill-2 is degraded and 3 more"."""
    named = [_one(row) for row in board.problems[:MAX_NAMED]]
    more = len(board.problems) - len(named)
    text = _(", ").join(named)
    return _("%(named)s and %(n)s more", named=text, n=more) if more else text


def _one(row: BoardRow) -> str:
    name = row.target.name
    if row.state is State.DOWN:
        return _("%(name)s is down", name=name)
    if row.state is State.DEGRADED:
        return _("%(name)s is degraded", name=name)
    return _("%(name)s needs the operator", name=name)


def _asides(board: Board, *, with_maintenance: bool = True) -> str:
    """What is not probed, so that nobody takes the total for all there is."""
    parts = []
    unknown = board.states.get(State.UNKNOWN, 0)
    if unknown and board.problems:
        parts.append(_("%(n)s unknown", n=unknown))
    if with_maintenance and (held := board.states.get(State.MAINTENANCE, 0)):
        parts.append(_("%(n)s under maintenance", n=held))
    if paused := board.states.get(State.PAUSED, 0):
        parts.append(_("%(n)s paused", n=paused))
    if unset := board.states.get(State.NOT_CONFIGURED, 0):
        parts.append(_("%(n)s not configured", n=unset))
    return _(", ").join(parts)


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
