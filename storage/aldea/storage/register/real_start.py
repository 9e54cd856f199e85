"""The wish to start for real, kept in the register: a page or a command asks, the server does, both can look."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from aldea.storage.register.register import Register, Unit
from aldea.storage.register.settings import get_setting, set_setting
from aldea.storage.register.simulated import WISH


class Phase(StrEnum):
    """How far it has come, in this order; `failed` instead of any of them."""

    ASKED = "asked"
    STOPPING = "stopping"
    DRAINING = "draining"
    FORGETTING = "forgetting"
    REMOVING = "removing"
    SWEEPING = "sweeping"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Wish:
    """Who asked, when, and how far it is. `sentence` says why it failed."""

    by: str
    asked_ms: int
    phase: Phase = Phase.ASKED
    done: int = 0
    total: int = 0
    sentence: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in (Phase.DONE, Phase.FAILED)


def ask(unit: Unit, by: str, at_ms: int) -> None:
    """Ask for the real start; one that is under way goes on."""
    found = read_wish(unit)
    if found is None or found.is_over:
        _keep(unit, Wish(by[:120], at_ms))


def read_wish(unit: Unit) -> Wish | None:
    """Return the last wish, None where nobody ever asked."""
    found = get_setting(unit, WISH)
    return Wish(**{**found, "phase": Phase(found["phase"])}) if isinstance(found, dict) else None


def note(register: Register, phase: Phase, done: int = 0, total: int = 0, sentence: str = "") -> None:
    """Record how far it is."""
    with register.transaction() as unit:
        found = read_wish(unit)
        if found is not None:
            _keep(unit, replace(found, phase=phase, done=done, total=total, sentence=sentence))


def _keep(unit: Unit, wish: Wish) -> None:
    set_setting(unit, WISH, asdict(wish))
