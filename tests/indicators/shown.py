"""A register full enough to be looked at: seven months of villages, a town, simulated ones, three programmes."""

from __future__ import annotations

import random
from datetime import date, timedelta

from aldea.indicators.periods import day_start_ms
from aldea.indicators.work import IndicatorWork
from aldea.model.clock import ManualClock
from aldea.storage.register import Register
from indicators.filled import count_devices, enter, plan, register_site, settle
from indicators.world import DAY, HOUR, Interval, person

NOW_MS = day_start_ms(date(2026, 11, 22), "America/Merida") + 17 * HOUR
FIRST = date(2026, 8, 20)
PLACES = (
    ("Yaxcabá", "Yucatán", "31104", "America/Merida"),
    ("Tekax", "Yucatán", "31079", "America/Merida"),
    ("Tonalá", "Chiapas", "07097", "America/Mexico_City"),
    ("Mezcalapa", "Chiapas", "07124", "America/Mexico_City"),
)
DUTIES = {"course": "month", "attendance": "month", "service": "month", "project_use": "month"}


def fill(register: Register) -> None:
    """Put it all in and work out the figures as of `NOW_MS`."""
    plan(register, "aldeas", DUTIES)
    plan(register, "otra")
    plan(register, "inventado", DUTIES, simulated=True)
    for number in range(8):
        _village(register, number, simulated=False)
    for number in range(8, 11):
        _village(register, number, simulated=True)
    IndicatorWork(register, ManualClock(NOW_MS)).step()


def _village(register: Register, number: int, *, simulated: bool) -> None:
    municipality, state, code, zone = PLACES[number % 4]
    name = f"{'aldea' if simulated else 'sitio'}-{number}"
    programme = "inventado" if simulated else "aldeas"
    chance = random.Random(number)
    register_site(
        register,
        name,
        zone=zone,
        since_ms=day_start_ms(FIRST, zone),
        simulated=simulated,
        programmes=[programme],
        clients=number != 3,
        facts={
            "state_name": state,
            "municipality": municipality,
            "inegi_code": f"{code}{number + 1:04d}",
            "population_15plus": 400 + 60 * number,
            **({"urban": True} if number == 7 else {}),
        },
    )
    _measured(register, name, zone, chance, broken=number == 5)
    if number != 6:
        _entered(register, name, programme, chance)


def _measured(register: Register, name: str, zone: str, chance: random.Random, *, broken: bool) -> None:
    intervals: list[Interval] = []
    counts: dict[date, int | None] = {}
    day = FIRST
    while day <= date(2026, 11, 21):
        start = day_start_ms(day, zone)
        lost = int(chance.random() ** 3 * 8) * HOUR
        intervals.append(Interval(name, start, start + DAY - lost, "unknown" if broken and day.day > 12 else "up"))
        if lost:
            intervals.append(
                Interval(name, start + DAY - lost, start + DAY, chance.choice(["down", "down", "planned"]))
            )
        counts[day] = chance.choice([0, 2, 4, 6, 9, 12, 15, None])
        day += timedelta(days=1)
    settle(register, intervals, at_ms=NOW_MS - HOUR)
    count_devices(register, name, counts, at_ms=NOW_MS - HOUR)


def _entered(register: Register, name: str, programme: str, chance: random.Random) -> None:
    for month in (8, 9, 10, 11):
        day = date(2026, month, 20)
        people = [
            person(
                f"{name}-{month}-{one}",
                sex=chance.choice("FFM"),
                enrolled=day,
                completed=day + timedelta(days=40) if chance.random() < 0.7 else None,
            )
            for one in range(chance.randint(6, 22))
        ]
        course = {"course": "Ventas en línea", "mode": "blended", "sessions_planned": 6, "participants": people}
        services = [
            {"kind": "egov", "travel_hours_avoided": chance.choice([0, 1.5, 2, 4]), "sex": "F"} for _ in range(14)
        ]
        project = {"project": "miel", "sector": "apicultura", "used_last_30_days": chance.random() < 0.8}
        zero = {"form": "attendance", "month": f"2026{month:02d}"}
        for form, payload in (
            ("course", course),
            ("service", {"services": services}),
            ("project_use", project),
            ("nothing", zero),
        ):
            enter(register, name, form, day, payload, at_ms=NOW_MS - HOUR, programme=programme)
    answers = [{"code": f"n{one}", "answered": one < 36, "sales": one % 4 > 0} for one in range(40)]
    followed = {"evidence": "self_report", "wave": "6", "answers": answers}
    enter(register, name, "business_follow_up", date(2026, 10, 12), followed, at_ms=NOW_MS - HOUR, programme=programme)
