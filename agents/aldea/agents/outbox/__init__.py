"""The outbox: what was measured and is not yet safe elsewhere, kept on disk in order."""

from aldea.agents.outbox.outbox import Outbox
from aldea.agents.outbox.records import (
    Boot,
    DeadLetter,
    Held,
    Limits,
    Machine,
    OutboxUnavailable,
    Stats,
)
from aldea.agents.outbox.reserve import Reserve, Span

__all__ = [
    "Boot",
    "DeadLetter",
    "Held",
    "Limits",
    "Machine",
    "Outbox",
    "OutboxUnavailable",
    "Reserve",
    "Span",
    "Stats",
]
