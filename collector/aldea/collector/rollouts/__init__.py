"""Drives the rollout of a release: what devices answer goes in, who is asked next comes out."""

from aldea.collector.rollouts.driver import RolloutDriver

__all__ = ["RolloutDriver"]
