"""That the register came back from a backup: of what was sent to devices since then, it knows nothing."""

from __future__ import annotations

from sqlalchemy import func, select

from aldea.storage.register.register import Unit
from aldea.storage.register.settings import get_setting, set_setting
from aldea.storage.register.tables import device_settings

RESTORED = "restored"
AHEAD = 1_000
"""No device was sent more revisions of its settings between a backup and its restore."""


def note_restored(unit: Unit, at_ms: int) -> None:
    """Note that the register came back from a backup."""
    newest = unit.connection.execute(select(func.max(device_settings.c.sent_revision))).scalar_one() or 0
    set_setting(unit, RESTORED, {"at_ms": at_ms, "revision": max(newest, restored_revision(unit)) + AHEAD})


def restored_ms(unit: Unit) -> int:
    """Return when the register came back from a backup; 0: never. What devices have said before may not hold now."""
    return _known(unit, "at_ms")


def restored_revision(unit: Unit) -> int:
    """Return a revision of settings that devices may have had before the restore; what is sent since has later ones."""
    return _known(unit, "revision")


def _known(unit: Unit, name: str) -> int:
    kept = get_setting(unit, RESTORED)
    found = kept.get(name) if isinstance(kept, dict) else None
    return found if isinstance(found, int) else 0
