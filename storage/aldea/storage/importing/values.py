"""What is written in a cell, read as what it means. Each raises Wrong with the words of the fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aldea.storage.importing import words
from aldea.storage.register.sites import folded

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPANISH_DAYS = ("lun", "mar", "mie", "jue", "vie", "sab", "dom")
_DAY_NUMBERS = {name: number for names in (DAYS, _SPANISH_DAYS) for number, name in enumerate(names)}
_YES = {"yes", "si", "true", "verdadero", "1", "x", "off when closed", "off_when_closed"}
_NO = {"no", "false", "falso", "0"}
_SPAN = re.compile(r"(\d{1,2})[:.](\d{2}) ?(?:-|a|to) ?(\d{1,2})[:.](\d{2})")
TECHNOLOGIES = ("geo", "meo", "leo", "terrestrial", "mobile", "fibre")
_TECHNOLOGY_WORDS = {
    "satelite": "geo",
    "satelital": "geo",
    "geoestacionario": "geo",
    "starlink": "leo",
    "fibra": "fibre",
    "fibra optica": "fibre",
    "fiber": "fibre",
    "movil": "mobile",
    "celular": "mobile",
    "terrestre": "terrestrial",
    "microondas": "terrestrial",
    "microwave": "terrestrial",
}


class Wrong(ValueError):
    """A cell that can't be read: `text` is one of the words' texts, `values` fill it, `fix` is what is offered."""

    def __init__(self, text: str, fix: str | None = None, **values: object) -> None:
        super().__init__(text)
        self.text = text
        self.values = values
        self.fix = fix


def read_text(value: str, most: int = 200) -> str:
    """Return a text of bounded length."""
    if len(value) > most:
        raise Wrong(words.LONG_TEXT, length=len(value), most=most)
    return value


def read_number(value: str, low: float, high: float) -> float:
    """Return a number; a comma is taken for decimals or thousands only where it can be nothing else."""
    plain = value.replace(" ", "").replace("\xa0", "").replace("\u2212", "-")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", plain):
        if plain.count(",") == 1 and "." not in plain:
            raise Wrong(
                words.DOUBTFUL_NUMBER, value=value, whole=plain.replace(",", ""), decimal=plain.replace(",", ".")
            )
        plain = plain.replace(",", "")
    elif plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    if not re.fullmatch(r"-?(\d+(\.\d*)?|\.\d+)", plain):
        raise Wrong(words.BAD_NUMBER, value=value[:40])
    number = float(plain)
    if not low <= number <= high:
        raise Wrong(words.OUT_OF_RANGE, value=value[:40], low=f"{low:g}", high=f"{high:g}")
    return number


def read_whole(value: str, low: int, high: int) -> int:
    """Return a whole number; here a comma can only be for thousands."""
    plain = value.replace(" ", "").replace("\xa0", "")
    if re.fullmatch(r"\d{1,3}(,\d{3})+", plain):
        plain = plain.replace(",", "")
    if not re.fullmatch(r"\d{1,15}(\.0+)?", plain):
        raise Wrong(words.BAD_WHOLE, value=value[:40])
    number = int(float(plain))
    if not low <= number <= high:
        raise Wrong(words.OUT_OF_RANGE, value=value[:40], low=low, high=high)
    return number


def read_date(value: str) -> date:
    """Return a date: 2026-03-01, or 1/3/2026 with the day first, as in Mexico."""
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        try:
            found = datetime.strptime(value, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        if 1990 <= found.year <= 2100:
            return found
    raise Wrong(words.BAD_DATE, value=value[:40])


def read_yes(value: str) -> bool:
    """Return yes or no in either language."""
    said = folded(value)
    if said in _YES | _NO:
        return said in _YES
    raise Wrong(words.BAD_CHOICE, value=value[:40], choices="yes, no, sí")


def read_technology(value: str) -> str:
    """Return the word that Aldea uses for a kind of link."""
    said = folded(value)
    found = said if said in TECHNOLOGIES else _TECHNOLOGY_WORDS.get(said)
    if found is None:
        raise Wrong(words.BAD_CHOICE, value=value[:40], choices=", ".join(TECHNOLOGIES))
    return found


def read_zone(value: str) -> str:
    """Return an IANA zone's name."""
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Wrong(words.BAD_ZONE, value=value[:60]) from None


def read_several(value: str) -> tuple[str, ...]:
    """Return the ids in a cell, which stand between ; or ,."""
    return tuple(sorted({part.strip() for part in re.split(r"[;,]", value) if part.strip()}))


def read_hours(value: str) -> Mapping[str, list[list[str]]]:
    """Return weekday → [[from, to], …] of `mon-fri 09:00-18:00, sat 09:00-14:00`, in either language."""
    week: dict[str, list[list[str]]] = {day: [] for day in DAYS}
    found = False
    for part in re.split(r"[;,\n]", folded(value)):
        if part.strip():
            _add_hours(week, part.strip(), value)
            found = True
    if not found:
        raise Wrong(words.BAD_HOURS, value=value[:80])
    return week


def written_hours(week: object) -> str:
    """Return opening hours as they are typed; the inverse of `read_hours`."""
    if not isinstance(week, Mapping):
        return ""
    parts = []
    number = 0
    while number < len(DAYS):
        spans = week.get(DAYS[number]) or []
        last = number
        while last + 1 < len(DAYS) and (week.get(DAYS[last + 1]) or []) == spans:
            last += 1
        days = DAYS[number] if last == number else f"{DAYS[number]}-{DAYS[last]}"
        parts += [f"{days} {start}-{end}" for start, end in spans]
        number = last + 1
    return ", ".join(parts)


def _add_hours(week: dict[str, list[list[str]]], part: str, whole: str) -> None:
    days, _, hours = part.partition(" ")
    if not hours and _SPAN.fullmatch(days):
        raise Wrong(words.BAD_HOURS, value=whole[:80])
    first, _, last = days.partition("-")
    start, end = _DAY_NUMBERS.get(first[:3]), _DAY_NUMBERS.get((last or first)[:3])
    span = _SPAN.fullmatch(hours.strip())
    if start is None or end is None or start > end or span is None:
        raise Wrong(words.BAD_HOURS, value=whole[:80])
    opens, closes = f"{int(span[1]):02}:{span[2]}", f"{int(span[3]):02}:{span[4]}"
    if not ("00:00" <= opens < closes <= "24:00" and span[2] < "60" and span[4] < "60"):
        raise Wrong(words.BAD_HOURS, value=whole[:80])
    for day in DAYS[start : end + 1]:
        week[day].append([opens, closes])
