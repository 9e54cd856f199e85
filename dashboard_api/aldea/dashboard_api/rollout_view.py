"""What people do with rollouts, by page or API, written down with who did it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.model.rollouts import CHANGES
from aldea.storage.register.audit import audit
from aldea.storage.register.rollout_rows import StoredRollout
from aldea.storage.register.rollouts import begin_rollout, change_rollout, choose_first

if TYPE_CHECKING:
    from aldea.dashboard_api.access.visitor import Visitor
    from aldea.storage.register.register import Unit


def begin(
    unit: Unit, visitor: Visitor, version: str, first_site: str | None, bake_hours: float, now_ms: int
) -> StoredRollout:
    """Begin to roll a release out. Raises RegisterError with a sentence."""
    author = visitor.label or "demo"
    made = begin_rollout(unit, version, now_ms, author, first_site=first_site, bake_hours=bake_hours)
    audit(unit, visitor.person, "rollout_begun", version, {"first": first_site, "bake_hours": bake_hours}, now_ms)
    return made


def change(unit: Unit, visitor: Visitor, to: str, now_ms: int, seen: str | None = None) -> StoredRollout:
    """Pause, resume or stop (`CHANGES`) what is under way; `seen` is the reason to halt that was looked at.

    Raises RegisterError with a sentence.
    """
    found = change_rollout(unit, CHANGES[to], now_ms, seen=seen)
    audit(unit, visitor.person, f"rollout_{found.rollout.state.value}", found.rollout.version, {}, now_ms)
    return found


def choose(unit: Unit, visitor: Visitor, first_site: str | None, now_ms: int) -> StoredRollout:
    """Choose which site goes first in what is under way. Raises RegisterError with a sentence."""
    found = choose_first(unit, first_site, now_ms)
    audit(unit, visitor.person, "rollout_first_site", found.rollout.version, {"first": first_site}, now_ms)
    return found
