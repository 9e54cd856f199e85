"""Who has given the PIN: sessions in memory, by the time since boot."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

from aldea.model.clock import Clock

IDLE_MS = 30 * 60_000
MOST_SESSIONS = 32


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
