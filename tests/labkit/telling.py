"""A fault from its beginning to what is known of it afterwards: what most tests of one have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from aldea.model.truth import Interval
    from labkit.box import Box
    from labkit.habits import Habits
    from labkit.lab import Lab
    from labkit.server import Stored


@dataclass(frozen=True, slots=True)
class Told:
    """What the server has of a box that is back; it was started again at `back_ms`."""

    lab: Lab
    box: Box
    back_ms: int

    def before(self, measurement: str, **tags: str) -> list[Stored]:
        """Return the rows from before it was back."""
        return [row for row in self.all(measurement, **tags) if row.at_ms < self.back_ms]

    def after(self, measurement: str, **tags: str) -> list[Stored]:
        """Return the rows since it is back."""
        return [row for row in self.all(measurement, **tags) if row.at_ms >= self.back_ms]

    def all(self, measurement: str, **tags: str) -> list[Stored]:
        """Return the rows in order of time."""
        return self.lab.server.rows(self.box.site, measurement, 0, **tags)

    def settled(self, at_ms: int) -> Interval:
        """Let time pass, settle, and return what is settled of a moment."""
        return self.lab.settled(self.box.site, at_ms)


def during(lab: Lab, fault: AbstractContextManager[object], habits: Habits | None = None, **rows: int) -> Told:
    """Start a new box within a fault, wait until it has so many rows of each measurement, cut its power, mend all."""
    box = lab.box()
    if habits is not None:
        box.habits(habits)
    with fault:
        box.start()
        for measurement, wanted in rows.items():
            box.records(measurement, wanted)
        box.kill()
    return comes_back(lab, box)


def comes_back(lab: Lab, box: Box, minutes: float = 20, sees: str = "http") -> Told:
    """Let minutes pass, start a box that is not running, wait until it sees and has delivered all, and stop it.

    Pings are waited for too: on a busy machine their first round may end after the second of others.
    """
    lab.pass_time(minutes)
    since = lab.now_ms()
    box.has_patience()
    box.start()
    for measurement in ("ping", sees):
        box.sends(measurement, 2, since)
    box.delivers()
    box.stop()
    # By when its rows say that it began: the clock of the box and the lab's may differ by a moment.
    return Told(lab, box, lab.server.rows(box.site, "boot")[-1].at_ms)
