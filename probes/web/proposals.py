"""Proposals for local.yaml, in the reader's language. Read from each target's newest record; nothing is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probes.settings.proposals import Proposal, Refused, Sent, Value, proposals_after
from probes.web.i18n import Lazy, lazy
from probes.web.snapshot import Snapshot

REASONS: Final[Mapping[Refused, Lazy]] = {
    Refused.TOKEN_PARAMETER: lazy("The server wants the limit of output tokens under its other name."),
    Refused.TOO_FEW_TOKENS: lazy("The server refuses so low a limit of output tokens."),
    Refused.TEMPERATURE: lazy("The server refuses our temperature; without one it uses its own."),
    Refused.USAGE: lazy(
        "The server refuses stream_options; tokens are then counted by chunks unless it sends usage anyway."
    ),
    Refused.EFFORT: lazy("The model knows other efforts; this is the lowest that it names."),
    Refused.BODY_KEY: lazy("The server refuses this key of the request's body."),
}


@dataclass(frozen=True, slots=True)
class ProposalView:
    """`line` as it would stand in the model's entry at `place`; `result_id` is the record of the refusal."""

    place: str
    setting: str
    value: Value
    line: str
    reason: str
    result_id: str

    @classmethod
    def of(cls, proposal: Proposal, result_id: str) -> "ProposalView":
        return cls(
            place=proposal.place,
            setting=proposal.setting,
            value=proposal.value,
            line=proposal.line,
            reason=str(REASONS[proposal.refused]),
            result_id=result_id,
        )


def proposals_for(snapshot: Snapshot, target_id: str) -> tuple[ProposalView, ...]:
    """Of a configured target whose newest record is a refusal that names something we sent. Needs a request."""
    plan, newest = snapshot.target(target_id), snapshot.statistics_of(target_id).newest
    if plan is None or newest is None:
        return ()
    found = proposals_after(Sent.by_plan(plan), plan.spec_version, newest)
    return tuple(ProposalView.of(proposal, newest.id) for proposal in found)


@dataclass(frozen=True, slots=True)
class Attention:
    """A target that the operator should look at, and what would cure it."""

    target: str
    proposals: tuple[ProposalView, ...]


def attention(snapshot: Snapshot) -> tuple[Attention, ...]:
    """Targets with proposals, in the order of the configuration."""
    found = (Attention(target.id, proposals_for(snapshot, target.id)) for target in snapshot.targets)
    return tuple(one for one in found if one.proposals)
