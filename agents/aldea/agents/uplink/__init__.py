"""The uplink: the agent's side of the conversation with the collector, and the connection it runs on."""

from aldea.agents.uplink.anchors import Moment
from aldea.agents.uplink.conversation import Conversation
from aldea.agents.uplink.link import LinkOptions
from aldea.agents.uplink.pace import Pace
from aldea.agents.uplink.sending import Identity, Outgoing
from aldea.agents.uplink.uplink import Uplink

__all__ = ["Conversation", "Identity", "LinkOptions", "Moment", "Outgoing", "Pace", "Uplink"]
