"""What of the indicators is asked for, checked: area, period, programme, split. Each fault names its fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aldea.dashboard_api.figures.places import Places
from aldea.dashboard_api.problems import Fault
from aldea.indicators.indicator import Indicator
from aldea.indicators.periods import PeriodError, period_of
from aldea.indicators.terms import Evidence, Level, Setting
from aldea.model.said import Said, in_spanish

AREA_FORMS = "all, state:Yucatán, municipality:31079, site:<id>, or state, municipality, site for each of them"
PERSON_MARKS = ("sex", "age_band", "wave")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question: `code` None is every area of the level, `period` '' every period there is."""

    simulated: bool = False
    level: Level = Level.ALL
    code: str | None = "all"
    period: str = ""
    programme: str = ""
    setting: Setting = Setting.RURAL
    split: dict[str, str] = field(default_factory=dict)

    @property
    def disagg(self) -> dict[str, str]:
        """The disaggregation that values are stored under."""
        urban = self.setting is Setting.URBAN and self.level is not Level.SITE
        return {**({"setting": Setting.URBAN.value} if urban else {}), **self.split}


def area_of(text: str, places: Places) -> tuple[Level, str | None] | Fault:
    """Return the level and code that `text` names, or what is wrong with it."""
    word, colon, code = text.partition(":")
    if word not in tuple(Level) or (word == Level.ALL and colon) or (colon and not code):
        return Fault("area", f"area is {text[:60]!r}: use {AREA_FORMS}.")
    level = Level(word)
    if level is Level.ALL:
        return level, "all"
    if not colon:
        return level, None
    known = codes_of(level, places)
    if code not in known:
        more = "a municipality has the first 5 digits of its INEGI code" if level is Level.MUNICIPALITY else ""
        listed = "" if level is Level.SITE else " (" + ", ".join(sorted(known)[:20]) + ")"
        return Fault("area", f"area names the {level} {code[:60]!r}, where no site is{listed}; {more or AREA_FORMS}.")
    return level, code


def codes_of(level: Level, places: Places) -> frozenset[str]:
    """Return the codes of a level's areas in which there is a site."""
    if level is Level.SITE:
        return frozenset(place.site for place in places)
    found = {area.municipality if level is Level.MUNICIPALITY else area.state for area in places.areas}
    return frozenset(code for code in found if code is not None)


def period_faults(period: str) -> Iterator[Fault]:
    """Yield what is wrong with a period; nothing for an empty one."""
    if period:
        try:
            period_of(period)
        except PeriodError as error:
            said = error.args[0]
            yield Fault("period", Said(f"{said}.", f"{in_spanish(said)}."))


def split_faults(indicator: Indicator, split: dict[str, str]) -> Iterator[Fault]:
    """Yield what is wrong with a split. A split of machines is no fault: its answer is that it cannot exist."""
    if len([name for name in split if name in PERSON_MARKS]) > 1:
        yield Fault("sex", "Only one of sex, age and wave at a time: two together would point at persons.")
    for name, value in split.items():
        if name == "evidence":
            known = [variant.evidence.value for variant in indicator.variants]
            if value not in known:
                yield Fault(name, f"evidence is {value[:40]!r}: {_listed([indicator.evidence.value, *known])}.")
            continue
        choices = indicator.marks.get(name) or _ALL_MARKS[name]
        if value not in choices:
            shown = {"age_band": "age"}.get(name, name)
            yield Fault(shown, f"{shown} is {value[:20]!r}: {_listed(choices)}.")


_ALL_MARKS: dict[str, tuple[str, ...]] = {
    "sex": ("F", "M", "O"),
    "age_band": ("6-14", "15-24", "25-44", "45-64", "65+"),
    "wave": ("6", "12"),
}


def own_evidence(indicator: Indicator, evidence: str) -> bool:
    """Whether the indicator's main series rests on this kind of evidence."""
    return evidence in tuple(Evidence) and indicator.evidence == evidence


def _listed(choices: Sequence[str]) -> str:
    return "use " + ", ".join(choices)
