"""Leases: of several programs that could do a work, one does it, and a standby takes over when it is gone.

The holder checks its lease in the transaction that keeps its work (`held`). Whoever takes the lease over changes
the same row, so the two can't both commit: an old holder that wakes up late finds another fence and keeps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select, update

from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import lease

AHEAD_TIMES = 4
"""Two machines' clocks may differ, but hardly by this many times the length of a lease."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who does a work, until when, and how often it has changed hands."""

    name: str
    holder: str
    fence: int
    expires_ms: int

    def may_be_taken(self, holder: str, now_ms: int, ttl_ms: int) -> bool:
        """Say whether `holder` has it or would get it now, by the rules of `acquire`."""
        over = self.expires_ms <= now_ms or self.expires_ms > now_ms + AHEAD_TIMES * ttl_ms
        return over or self.holder in ("", holder)


def acquire(unit: Unit, name: str, holder: str, now_ms: int, ttl_ms: int) -> bool:
    """Take or renew the lease for `ttl_ms`; say whether `holder` has it now.

    It is given when nobody has it, when it has expired, or when `holder` has it already. Renewing keeps the fence;
    taking it after it has expired counts it up, even for the same holder. One that ends further away than a lease
    lasts was taken by a clock that was ahead, and counts as expired.
    """
    ends = now_ms + ttl_ms
    fresh = insert(unit, lease).on_conflict_do_nothing(index_elements=["name"])
    unit.connection.execute(fresh.values(name=name, holder="", fence=0, expires_ms=0))
    if renew(unit, name, holder, now_ms, ttl_ms):
        return True
    free = or_(lease.c.expires_ms <= now_ms, lease.c.expires_ms > now_ms + AHEAD_TIMES * ttl_ms, lease.c.holder == "")
    taken = update(lease).where(lease.c.name == name, free)
    taken = taken.values(holder=holder, fence=lease.c.fence + 1, expires_ms=ends)
    return bool(unit.connection.execute(taken).rowcount)


def renew(unit: Unit, name: str, holder: str, now_ms: int, ttl_ms: int) -> bool:
    """Keep the lease for another `ttl_ms`; False when it has expired or is not `holder`'s."""
    mine = (lease.c.name == name, lease.c.holder == holder, lease.c.expires_ms > now_ms)
    return bool(unit.connection.execute(update(lease).where(*mine).values(expires_ms=now_ms + ttl_ms)).rowcount)


def release(unit: Unit, name: str, holder: str) -> bool:
    """Give the lease back, so that a standby need not wait; say whether it was `holder`'s."""
    mine = (lease.c.name == name, lease.c.holder == holder)
    return bool(unit.connection.execute(update(lease).where(*mine).values(holder="", expires_ms=0)).rowcount)


def held(unit: Unit, name: str, holder: str, fence: int) -> bool:
    """Say whether the lease is still the one that was taken; until the unit ends nobody can take it over."""
    mine = (lease.c.name == name, lease.c.holder == holder, lease.c.fence == fence)
    return unit.connection.execute(select(lease.c.name).where(*mine).with_for_update()).first() is not None


def find_lease(unit: Unit, name: str) -> Lease | None:
    """Return the lease, or None when nobody ever had it. An empty `holder`: given back."""
    row = unit.connection.execute(select(lease).where(lease.c.name == name)).first()
    return None if row is None else Lease(**row._mapping)
