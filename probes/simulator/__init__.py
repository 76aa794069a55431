"""A loopback provider that speaks the real protocols and misbehaves on request. Shares no code with the prober."""

from probes.simulator.catalogue import list_scenarios
from probes.simulator.parameters import ScenarioError
from probes.simulator.run import RunningSimulator, RunOptions, run_simulator, serve_in_thread
from probes.simulator.scenario_file import load_scenario_file
from probes.simulator.server import Simulator, SimulatorConfig
from probes.simulator.truth import Outcome, SentWrite, Truth, TruthLog

__all__ = [
    "Outcome",
    "RunOptions",
    "RunningSimulator",
    "ScenarioError",
    "SentWrite",
    "Simulator",
    "SimulatorConfig",
    "Truth",
    "TruthLog",
    "list_scenarios",
    "load_scenario_file",
    "run_simulator",
    "serve_in_thread",
]
