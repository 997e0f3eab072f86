"""A local stand-in for fal.ai, faithful to the contract in fal.md; production code never imports it."""

from infra.local.fal_simulator.app import create_app
from infra.local.fal_simulator.control import SimulatorControl
from infra.local.fal_simulator.server import RunningSimulator, running_simulator
from infra.local.fal_simulator.settings import SimulatorSettings

__all__ = ["RunningSimulator", "SimulatorControl", "SimulatorSettings", "create_app", "running_simulator"]
