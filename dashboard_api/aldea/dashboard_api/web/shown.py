"""How values are written for people: in their language, in units they know, in the site's own time."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent

from aldea.dashboard_api.web.words import Language
from aldea.model.catalogue import field_of
from aldea.model.sample import Value

NONE = "\N{EN DASH}"
THRESHOLD = 1.2
"""How much of a unit a length of time must have to be written in it."""
_WORD_UNITS = (31_536_000, 2_592_000, 604_800, 86_400, 3600, 60)
_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_LENGTHS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_BITS = ("bit/s", "kbit/s", "Mbit/s", "Gbit/s")


class Shown:
    """Writes values in one language, as of one moment."""

    def __init__(self, language: Language, now_ms: int) -> None:
        self._language = language
        self._locale = language.formats
        self._now_ms = now_ms

    @property
    def code(self) -> str:
        """The language's code."""
        return self._language.code

    def say(self, text: str) -> str:
        """Return a text in the language."""
        return str(self._language.texts.ugettext(text))

    def who(self, author: str) -> str:
        """Return who did something: a person's own name, and what programs call themselves in the language."""
        if author.startswith("rollout "):
            return self.say("rollout of version %(version)s") % {"version": author.removeprefix("rollout ")}
        if author == "command line":
            return self.say("command line")
        return self.say("Demo administrator") if author in {"demo", "Demo administrator"} else author

    def ago(self, ms: int | None) -> str:
        """Return how long ago something was, in words."""
        if ms is None:
            return self.say("never")
        past = timedelta(milliseconds=min(0, ms - self._now_ms))
        if past > timedelta(seconds=-5):
            return self.say("just now")
        return _length_words(_representative(round(-past.total_seconds())), self._locale, past=True)

    def moment(self, ms: int | None, zone: ZoneInfo) -> str:
        """Return a day and a time of day."""
        if ms is None:
            return NONE
        at = datetime.fromtimestamp(ms / 1000, zone)
        year = "" if at.year == datetime.fromtimestamp(self._now_ms / 1000, zone).year else f" {at.year}"
        day = format_skeleton("MMMd", at, tzinfo=zone, locale=self._locale)
        return f"{day}{year}, {format_time(at, 'HH:mm', tzinfo=zone, locale=self._locale)}"

    def exact(self, ms: int | None, zone: ZoneInfo) -> str:
        """Return a moment to the second, with the zone it is written in."""
        if ms is None:
            return NONE
        at = datetime.fromtimestamp(ms // 1000, zone)
        # Put together from parts that repeat, because a list shows hundreds of them.
        return f"{_day(at.date(), self._locale)}, {at:%H:%M:%S} {self._zone(at, zone)}"

    def minute(self, ms: int, zone: ZoneInfo) -> str:
        """Return a day and a time of day with the zone it is written in."""
        at = datetime.fromtimestamp(ms // 1000, zone)
        return f"{_day(at.date(), self._locale)}, {at:%H:%M} {self._zone(at, zone)}"

    def _zone(self, at: datetime, zone: ZoneInfo) -> str:
        return _zone_words(at.replace(minute=0, second=0), zone.key, self._locale)

    def day(self, day: date) -> str:
        """Return a day of the calendar."""
        return _day(day, self._locale)

    def mark(self, at: datetime, label: str) -> str:
        """Return what stands at a time axis."""
        if label == "minute":
            return str(format_time(at, "HH:mm", locale=self._locale, tzinfo=at.tzinfo))
        if label == "weekday":
            return str(format_date(at, "EEE d", locale=self._locale))
        return str(format_skeleton("MMMd", at, locale=self._locale, tzinfo=at.tzinfo))

    def number(self, value: float) -> str:
        """Return a number with its thousands."""
        if isinstance(value, int) and 0 <= value < 1000:
            return str(value)
        return str(format_decimal(value, "#,##0.##", locale=self._locale))

    def plain(self, value: float) -> str:
        """Return a number with no more digits than mean something."""
        size = abs(value)
        pattern = "#,##0" if size >= 100 or value == round(value) else "#,##0.#" if size >= 10 else "#,##0.##"
        return str(format_decimal(value, pattern, locale=self._locale))

    def percent(self, ratio: float | None) -> str:
        """Return a ratio in percent; never "100 %" for what is a little less."""
        if ratio is None:
            return NONE
        if 0.999 <= ratio < 1:
            ratio = 0.999
        return _percent(ratio, self._locale)

    def scale(self, unit: str, highest: float) -> tuple[float, str]:
        """Return the factor and the unit in which values of this size are written."""
        if unit == "s":
            return (1000.0, "ms") if highest < 2 else (1.0, "s")
        if unit == "ratio":
            return 100.0, "%"
        if unit == "bit/s":
            power = _power(highest, len(_BITS))
            return 1000.0**-power, _BITS[power]
        return 1.0, unit

    def scaled(self, value: float, unit: str) -> str:
        """Return a value that is in `unit` already."""
        return f"{self.plain(value)} {unit}".strip()

    def quantity(self, value: float, unit: str) -> str:
        """Return a value in a unit of its own size."""
        if unit == "B":
            power = _power(value, len(_BYTES))
            return self.scaled(value / 1000**power, _BYTES[power])
        factor, named = self.scale(unit, abs(value))
        return self.scaled(value * factor, named)

    def value(self, measurement: str, field: str, value: Value) -> str:
        """Return a field's value as a person reads it."""
        if value is None:
            return NONE
        if isinstance(value, bool):
            return self.say("yes") if value else self.say("no")
        if isinstance(value, str):
            return value
        entry = field_of(measurement, field)
        unit = "" if entry is None else entry.unit
        if field in {"uptime_seconds", "silent_seconds"}:
            return self.duration(value)
        return self.quantity(float(value), unit)

    def duration(self, seconds: float) -> str:
        """Return a length of time in words."""
        return _length_words(_representative(round(seconds)), self._locale, past=False)

    def length(self, ms: int) -> str:
        """Return a length of time in its two largest units, such as `22 h 40 min`; the symbols are everybody's."""
        seconds = max(0, round(ms / 1000))
        for (large, most), (small, size) in pairwise(_LENGTHS):
            if seconds >= most:
                whole, rest = divmod(round(seconds / size) * size, most)
                return f"{self.number(whole)} {large}" + (f" {rest // size} {small}" if rest else "")
        return f"{seconds} s"

    def field(self, measurement: str, field: str) -> str:
        """Return a field's title; its name where the catalogue does not list it."""
        entry = field_of(measurement, field)
        return field if entry is None else self.say(entry.title)


def machine_time(ms: int | None) -> str:
    """Return an instant for programs."""
    return "" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _representative(seconds: int) -> int:
    """Return a length that is written with the same words, and is the same for all that are."""
    larger = math.inf
    for size in _WORD_UNITS:
        if seconds >= THRESHOLD * size:
            found = max(round(seconds / size) * size, math.ceil(THRESHOLD * size))
            return found if found < THRESHOLD * larger else seconds
        larger = size
    return seconds


@lru_cache(maxsize=4096)
def _length_words(seconds: int, locale: Locale, *, past: bool) -> str:
    length = timedelta(seconds=-seconds if past else seconds)
    return str(format_timedelta(length, add_direction=past, locale=locale, threshold=THRESHOLD))


@lru_cache(maxsize=4096)
def _percent(ratio: float, locale: Locale) -> str:
    pattern = "#,##0 %" if ratio in {0, 1} else "#,##0.# %"
    return str(format_percent(ratio, pattern, locale=locale))


@lru_cache(maxsize=1024)
def _day(day: date, locale: Locale) -> str:
    return str(format_date(day, "d MMM yyyy", locale=locale))


@lru_cache(maxsize=1024)
def _zone_words(hour: datetime, zone: str, locale: Locale) -> str:
    """Return what a zone is called at an hour; as `UTC-6` where the language has no short name for it."""
    name = str(format_datetime(hour, "zzz", tzinfo=ZoneInfo(zone), locale=locale))
    if not re.fullmatch(r"[+-]\d{4}", name):
        return name
    hours, minutes = int(name[1:3]), name[3:]
    return f"UTC{name[0]}{hours}" + ("" if minutes == "00" else f":{minutes}")


def _power(value: float, units: int) -> int:
    power, rest = 0, abs(value)
    while rest >= 1000 and power < units - 1:
        rest /= 1000
        power += 1
    return power
