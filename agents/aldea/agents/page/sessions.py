"""Who has given the PIN: sessions in memory, and patience with wrong tries. By the time since boot."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from aldea.model.clock import Clock

IDLE_MS = 30 * 60_000
MOST_SESSIONS = 32
MOST_ADDRESSES = 256
FREE_TRIES = 3
FREE_TRIES_IN_ALL = 10
FIRST_WAIT_MS = 5_000
LONGEST_WAIT_MS = 15 * 60_000
LONGEST_WAIT_IN_ALL_MS = 60_000


class Sessions:
    """Signed-in browsers, each by a random word. One unused for half an hour ends; of too many, the oldest does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._used: OrderedDict[str, int] = OrderedDict()

    def begin(self) -> str:
        """Return a new session's word."""
        word = secrets.token_urlsafe(24)
        with self._lock:
            self._used[word] = self._clock.mono_ms()
            while len(self._used) > MOST_SESSIONS:
                self._used.popitem(last=False)
        return word

    def is_open(self, word: str | None, *, is_use: bool) -> bool:
        """Say whether a session goes on; `is_use`: and count this as a use of it."""
        if word is None:
            return False
        now_ms = self._clock.mono_ms()
        with self._lock:
            used_ms = self._used.get(word)
            if used_ms is None:
                return False
            if now_ms - used_ms > IDLE_MS:
                del self._used[word]
                return False
            if is_use:
                self._used[word] = now_ms
                self._used.move_to_end(word)
            return True

    def end(self, word: str | None) -> None:
        """End a session, if there is one."""
        with self._lock:
            self._used.pop(word or "", None)

    def end_all(self) -> None:
        """End every session: the PIN is another."""
        with self._lock:
            self._used.clear()


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    until_ms: int = 0


@dataclass(slots=True)
class Patience:
    """After a few wrong tries the next one has to wait, twice as long each time: by address, and for all together.

    An address waits up to a quarter of an hour, all together up to a minute: who tries from many addresses needs two
    years for a PIN of six digits, and cannot keep the facilitator out for longer than that minute.
    """

    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _by_address: OrderedDict[str, _Tries] = field(default_factory=OrderedDict)
    _all: _Tries = field(default_factory=_Tries)

    def wait_ms(self, address: str) -> int:
        """Return how long this address has to wait before its next try counts; 0: it may try."""
        with self._lock:
            own = self._by_address.get(address, _Tries())
            return max(0, max(own.until_ms, self._all.until_ms) - self.clock.mono_ms())

    def wrong(self, address: str) -> None:
        """Note a wrong try."""
        with self._lock:
            now_ms = self.clock.mono_ms()
            own = self._by_address.setdefault(address, _Tries())
            self._by_address.move_to_end(address)
            while len(self._by_address) > MOST_ADDRESSES:
                self._by_address.popitem(last=False)
            _count(own, FREE_TRIES, LONGEST_WAIT_MS, now_ms)
            _count(self._all, FREE_TRIES_IN_ALL, LONGEST_WAIT_IN_ALL_MS, now_ms)

    def right(self, address: str) -> None:
        """Note that the PIN was given: this address is trusted again, and everybody's wait ends."""
        with self._lock:
            self._by_address.pop(address, None)
            self._all = _Tries()


def _count(tries: _Tries, free: int, longest_ms: int, now_ms: int) -> None:
    tries.wrong += 1
    if tries.wrong >= free:
        tries.until_ms = now_ms + min(longest_ms, FIRST_WAIT_MS * 2 ** min(20, tries.wrong - free))
