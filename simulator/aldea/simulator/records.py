"""What the people of a simulated village enter in forms: courses, attendance, services, projects, businesses.

A pure function of seed, site and the days: the same village reports the same. Most villages report everything,
some say that nothing happened, some leave a form out, a few never report; so every state of a report is to be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from types import MappingProxyType
from typing import Any

from aldea.simulator.fleet import SimulatedSite
from aldea.simulator.noise import key_of

PROGRAMME = "aldeas-inteligentes"
PROGRAMME_NAMES = ("Aldeas Inteligentes (simulado)", "Smart Villages (simulated)")
DUTIES: Mapping[str, str] = MappingProxyType(
    {
        "course": "month",
        "attendance": "month",
        "service": "month",
        "project_use": "quarter",
        "business_support": "quarter",
        "business_follow_up": "quarter",
    }
)
DAY = timedelta(days=1)

_COURSES = ("Uso seguro de internet", "Trámites en línea", "Vender por internet", "Primeros pasos con la computadora")
_ACTIVITIES = ("Taller de tareas escolares", "Tarde de café y conexión", "Asesoría abierta", "Plática de salud")
_PROJECTS = (
    ("Miel de monte", "livestock"),
    ("Bordados", "crafts"),
    ("Café de altura", "agriculture"),
    ("Panadería", "food"),
    ("Paseos por el ejido", "tourism"),
    ("Tienda comunitaria", "commerce"),
)
_SERVICES = ("telehealth", "government", "government", "banking", "commerce", "education", "other")
_HOURS = (0.0, 0.0, 1.0, 1.5, 2.0, 2.0, 3.0, 4.0, 5.0, 8.0)
_AGES = ("6-14", "15-24", "15-24", "25-44", "25-44", "25-44", "45-64", "65+")
_SEXES = ("F", "F", "F", "M", "M", "O")


@dataclass(frozen=True, slots=True)
class SimulatedRecord:
    """One record as its form's definition has it."""

    site: str
    form: str
    day: date
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Population:
    """Inhabitants of a village, and those aged 15 or more."""

    everybody: int
    adults: int


def population_of(site: SimulatedSite, seed: int) -> Population:
    """Return how many people live there: some hundreds to some thousands."""
    chance = _chance(seed, site, "population")
    everybody = round(350 * 12 ** chance.random())
    return Population(everybody, round(everybody * (0.66 + 0.1 * chance.random())))


def records_of(site: SimulatedSite, seed: int, first: date, last: date) -> list[SimulatedRecord]:
    """Return what a village reports about the days from `first` to `last`, both included, in order of the day."""
    habit = _chance(seed, site, "habit").random()
    if habit < 0.08:
        return []
    quiet = habit < 0.2
    found: list[SimulatedRecord] = []
    for form, make in _MAKERS.items():
        chance = _chance(seed, site, form)
        left_out = chance.random() < 0.1
        if left_out:
            continue
        if quiet or chance.random() < 0.06:
            found += _nothing(site, form, first, last)
        else:
            found += (SimulatedRecord(site.id, form, day, payload) for day, payload in make(chance, first, last))
    return sorted(found, key=lambda record: (record.day, record.form))


def _chance(seed: int, site: SimulatedSite, purpose: str) -> Random:
    return Random(key_of("records", seed, site.id, purpose))  # noqa: S311  # drawn villages, no secrets


def _nothing(site: SimulatedSite, form: str, first: date, last: date) -> Iterator[SimulatedRecord]:
    """Yield the explicit zero of each month that has ended."""
    month = first.replace(day=1)
    while (end := (month + 31 * DAY).replace(day=1) - DAY) <= last:
        yield SimulatedRecord(site.id, "nothing", max(end, first), {"form": form, "month": f"{month:%Y%m}"})
        month = end + DAY


def _days(chance: Random, first: date, last: date, often: float) -> Iterator[date]:
    """Yield the weekdays on which something that has the chance `often` happens."""
    day = first
    while day <= last:
        if day.weekday() < 6 and chance.random() < often:
            yield day
        day += DAY


def _person(chance: Random, number: int) -> dict[str, Any]:
    return {"code": f"P-{number:03}", "sex": chance.choice(_SEXES), "age_band": chance.choice(_AGES)}


def _people(chance: Random, most: int, several: int) -> list[dict[str, Any]]:
    numbers = chance.sample(range(1, most + 1), min(several, most))
    # Who somebody is depends on the number alone, so that a code means the same person in every record.
    return [_person(Random(number * 7919), number) for number in sorted(numbers)]  # noqa: S311  # as above


def _courses(chance: Random, first: date, last: date) -> Iterator[tuple[date, dict[str, Any]]]:
    most = chance.randint(15, 60)
    for number in range(chance.randint(1, 2)):
        start = first + chance.randint(0, max((last - first).days - 6, 0)) * DAY
        sessions = chance.choice((4, 6, 8, 10))
        held = min((last - start).days // 3 + 1, sessions)
        participants = []
        for person in _people(chance, most, chance.randint(6, 18)):
            attended = min(round(held * chance.betavariate(4, 1.3)), held)
            done = held == sessions and attended >= 0.7 * sessions
            ended = min(start + 3 * (sessions - 1) * DAY, last).isoformat() if done else None
            more = {"enrolled_on": start.isoformat(), "sessions_attended": attended, "completed_on": ended}
            participants.append({**person, **more})
        mode = chance.choice(("in_person", "blended", "blended", "self_paced"))
        title = _COURSES[(number + most) % len(_COURSES)]
        yield start, {"course": title, "mode": mode, "sessions_planned": sessions, "participants": participants}


def _attendance(chance: Random, first: date, last: date) -> Iterator[tuple[date, dict[str, Any]]]:
    most = chance.randint(20, 80)
    for day in _days(chance, first, last, 0.14):
        people = _people(chance, most, chance.randint(4, 16))
        unkeyed = chance.choice((0, 0, 0, 1, 2, 5))
        yield day, {"activity": chance.choice(_ACTIVITIES), "participants": people, "unkeyed": unkeyed}


def _services(chance: Random, first: date, last: date) -> Iterator[tuple[date, dict[str, Any]]]:
    for day in _days(chance, first, last, 0.3):
        services = []
        for _ in range(chance.randint(1, 6)):
            service = {"kind": chance.choice(_SERVICES), "travel_hours_avoided": chance.choice(_HOURS)}
            if chance.random() < 0.7:
                service |= {"sex": chance.choice(_SEXES), "age_band": chance.choice(_AGES)}
            services.append(service)
        yield day, {"services": services}


def _projects(chance: Random, first: date, last: date) -> Iterator[tuple[date, dict[str, Any]]]:
    for project, sector in chance.sample(_PROJECTS, chance.randint(1, 2)):
        yield (
            first + chance.randint(0, (last - first).days) * DAY,
            {
                "project": project,
                "sector": sector,
                "women_led": chance.random() < 0.55,
                "indigenous_led": chance.choice((True, True, False, None)),
                "used_last_30_days": chance.random() < 0.72,
            },
        )


def _business_codes(chance: Random) -> list[str]:
    return [f"N-{number:02}" for number in range(1, chance.randint(4, 9))]


def _support(chance: Random, first: date, last: date) -> Iterator[tuple[date, dict[str, Any]]]:
    day = first + chance.randint(0, max((last - first).days // 3, 0)) * DAY
    businesses = [
        {"code": code, "sex": chance.choice(_SEXES), "supported_on": day.isoformat()}
        for code in _business_codes(chance)
    ]
    yield day, {"businesses": businesses}


def _follow_up(chance: Random, first: date, last: date) -> Iterator[tuple[date, dict[str, Any]]]:
    day = first + chance.randint((last - first).days // 2, (last - first).days) * DAY
    questions = ("sales", "profit", "customers", "bookkeeping", "new_product")
    answers = []
    for code in _business_codes(chance):
        answered = chance.random() < 0.85
        improved = {question: answered and chance.random() < 0.4 for question in questions}
        answers.append({"code": code, "answered": answered, **improved})
    yield day, {"evidence": "self_report", "wave": "6", "answers": answers}


_MAKERS = MappingProxyType(
    {
        "course": _courses,
        "attendance": _attendance,
        "service": _services,
        "project_use": _projects,
        "business_support": _support,
        "business_follow_up": _follow_up,
    }
)
