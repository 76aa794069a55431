"""The agent: schedules, probes, records, judges. It never serves a page."""

from probes.agent.cycle import Agent, AgentParts

__all__ = ["Agent", "AgentParts"]
