"""The agent: schedules, probes, records, judges. It never serves a page."""

from probes.agent.cycle import Agent
from probes.agent.ports import AgentParts

__all__ = ["Agent", "AgentParts"]
