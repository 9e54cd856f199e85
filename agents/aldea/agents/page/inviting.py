"""Words by which a telephone that is signed in lets another one in: it is then counted by itself, whatever others try.

Somebody who changes addresses can use up what is for all of them; a telephone that comes new would wait for ever. A
word opens nothing: the PIN is asked for as ever.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from aldea.model.clock import Clock

GOOD_FOR_MS = 10 * 60_000
MOST_WORDS = 4
LENGTH = 8
_LETTERS = "ABCDEFHJKMNPRTUVWXY"
"""Without those that look like another one. 17,000 million words: too many to be guessed in ten minutes."""


@dataclass(slots=True)
class Invitations:
    """The words that are good now, in memory. Used by several threads."""

    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _until: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def make(self) -> str:
        """Return a new word, in two halves; good for ten minutes, and once."""
        word = "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))
        with self._lock:
            self._until[word] = self.clock.mono_ms() + GOOD_FOR_MS
            while len(self._until) > MOST_WORDS:
                self._until.popitem(last=False)
        return f"{word[: LENGTH // 2]} {word[LENGTH // 2 :]}"

    def take(self, typed: str) -> bool:
        """Say whether it is one of them, in large or small letters; it is used up then."""
        word = "".join(letter for letter in typed.upper() if letter.isalpha())
        with self._lock:
            return self._until.pop(word, 0) > self.clock.mono_ms()
