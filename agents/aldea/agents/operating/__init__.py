"""Operated from afar: commands that come from the server, carried out once, and answered by rows of the outbox."""

from aldea.agents.operating.handler import Handler, Outcome, State, Tell
from aldea.agents.operating.inbox import CommandInbox
from aldea.agents.operating.toolbox import Toolbox

__all__ = ["CommandInbox", "Handler", "Outcome", "State", "Tell", "Toolbox"]
