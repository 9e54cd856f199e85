"""The outbox: what was measured and is not yet safe elsewhere, kept on disk in order."""

from aldea.agents.outbox.opening import Opening
from aldea.agents.outbox.outbox import Outbox
from aldea.agents.outbox.records import (
    Before,
    Boot,
    DeadLetter,
    Held,
    Limits,
    Machine,
    OutboxUnavailable,
    Stats,
    Stopped,
)
from aldea.agents.outbox.reserve import Reserve, Span

__all__ = [
    "Before",
    "Boot",
    "DeadLetter",
    "Held",
    "Limits",
    "Machine",
    "Opening",
    "Outbox",
    "OutboxUnavailable",
    "Reserve",
    "Span",
    "Stats",
    "Stopped",
]
