"""How many tries of a PIN are left in all, over a restart of the agent: one number in a file, and nobody's address."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

_LOG = logging.getLogger(__name__)
FILE = "page.tries"
FOR_A_BOOT = 5.0
"""What a start of the machine adds: it takes minutes, and nobody knows how long it was off."""


@dataclass(frozen=True, slots=True)
class TriesFile:
    """Keeps what is left in a data folder, with the time since which boot. Whatever the disk does, it never raises."""

    folder: Path
    boot_id: str

    def read(self, now_ms: int) -> tuple[float, int] | None:
        """Return what was left, and when by this boot's time; None where nothing was kept that can be read."""
        try:
            kept = json.loads((self.folder / FILE).read_text(encoding="ascii"))
            left, at_ms, boot = float(kept["left"]), int(kept["at_ms"]), str(kept["boot"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, ArithmeticError, TypeError, KeyError, RecursionError) as error:
            _LOG.warning("%s is passed over: %s", FILE, error)
            return None
        if boot == self.boot_id:
            return max(0.0, left), min(at_ms, now_ms)
        return max(0.0, left) + FOR_A_BOOT, now_ms

    def keep(self, left: float, at_ms: int) -> None:
        """Note what is left now; on a disk that takes nothing it is good for this run alone."""
        try:
            kept = {"left": round(left, 2), "at_ms": at_ms, "boot": self.boot_id}
            draft = self.folder / f"{FILE}.new"
            draft.write_text(json.dumps(kept), encoding="ascii")
            # Not waited for: whoever tries without pause must not have everybody wait for a slow card.
            draft.replace(self.folder / FILE)
        except OSError as error:
            _LOG.warning("%s cannot be written: %s", FILE, error)
