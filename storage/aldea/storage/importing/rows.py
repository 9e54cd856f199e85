"""One line of the table checked: what it says of a site, or everything that is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Protocol

from aldea.model.sample import is_id
from aldea.storage.importing import values, words
from aldea.storage.importing.states import STATES, same_time, state_code, zones_of
from aldea.storage.importing.values import Wrong
from aldea.storage.importing.words import Fault

OFF_WHEN_CLOSED = "off_when_closed"

Read = Callable[[str], Any]


class Headings(Protocol):
    """Where the columns are."""

    def heading(self, key: str) -> str:
        """Return a column's heading as it was written, or its own name where the table has none."""
        ...


@dataclass(frozen=True, slots=True)
class SiteRow:
    """What a good line says. What it leaves empty is not in it; `facts` are the register's."""

    line: int
    id: str
    name: str
    timezone: str | None
    place: tuple[float, float] | None = None
    commissioned: date | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


READERS: Mapping[str, Read] = MappingProxyType(
    {
        "name": values.read_text,
        "municipality": values.read_text,
        "locality": values.read_text,
        "provider": values.read_text,
        "organisation": values.read_text,
        "site_kind": values.read_text,
        "power_region": values.read_text,
        "upstream": values.read_text,
        "address": lambda text: values.read_text(text, 500),
        "technology": values.read_technology,
        "timezone": values.read_zone,
        "commissioned": values.read_date,
        "latitude": lambda text: values.read_number(text, -90, 90),
        "longitude": lambda text: values.read_number(text, -180, 180),
        "contracted_down_mbps": lambda text: values.read_number(text, 0, 100_000),
        "contracted_up_mbps": lambda text: values.read_number(text, 0, 100_000),
        "contracted_volume_gb": lambda text: values.read_number(text, 0, 1_000_000),
        "population": lambda text: values.read_whole(text, 0, 30_000_000),
        "population_15plus": lambda text: values.read_whole(text, 0, 30_000_000),
        "opening_hours": values.read_hours,
        "silence_means": values.read_yes,
        "urban": values.read_yes,
        "programme": values.read_several,
        "responsible": values.read_several,
    }
)
SEVERAL = ("programme", "responsible")
NOT_FACTS = frozenset({"id", "name", "timezone", "latitude", "longitude", "commissioned", *SEVERAL})


class RowCheck:
    """Checks one line; `faults` collects all that is wrong, so that a line is mended in one go.

    `accept_fixes`: take what is offered instead of what is wrong.
    """

    def __init__(self, line: int, cells: Mapping[str, str], headings: Headings, *, accept_fixes: bool) -> None:
        self.faults: list[Fault] = []
        self.accepted: list[Fault] = []
        self._line = line
        self._cells = cells
        self._headings = headings
        self._accept = accept_fixes
        self._found: dict[str, Any] = {}

    def row(self) -> SiteRow | None:
        """Return the site, None where something is wrong."""
        site = self._id()
        if not self._cells.get("name"):
            self._fault("name", words.EMPTY)
        for key, text in self._cells.items():
            if text and key not in {"id", "state", "inegi_code"}:
                self._read(key, READERS.get(key, values.read_text), text)
        state = self._state()
        self._inegi(state)
        self._place()
        self._population()
        self._zone(state)
        if self.faults or site is None:
            return None
        found = self._found
        place = (found["latitude"], found["longitude"]) if "latitude" in found else None
        return SiteRow(
            self._line,
            site,
            found["name"],
            found.get("timezone"),
            place,
            found.get("commissioned"),
            self._facts(),
            {key: found[key] for key in SEVERAL if key in found},
        )

    def _fault(self, key: str, text: str, fix: str | None = None, **filled: object) -> None:
        self.faults.append(Fault(self._line, self._headings.heading(key), text, filled, fix))

    def _read(self, key: str, read: Read, text: str) -> None:
        try:
            self._found[key] = read(text)
        except Wrong as wrong:
            self._fault(key, wrong.text, wrong.fix, **wrong.values)

    def _offer(self, key: str, text: str, fix: str, **filled: object) -> str | None:
        """Note what is wrong and return the value to go on with: the one that is offered, if that is accepted."""
        if self._accept:
            self.accepted.append(Fault(self._line, self._headings.heading(key), text, filled, fix))
            return fix
        self._fault(key, text, fix, **filled)
        return None

    def _id(self) -> str | None:
        text = self._cells.get("id", "")
        if is_id(text):
            return text
        offered = slug(text or self._cells.get("name", ""))
        said = words.BAD_ID if text else words.EMPTY
        if not is_id(offered):
            self._fault("id", said, value=text[:60])
            return None
        return self._offer("id", said, offered, value=text[:60])

    def _state(self) -> str | None:
        text = self._cells.get("state", "")
        if not text:
            return None
        code = state_code(text)
        if code is None:
            self._fault("state", words.BAD_STATE, value=text[:60])
        else:
            self._found["state_name"] = STATES[code]
        return code

    def _inegi(self, state: str | None) -> None:
        text = self._cells.get("inegi_code", "").replace(" ", "").replace("-", "")
        if not text:
            return
        code: str | None = text
        if re.fullmatch(r"\d{4}|\d{8}", text) and f"0{text}"[:2] in STATES:
            code = self._offer("inegi_code", words.LOST_ZERO, f"0{text}", value=text, whole=f"0{text}")
        elif not re.fullmatch(r"\d{5}|\d{9}", text) or text[:2] not in STATES:
            self._fault("inegi_code", words.BAD_INEGI, value=text[:40])
            return
        if code is None:
            return
        if state is not None and code[:2] != state:
            self._fault("inegi_code", words.OTHER_STATE, value=code, code_state=STATES[code[:2]], state=STATES[state])
            return
        self._found["inegi_code"] = code
        self._found.setdefault("state_name", STATES[code[:2]])

    def _place(self) -> None:
        latitude, longitude = self._found.get("latitude"), self._found.get("longitude")
        if bool(self._cells.get("latitude")) != bool(self._cells.get("longitude")):
            self.faults.append(Fault(self._line, "", words.HALF_PLACE))
        elif latitude is not None and longitude is not None and not _in_mexico(latitude, longitude):
            self._fault("latitude", words.LIKELY_SWAPPED, value=f"{latitude:g}, {longitude:g}")

    def _population(self) -> None:
        whole, part = self._found.get("population"), self._found.get("population_15plus")
        if whole is not None and part is not None and part > whole:
            self._fault("population_15plus", words.POPULATION_PART, value=part, population=whole)

    def _zone(self, state: str | None) -> None:
        """Fill in a time zone that is left empty and can be told; refuse one that the place doesn't keep."""
        zones = zones_of(state, self._found.get("inegi_code"), self._cells.get("municipality") or None)
        given = self._found.get("timezone")
        if given is not None:
            if zones.certain is not None and not same_time(zones.certain, given):
                self._fault("timezone", words.OTHER_ZONE, zones.certain, value=given, zone=zones.certain)
        elif not self._cells.get("timezone") and zones.certain is not None:
            self._found["timezone"] = zones.certain
        elif not self._cells.get("timezone") and zones.possible:
            name = STATES[state] if state is not None else ""
            self._fault("timezone", words.DOUBTFUL_ZONE, state=name, zones=", ".join(zones.possible))

    def _facts(self) -> dict[str, Any]:
        facts = {key: value for key, value in self._found.items() if key not in NOT_FACTS}
        if "contracted_volume_gb" in facts:
            facts["contracted_volume_bytes"] = round(facts.pop("contracted_volume_gb") * 1e9)
        if facts.pop("silence_means", False):
            facts["silence_means"] = OFF_WHEN_CLOSED
        return facts


def _in_mexico(latitude: float, longitude: float) -> bool:
    return 14 <= latitude <= 33.5 and -119 <= longitude <= -86


def slug(text: str) -> str:
    """Return an id made of a name: `Isla Arena` → `isla-arena`."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:39].strip("-")
