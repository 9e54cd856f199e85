"""The fleet: which villages there are. Real municipalities, invented sites."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

DEVICE = "agent"
"""The one device of each simulated site."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d:\d\d)-(\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """One simulated site: what the register is told of it, and the story it lives through.

    `inegi_code` is the municipality's. Coordinates are degrees, WGS 84, good to about a tenth of a degree.
    """

    id: str
    municipality: str
    inegi_code: str
    state_name: str
    timezone: str
    latitude: float
    longitude: float
    provider: str
    technology: str
    power_region: str
    opening_hours: str
    story: str
    device: str = DEVICE

    @property
    def name(self) -> str:
        """What people see, saying that it is not real."""
        return f"{self.municipality} (simulado)"

    def facts(self) -> Mapping[str, object]:
        """Return the site's facts under the register's names; all are text but the opening hours."""
        return {
            "inegi_code": self.inegi_code,
            "municipality": self.municipality,
            "state_name": self.state_name,
            "provider": self.provider,
            "technology": self.technology,
            "power_region": self.power_region,
            "opening_hours": weekly_hours(self.opening_hours),
        }


@cache
def registrations() -> tuple[SimulatedSite, ...]:
    """Return all simulated sites, in the order of the data file."""
    text = (files("aldea.simulator") / "data" / "villages.csv").read_text(encoding="utf-8")
    return tuple(_site(line) for line in csv.DictReader(text.splitlines()))


def _site(line: Mapping[str, str]) -> SimulatedSite:
    values = dict(line)
    place = {key: float(values.pop(key)) for key in ("latitude", "longitude")}
    return SimulatedSite(**values, **place)  # type: ignore[arg-type]  # the columns are the fields, a test compares


def weekly_hours(text: str) -> dict[str, list[list[str]]]:
    """Read `mon-fri 09:00-18:00, sat 09:00-14:00` into weekday → [[from, to]]; days not named are closed.

    Raises ValueError naming the part that is something else.
    """
    week: dict[str, list[list[str]]] = {day: [] for day in _DAYS}
    for part in text.split(", "):
        found = _HOURS.fullmatch(part)
        if found is None or found[1] not in week or (found[2] or found[1]) not in week:
            raise ValueError(f"opening hours {part!r} are not like 'mon-fri 09:00-18:00'")
        first, last = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
        for day in _DAYS[first : last + 1]:
            week[day].append([found[3], found[4]])
    return week
