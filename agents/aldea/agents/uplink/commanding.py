"""Commands as they come over the wire."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aldea.model.messages import Command, parse_command
from aldea.model.wire import Rejected

_LOG = logging.getLogger(__name__)

Take = Callable[[Command], None]
"""Gets each command that comes, in the uplink's thread; returns at once."""


def hand_over(payload: bytes, take: Take) -> None:
    """Read a command and hand it over; one that can't be read is said and left."""
    try:
        command = parse_command(payload)
    except Rejected as error:
        _LOG.warning("a command could not be read: %s", error)
        return
    take(command)


def nobody(command: Command) -> None:
    """Take a command where nobody carries any out."""
    _LOG.warning("the command %s (%s) was received, and nothing here carries any out", command.id, command.kind)
