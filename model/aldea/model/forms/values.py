"""One answer: from what was typed to the payload's value, or what is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from aldea.model.forms.definition import Choice, Field, Kind
from aldea.model.forms.sentences import GIVEN_LIMIT

CODE = re.compile(r"[A-Za-z0-9-]{1,20}")
YES = frozenset({"yes", "y", "si", "s", "true", "1", "x", "on", "verdadero"})
NO = frozenset({"no", "n", "false", "0", "off", "falso"})


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where something is checked: the site's local time, and the days that can be meant.

    `earliest`: nothing lies before it; `latest`: the last day on which it can have happened, None: today.
    """

    now: datetime
    earliest: date | None = None
    latest: date | None = None

    @property
    def today(self) -> date:
        """The site's local day."""
        return self.now.date()


class WrongValue(Exception):
    """What was typed cannot be: a code of the sentences and the words that go into it."""

    def __init__(self, code: str, **words: str | Mapping[str, str]) -> None:
        super().__init__(code)
        self.code = code
        self.words = words


def read_value(field: Field, text: str, moment: Moment) -> object:
    """Return the payload's value for `text`, which is not blank. Raises WrongValue."""
    text = text.strip()
    if field.kind is Kind.TEXT:
        return _text(field, text, moment)
    if field.kind is Kind.DATE:
        return _date(text, moment)
    return _yes_no(text) if field.kind is Kind.YES_NO else _TIMELESS[field.kind](field, text)


def read_day(text: str) -> date | None:
    """Return the day that `2025-11-03` or `03/11/2025` (day first) means, or None. `-`, `/` and `.` are the same."""
    iso = re.fullmatch(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})", text)
    local = re.fullmatch(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})", text)
    parts = iso.groups() if iso else tuple(reversed(local.groups())) if local else None
    if parts is None:
        return None
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        return None


def read_clock(text: str) -> tuple[int, int] | None:
    """Return the hour and minute that `18:20`, `18.20` or `6:20 p. m.` means, or None."""
    found = re.fullmatch(r"([0-9]{1,2})[:.]([0-9]{2})(?::[0-9]{2})?(?:\s?([ap])\.?\s?m\.?)?", text.lower())
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2]), found[3]
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return (hour, minute) if hour < 24 and minute < 60 else None


def read_month(text: str) -> date | None:
    """Return the first day of the month that `2025-11`, `202511` or `11/2025` means, or None."""
    found = re.fullmatch(r"([0-9]{4})-?([0-9]{2})", text) or re.fullmatch(r"(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})", text)
    if found is None:
        return None
    named = found.groupdict()
    year, month = (named["y"], named["m"]) if named else found.groups()
    try:
        return date(int(year), int(month), 1)
    except ValueError:
        return None


def folded(text: str) -> str:
    """Return `text` in lower case without accents and outer blanks, as choices are compared."""
    parts = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _given(text: str) -> str:
    return text if len(text) <= GIVEN_LIMIT else text[: GIVEN_LIMIT - 1] + "…"


def _text(field: Field, text: str, moment: Moment) -> str:
    text = "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter)[0] != "C")
    if field.format == "code":
        return _code(text)
    if field.format == "local_time":
        return _local_time(text, moment)
    if field.format == "month":
        return _month(text, moment)
    if len(text) > field.max_length:
        raise WrongValue("too_long", length=str(len(text)), limit=str(field.max_length))
    return text


def _code(text: str) -> str:
    if any(letter.isspace() for letter in text):
        raise WrongValue("name_not_code", given=_given(text))
    if CODE.fullmatch(text) is None:
        raise WrongValue("code_letters", given=_given(text))
    return text


def _local_time(text: str, moment: Moment) -> str:
    found = re.fullmatch(r"([0-9./-]+),?[T\s]+(\S.*)", text)
    day, at = (read_day(found[1]), read_clock(found[2])) if found else (None, None)
    if day is None or at is None:
        raise WrongValue("not_local_time", given=_given(text))
    value = f"{day.isoformat()}T{at[0]:02}:{at[1]:02}"
    _in_time(day, moment)
    if value > moment.now.strftime("%Y-%m-%dT%H:%M"):
        now = moment.now.strftime("%Y-%m-%d %H:%M")
        raise WrongValue("in_future", given=value.replace("T", " "), limit=now)
    return value


def _month(text: str, moment: Moment) -> str:
    first = read_month(text)
    if first is None:
        raise WrongValue("not_month", given=_given(text))
    if first > moment.today:
        raise WrongValue("in_future", given=f"{first:%Y-%m}", limit=moment.today.isoformat())
    if moment.earliest is not None and first < moment.earliest.replace(day=1):
        raise WrongValue("too_early", given=f"{first:%Y-%m}", limit=moment.earliest.isoformat())
    return f"{first:%Y%m}"


def _integer(field: Field, text: str) -> int:
    if re.fullmatch(r"-?[0-9]{1,9}", text) is None:
        raise WrongValue("not_integer", given=_given(text))
    value = int(text)
    _in_range(field, value, text)
    return value


def _decimal(field: Field, text: str) -> float:
    # A comma with three digits behind it may be thousands or a fraction: not to be guessed.
    if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,20}|,[0-9]{1,2})?", text) is None:
        raise WrongValue("not_decimal", given=_given(text))
    value = float(text.replace(",", "."))
    _in_range(field, value, text)
    return value + 0.0


def _in_range(field: Field, value: float, text: str) -> None:
    if field.minimum is not None and value < field.minimum:
        raise WrongValue("too_small", given=text, limit=f"{field.minimum:g}")
    if field.maximum is not None and value > field.maximum:
        raise WrongValue("too_big", given=text, limit=f"{field.maximum:g}")


def _date(text: str, moment: Moment) -> str:
    day = read_day(text)
    if day is None:
        raise WrongValue("not_date", given=_given(text))
    _in_time(day, moment)
    return day.isoformat()


def _in_time(day: date, moment: Moment) -> None:
    if day > moment.today:
        raise WrongValue("in_future", given=day.isoformat(), limit=moment.today.isoformat())
    if moment.earliest is not None and day < moment.earliest:
        raise WrongValue("too_early", given=day.isoformat(), limit=moment.earliest.isoformat())


def _choice(field: Field, text: str) -> str:
    wanted = folded(text)
    for choice in field.choices:
        if wanted in _names(choice):
            return choice.value
    words = {code: ", ".join(choice.label.get(code, choice.value) for choice in field.choices) for code in ("es", "en")}
    raise WrongValue("not_choice", given=_given(text), choices=words)


def _names(choice: Choice) -> set[str]:
    return {folded(choice.value), *(folded(label) for label in choice.label.values())}


def _yes_no(text: str) -> bool:
    word = folded(text)
    if word not in YES | NO:
        raise WrongValue("not_yes_no", given=_given(text))
    return word in YES


_TIMELESS: Mapping[Kind, Callable[[Field, str], object]] = MappingProxyType(
    {Kind.INTEGER: _integer, Kind.DECIMAL: _decimal, Kind.CHOICE: _choice}
)
