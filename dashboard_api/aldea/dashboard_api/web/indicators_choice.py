"""What the pages of the four steps are asked for, checked, with what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from pydantic import Field

from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.figures.asking import Wanted, area_of, period_faults
from aldea.dashboard_api.figures.places import Places
from aldea.dashboard_api.figures.reading import Reader
from aldea.dashboard_api.figures.rights import Rights
from aldea.dashboard_api.problems import Fault, Problem, bad_request
from aldea.dashboard_api.schemas import Parameters
from aldea.indicators.periods import month_at
from aldea.indicators.terms import Level, Setting
from aldea.storage.register import Unit
from aldea.storage.register.indicator_values import known_periods
from aldea.storage.register.programmes import Programme, list_programmes
from aldea.storage.register.sites import count_sites

SERIES_MONTHS = 13
SORTS = ("name", "value", "coverage")


class PageQuery(Parameters):
    """The address's parameters."""

    area: str = Field("all", max_length=120)
    period: str = Field("", max_length=10)
    programme: str = Field("", max_length=80)
    setting: str = ""
    kind: str = ""
    by: str = ""
    sort: str = ""
    page: int = Field(1, ge=1, le=100_000)
    lang: str = ""
    fragment: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is shown, and what else could be."""

    wanted: Wanted
    area: str
    by: Level
    sort: str
    periods: Sequence[str]
    programmes: Sequence[Programme]
    places: Places
    reader: Reader
    counts: tuple[int, int]

    @property
    def areas(self) -> Sequence[tuple[str, str]]:
        """The states there are sites in, as (address's word, name)."""
        return self._listed(Level.STATE)

    @property
    def municipalities(self) -> Sequence[tuple[str, str]]:
        """The municipalities there are sites in, as (address's word, name)."""
        return self._listed(Level.MUNICIPALITY)

    @property
    def has_urban(self) -> bool:
        """Whether a site is in a town."""
        return any(area.urban for area in self.places.areas)

    def name(self, level: str, code: str) -> str:
        """Return what a site or an area is called; its code if nothing is on file."""
        if level == Level.SITE:
            return next((place.name for place in self.places if place.site == code), code)
        return self.places.area_names.get((level, code), code)

    def _listed(self, level: Level) -> Sequence[tuple[str, str]]:
        names = self.places.area_names.items()
        found = [(f"{level}:{code}", name) for (its, code), name in names if its == level.value]
        return sorted(found, key=lambda pair: pair[1])

    def address(self, path: str, **changed: str) -> str:
        """Return the address of a page with something changed."""
        parts = {
            "area": "" if self.area == "all" else self.area,
            "period": self.wanted.period,
            "programme": self.wanted.programme,
            "setting": "urban" if self.wanted.setting is Setting.URBAN else "",
            "kind": "simulated" if self.wanted.simulated else "",
            **changed,
        }
        kept = {name: value for name, value in parts.items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path

    def parts(self) -> Wanted:
        """Return the question for each area of the level that the table shows."""
        return replace(self.wanted, level=self.by, code=None)


def choose(context: Context, unit: Unit, visitor: Visitor, asked: PageQuery) -> Choice:
    """Return what to show. Raises Problem for a parameter that cannot be, or a figure outside the visitor's rights."""
    now = context.clock.wall_ms()
    simulated = asked.kind == "simulated"
    places = Places(unit, now, simulated=simulated)
    rights = Rights.of(visitor, places)
    programmes = [
        one
        for one in list_programmes(unit, simulated=simulated)
        if rights.programmes is None or one.id in rights.programmes
    ]
    faults = [*_plain_faults(asked), *period_faults(asked.period)]
    found = area_of(asked.area, places)
    if isinstance(found, Fault) or found[1] is None:
        faults.append(found if isinstance(found, Fault) else Fault("area", "area needs a code, as state:Yucatán."))
    if asked.programme and asked.programme not in {one.id for one in programmes}:
        faults.append(Fault("programme", f"There is no programme {asked.programme[:40]!r} here: choose another."))
    if faults or isinstance(found, Fault):
        raise bad_request(faults)
    wanted = _wanted(asked, found, rights)
    if wanted.code is not None and not rights.may_see(wanted.level, wanted.code, wanted.programme):
        raise Problem(403, rights.sentence)
    periods = known_periods(unit, simulated=simulated)
    running = month_at(now, str(context.pages.zone)).code
    period = asked.period or (running if running in periods or not periods else periods[-1])
    return Choice(
        wanted=replace(wanted, period=period),
        area=wanted.level if wanted.level is Level.ALL else f"{wanted.level}:{wanted.code}",
        by=Level(asked.by) if asked.by else _next_level(wanted.level),
        sort=asked.sort or "name",
        periods=sorted({*periods, period}, reverse=True),
        programmes=programmes,
        places=places,
        reader=Reader(unit, places, rights),
        counts=(count_sites(unit, simulated=False), count_sites(unit, simulated=True)),
    )


def _plain_faults(asked: PageQuery) -> list[Fault]:
    known: dict[str, tuple[str, ...]] = {
        "kind": ("", "real", "simulated"),
        "setting": ("", "rural", "urban"),
        "by": ("", "state", "municipality", "site"),
        "sort": ("", *SORTS),
    }
    given = {name: str(getattr(asked, name)) for name in known}
    return [
        Fault(name, f"{name} is {value[:40]!r}: use {', '.join(known[name][1:])}.")
        for name, value in given.items()
        if value not in known[name]
    ]


def _wanted(asked: PageQuery, area: tuple[Level, str | None], rights: Rights) -> Wanted:
    """Return the question; who may see a part only begins with that part."""
    level, code = area
    programme = asked.programme
    if asked.area == "all" and not programme and not rights.everything and rights.held:
        programme = rights.held[0].programme
        if rights.held[0].region:
            level, code = Level.STATE, rights.held[0].region
    setting = Setting.URBAN if asked.setting == "urban" else Setting.RURAL
    return Wanted(asked.kind == "simulated", level, code, asked.period, programme, setting)


def _next_level(level: Level) -> Level:
    return Level.STATE if level is Level.ALL else Level.SITE
