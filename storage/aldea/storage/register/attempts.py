"""Attempts to sign in, slowed down: for an account from an address, for an address, and for an account.

An attempt is counted before the password is looked at, so that many at once gain nothing. Names that there
are not are counted just the same, so that the answer tells nothing of who has an account.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select

from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import sign_in_attempt

FORGET_MS = 24 * 3_600_000
"""Failures are forgotten after so long without another."""
EASE_MS = 10 * 60_000
"""One failure less counts for each time that has passed so: a school behind one address mistypes now and then."""


@dataclass(frozen=True, slots=True)
class Brake:
    """After `free` failures the wait is `first_ms`, and doubles with each, up to `longest_ms`."""

    free: int
    first_ms: int
    longest_ms: int

    def wait_ms(self, failures: int) -> int:
        """Return how long to wait after so many failures."""
        over = failures - self.free
        return 0 if over < 0 else min(self.longest_ms, self.first_ms * 2 ** min(over, 30))


PAIR = Brake(free=5, first_ms=5_000, longest_ms=15 * 60_000)
ADDRESS = Brake(free=40, first_ms=5_000, longest_ms=15 * 60_000)
# Anybody may type an account's name: its owner must not be kept out for long by that.
ACCOUNT = Brake(free=40, first_ms=2_000, longest_ms=60_000)


def begin_attempt(unit: Unit, account: str, address: str, at_ms: int) -> int:
    """Count an attempt and return 0, or return the milliseconds to wait first (it is then not counted)."""
    execute = unit.connection.execute
    execute(delete(sign_in_attempt).where(sign_in_attempt.c.last_ms <= at_ms - FORGET_MS))
    brakes = dict(_brakes(account, address))
    held = select(sign_in_attempt).where(sign_in_attempt.c.key.in_(brakes)).with_for_update()
    rows = {row.key: row for row in execute(held)}
    wait = max((int(row.blocked_until_ms) - at_ms for row in rows.values()), default=0)
    if wait > 0:
        return wait
    statement = insert(unit, sign_in_attempt)
    made = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={name: statement.excluded[name] for name in ("failures", "last_ms", "blocked_until_ms")},
    )
    for key, brake in brakes.items():
        failures = 1 + (_eased(rows[key], at_ms) if key in rows else 0)
        until = at_ms + brake.wait_ms(failures)
        execute(made, {"key": key, "failures": failures, "last_ms": at_ms, "blocked_until_ms": until})
    return 0


def forgive(unit: Unit, account: str, address: str) -> None:
    """Forget the failures of an account from an address: the password was right.

    The address as such keeps its count but for this attempt, or one right password would free it to try others.
    """
    pair, of_address, of_account = (key for key, _ in _brakes(account, address))
    execute = unit.connection.execute
    execute(delete(sign_in_attempt).where(sign_in_attempt.c.key.in_((pair, of_account))))
    mine = sign_in_attempt.c.key == of_address
    changed = {"failures": sign_in_attempt.c.failures - 1, "blocked_until_ms": 0}
    execute(sign_in_attempt.update().where(mine).values(**changed))


def _eased(row: Row[Any], at_ms: int) -> int:
    return max(0, int(row.failures) - max(0, at_ms - int(row.last_ms)) // EASE_MS)


def _brakes(account: str, address: str) -> Iterator[tuple[str, Brake]]:
    # The order is that of `forgive`. Digests: what was typed as a name may be a password by mistake.
    name = account.strip().casefold()
    yield _key("pair", name, address), PAIR
    yield _key("address", address), ADDRESS
    yield _key("account", name), ACCOUNT


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()
