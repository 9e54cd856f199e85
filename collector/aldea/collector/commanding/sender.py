"""Sends commands when they are due. With none under way it costs one look at an index, once a second."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from aldea.model.messages import encode_command
from aldea.model.topics import Lane, Topic
from aldea.storage.register.command_sending import claim, due_commands, expire_commands, has_expired
from aldea.storage.register.commands import message_of

if TYPE_CHECKING:
    from aldea.model.clock import Clock
    from aldea.storage.register import Register

log = logging.getLogger(__name__)

AT_ONCE = 100


class Publisher(Protocol):
    """What carries commands to the broker."""

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached now."""
        ...

    def command(self, topic: Topic, payload: bytes) -> bool:
        """Have a command sent once; False when there is no room for it now."""
        ...


class CommandSender:
    """One collector's sender. Of several, each command is claimed by one in the register before it is sent.

    A collector that dies between the two has claimed in vain: the command is sent again after ten minutes, or at
    its device's next birth. The device carries it out once, however often it comes.
    """

    def __init__(self, register: Register, link: Publisher, clock: Clock) -> None:
        self._register = register
        self._link = link
        self._clock = clock

    def step(self) -> bool:
        """Send what is due; return whether there may be more. Raises RegisterError when the register is away."""
        now_ms = self._clock.wall_ms()
        with self._register.reading() as unit:
            over = has_expired(unit, now_ms)
            due = due_commands(unit, now_ms, AT_ONCE) if self._link.connected else []
        if not (over or due):
            return False
        with self._register.transaction() as unit:
            if over:
                expire_commands(unit, now_ms)
            mine = [one for one in due if claim(unit, one, now_ms)]
        for one in mine:
            if not self._link.command(Topic(one.site, one.device, Lane.CMD), encode_command(message_of(one))):
                log.warning("the command %s for %s/%s finds no room and is sent later", one.id, one.site, one.device)
        return len(due) == AT_ONCE
