"""Patience with wrong PINs: by who tries, in memory; and in all, over restarts too. By the time since boot.

Whoever tries is an address, or a browser that has given the right PIN before (`known`): that one is counted by
itself alone, so that nobody else's tries hold it up. What holds for guessing:

- one address: a hundred tries a day, since after three each waits twice as long, up to a quarter of an hour;
- all addresses together, however many: 1,500 tries a day. A part of what is left is for addresses that have not tried
  wrong yet, so that those that try again and again use up none of it.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from aldea.agents.page.allowance import Allowance
from aldea.agents.page.tries import TriesFile
from aldea.model.clock import Clock

MOST_REMEMBERED = 256
FREE_TRIES = 3
FIRST_WAIT_MS = 5_000
LONGEST_WAIT_MS = 15 * 60_000
FORGOTTEN_MS = 24 * 3_600_000
TRIES_IN_ALL = 60
FOR_NEW_ONES = 20
ONE_MORE_EACH_MS = 60_000


@dataclass(frozen=True, slots=True)
class Wait:
    """How long until a try counts; `by_others`: because of what others have tried."""

    ms: int
    by_others: bool = False


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    until_ms: int = 0
    last_ms: int = 0


@dataclass(slots=True)
class Patience:
    """Counts wrong tries. Used by several threads; bounded, the oldest are forgotten first."""

    clock: Clock
    file: TriesFile | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _by_who: OrderedDict[str, _Tries] = field(default_factory=OrderedDict)
    _in_all: Allowance = field(init=False)

    def __post_init__(self) -> None:
        self._in_all = Allowance(self.clock, TRIES_IN_ALL, ONE_MORE_EACH_MS)
        kept = None if self.file is None else self.file.read(self.clock.mono_ms())
        if kept is not None:
            self._in_all.begin_with(*kept)

    def wait(self, who: str, *, known: bool = False) -> Wait:
        """Return how long `who` has to wait before the next try counts; 0: it may try."""
        with self._lock:
            now_ms = self.clock.mono_ms()
            own = self._tries(who, now_ms)
            if own.until_ms > now_ms:
                return Wait(own.until_ms - now_ms)
            if known:
                return Wait(0)
            missing = 1 + (FOR_NEW_ONES if own.wrong else 0) - self._in_all.left()
            return Wait(max(0, round(missing * ONE_MORE_EACH_MS)), by_others=missing > 0)

    def wrong(self, who: str, *, known: bool = False) -> None:
        """Note a wrong try."""
        with self._lock:
            now_ms = self.clock.mono_ms()
            own = self._tries(who, now_ms)
            own.wrong += 1
            own.last_ms = now_ms
            if own.wrong >= FREE_TRIES:
                own.until_ms = now_ms + min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** min(20, own.wrong - FREE_TRIES))
            self._by_who[who] = own
            self._by_who.move_to_end(who)
            while len(self._by_who) > MOST_REMEMBERED:
                self._by_who.popitem(last=False)
            if known:
                return
            self._in_all.spend()
            if self.file is not None:
                self.file.keep(self._in_all.left(), now_ms)

    def right(self, who: str) -> None:
        """Note that the PIN was given: this one is trusted again. What is left in all is not touched."""
        with self._lock:
            self._by_who.pop(who, None)

    def _tries(self, who: str, now_ms: int) -> _Tries:
        found = self._by_who.get(who)
        if found is None or now_ms - found.last_ms > FORGOTTEN_MS:
            return _Tries()
        return found


def place_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the 64 bits of a network whose other 64 one can choose."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
