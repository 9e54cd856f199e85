"""Counts distinct devices of a local day without being able to say which they were.

A device becomes HMAC-SHA256(key, its six bytes), cut to eight bytes. The key is random, lives in memory for one
local day and is thrown away with the tokens at midnight; only counts leave. A hash without such a key, or with a
lasting one, would let a device be followed (Article 29 Working Party, Opinion 05/2014 on anonymisation).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

KEY_BYTES = 32
TOKEN_BYTES = 8
LATE_SECONDS = 900
"""One who begins to count later than this after midnight may have missed devices that came and went."""


def token(key: bytes, address: bytes) -> bytes:
    """Return what stands for a device (six bytes of its address) on the day of this key."""
    return hmac.new(key, address, hashlib.sha256).digest()[:TOKEN_BYTES]


@dataclass(frozen=True, slots=True)
class DayCount:
    """What is known of a local day so far.

    `covered_seconds`: how long of it was observed; `restarted`: counting began in the middle of it, so that
    `unique` may be too small, or too large if a device was counted before and after.
    """

    day: date
    unique: int
    covered_seconds: float
    restarted: bool


class DayCounter:
    """Takes sightings in order of time. `new_key` gives 32 random bytes; the key never leaves this object.

    `lasting` is the longest time between two sightings over which the day still counts as observed, seconds.
    """

    def __init__(self, zone: tzinfo | None, lasting: float, new_key: Callable[[], bytes] | None = None) -> None:
        self._zone = zone
        self._lasting = lasting
        self._new_key = new_key or (lambda: secrets.token_bytes(KEY_BYTES))
        self._day: date | None = None
        self._key = b""
        self._seen: set[bytes] = set()
        self._leases: dict[bytes, int] = {}
        self._last_ms: int | None = None
        self._covered = 0.0
        self._restarted = False

    def sighted(self, wall_ms: int, present: Iterable[bytes], leases: Mapping[bytes, int]) -> DayCount:
        """Take what is there now and return the day's count.

        `present` are addresses of devices that are connected. `leases` are addresses that hold a lease with its
        end (seconds since 1970): such a device counts once the lease is new or was renewed today, because an old
        one outlives the visit.
        """
        now = datetime.fromtimestamp(wall_ms / 1000, self._zone).astimezone(self._zone)
        if now.date() != self._day:
            self._begin(now, wall_ms, leases)
        else:
            self._covered += self._since_last(wall_ms) or 0.0
        self._last_ms = wall_ms
        self._seen.update(token(self._key, address) for address in present)
        for address, ends in leases.items():
            key = token(self._key, address)
            if self._leases.get(key) != ends:
                self._leases[key] = ends
                self._seen.add(key)
        return DayCount(now.date(), len(self._seen), round(self._covered, 1), self._restarted)

    def missed(self) -> None:
        """Say that a look failed: the time until the next one is not observed."""
        self._last_ms = None

    def _begin(self, now: datetime, wall_ms: int, leases: Mapping[bytes, int]) -> None:
        """Begin a day with a new key; the old one, and what it made, is gone."""
        midnight = datetime.combine(now.date(), datetime.min.time(), now.tzinfo)
        # By seconds since 1970: the difference of two times of one zone leaves out its daylight saving.
        since = wall_ms / 1000 - midnight.timestamp()
        seamless = self._day == now.date() - timedelta(days=1) and self._since_last(wall_ms) is not None
        self._day, self._key, self._seen = now.date(), self._new_key(), set()
        self._covered = since if seamless else 0.0
        self._restarted = not seamless and since > LATE_SECONDS
        self._leases = {token(self._key, address): ends for address, ends in leases.items()}

    def _since_last(self, wall_ms: int) -> float | None:
        """Return the seconds since the last look, None where too long ago to say what was between."""
        if self._last_ms is None:
            return None
        seconds = (wall_ms - self._last_ms) / 1000
        return seconds if 0 <= seconds <= self._lasting else None
