"""Measures targets: one streamed request a slot, every phase stamped, every failure a classified result."""

from probes.prober.pool import ProbePool
from probes.prober.probe import Prober

__all__ = ["ProbePool", "Prober"]
