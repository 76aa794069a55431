"""What an edit of the file did to the plan."""

from probes.domain.plan import PlanDiff
from probes.settings.model import Settings


def plan_diff(old: Settings, new: Settings) -> PlanDiff:
    """Target ids in the order of the file; any difference of a target counts as a change, a new key too."""
    before = {target.id: target for target in old.targets}
    after = {target.id: target for target in new.targets}
    return PlanDiff(
        added=tuple(name for name in after if name not in before),
        changed=tuple(name for name in after if name in before and after[name] != before[name]),
        removed=tuple(name for name in before if name not in after),
    )


def restart_needed(old: Settings, new: Settings) -> tuple[str, ...]:
    """Sections that changed and that the processes read only at their start."""
    sections = [
        name
        for name in ("web", "store", "telemetry", "simulator")
        if getattr(old, name) != getattr(new, name)
    ]
    sections += [
        f"agent.{name}"
        for name in ("location", "workers")
        if getattr(old.agent, name) != getattr(new.agent, name)
    ]
    return tuple(sections)
