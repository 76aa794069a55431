"""What a plan will do in a day: probes, tokens, money. An upper bound: answers may end before their limit."""

from dataclasses import dataclass
from typing import Final

from probes.domain.plan import PlannedTarget
from probes.domain.target import Readiness, Target
from probes.settings.model import Settings
from probes.settings.values import duration_text

SECONDS_PER_DAY: Final = 86400.0
DEFAULT_PROMPT_TOKENS: Final = 75  # the built-in prompt with its nonce and the role's few tokens
NONCE_TOKENS: Final = 22  # what a prompt of the operator's gets in front
_LATIN_CHARACTERS_PER_TOKEN: Final = 4
_FIRST_WIDE_CHARACTER: Final = "\u2e80"  # from here on scripts of about one token a character


@dataclass(frozen=True, slots=True)
class TargetEstimate:
    """A day of scheduled probes of one target; zeros for one that is not probed. `cost` None: no price is known."""

    target: str
    readiness: Readiness
    probes: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class PlanEstimate:
    targets: tuple[TargetEstimate, ...]

    @property
    def probes(self) -> float:
        return sum(target.probes for target in self.targets)

    @property
    def input_tokens(self) -> float:
        return sum(target.input_tokens for target in self.targets)

    @property
    def output_tokens(self) -> float:
        return sum(target.output_tokens for target in self.targets)

    @property
    def cost(self) -> float | None:
        """Of the targets whose price is known; None when none is."""
        costs = [target.cost for target in self.targets if target.cost is not None]
        return sum(costs) if costs else None

    @property
    def unpriced(self) -> int:
        """Probed targets whose cost nobody knows."""
        return sum(1 for target in self.targets if target.probes and target.cost is None)


def estimate(settings: Settings) -> PlanEstimate:
    return PlanEstimate(tuple(_estimate(target) for target in settings.targets))


def _estimate(target: Target) -> TargetEstimate:
    if not target.is_probed:
        return TargetEstimate(target.id, target.readiness)
    probes = SECONDS_PER_DAY / target.interval_seconds
    input_tokens, output_tokens = (
        probes * prompt_tokens(target.options.prompt),
        probes * target.options.max_tokens,
    )
    prices, cost = target.prices, None
    if prices.input_per_million is not None and prices.output_per_million is not None:
        cost = (input_tokens * prices.input_per_million + output_tokens * prices.output_per_million) / 1e6
    return TargetEstimate(target.id, target.readiness, probes, input_tokens, output_tokens, cost)


def prompt_tokens(prompt: str | None) -> int:
    """About how many tokens a probe sends."""
    if prompt is None:
        return DEFAULT_PROMPT_TOKENS
    wide = sum(1 for character in prompt if character >= _FIRST_WIDE_CHARACTER)
    return NONCE_TOKENS + wide + -(-(len(prompt) - wide) // _LATIN_CHARACTERS_PER_TOKEN)


def plan_as_json(settings: Settings, plan: PlanEstimate) -> dict[str, object]:
    """The plan for scripts: no key, no header, no address."""
    by_id = {row.target: row for row in plan.targets}
    return {
        "source": settings.source,
        "version": settings.version,
        "targets": [
            _target_as_json(PlannedTarget.of(target), by_id[target.id]) for target in settings.targets
        ],
        "per_day": {
            "probes": round(plan.probes, 1),
            "input_tokens": round(plan.input_tokens),
            "output_tokens": round(plan.output_tokens),
            "cost": plan.cost,
            "targets_without_price": plan.unpriced,
        },
        "warnings": [str(warning) for warning in settings.warnings],
    }


def _target_as_json(target: PlannedTarget, row: TargetEstimate) -> dict[str, object]:
    return {
        "id": target.id,
        "name": target.name,
        "protocol": target.protocol.value,
        "readiness": target.readiness.value,
        "readiness_reason": target.readiness_reason,
        "interval_seconds": target.interval_seconds,
        "max_tokens": target.max_tokens,
        "spec_version": target.spec_version,
        "probes_per_day": round(row.probes, 1),
        "input_tokens_per_day": round(row.input_tokens),
        "output_tokens_per_day": round(row.output_tokens),
        "cost_per_day": row.cost,
    }


def render_plan(settings: Settings, plan: PlanEstimate) -> str:
    """The plan as plain text: a table of targets, totals, what is left out and why, warnings."""
    intervals = {target.id: duration_text(target.interval_seconds) for target in settings.targets}
    rows: list[tuple[str, ...]] = [("target", "every", "probes/day", "tokens/day", "cost/day")]
    for row in plan.targets:
        if row.readiness is Readiness.READY:
            tokens = f"{row.input_tokens + row.output_tokens:,.0f}"
            rows.append((row.target, intervals[row.target], f"{row.probes:,.0f}", tokens, _money(row.cost)))
    total = f"{plan.input_tokens + plan.output_tokens:,.0f}"
    rows.append(("total", "", f"{plan.probes:,.0f}", total, _money(plan.cost)))
    blocks = ["\n".join(_aligned(rows)), *_notes(settings, plan)]
    return f"{settings.source}: valid, version {settings.version}\n\n" + "\n\n".join(blocks)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = [
            first.ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _notes(settings: Settings, plan: PlanEstimate) -> list[str]:
    notes = []
    idle = [target for target in settings.targets if not target.is_probed]
    if idle:
        notes.append(
            "not probed:\n" + "\n".join(f"  {target.id}: {target.readiness_reason}" for target in idle)
        )
    if plan.unpriced:
        notes.append(
            f"without prices: {plan.unpriced} of {sum(1 for row in plan.targets if row.probes)} probed targets"
        )
    if plan.probes:
        notes.append("Tokens and cost are upper bounds; refreshes and confirmations come on top.")
    if settings.warnings:
        notes.append("warnings:\n" + "\n".join(f"  {warning}" for warning in settings.warnings))
    return notes


def _money(cost: float | None) -> str:
    return "-" if cost is None else f"{cost:,.4f}"
