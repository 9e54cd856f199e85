"""How a release goes out: to one site, then to ten, then to all, each wave only after the one before has proved sound.

Pure: the rollout and what is known of its devices in, what is to be done next out. The rules are in docs/upgrades.md.
"""

from aldea.model.rollouts.states import (
    CHANGES,
    FIRST_TELLS_NOTHING,
    NOT_TRUSTED,
    WAVES,
    DeviceView,
    Key,
    Progress,
    Rollout,
    RolloutState,
    Step,
    Why,
)
from aldea.model.rollouts.stepping import next_step

__all__ = [
    "CHANGES",
    "FIRST_TELLS_NOTHING",
    "NOT_TRUSTED",
    "WAVES",
    "DeviceView",
    "Key",
    "Progress",
    "Rollout",
    "RolloutState",
    "Step",
    "Why",
    "next_step",
]
