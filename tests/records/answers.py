"""A good answer to every form, and what it becomes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from aldea.model.forms import Moment, load_forms

MOMENT = Moment(datetime(2025, 11, 14, 12, 30, tzinfo=UTC), date(2025, 10, 1))
FORMS = load_forms()
PERSON = {"code": "K-017", "sex": "F", "age_band": "25-44"}

COURSE: dict[str, Any] = {
    "course": "Trámites en línea",
    "event_date": "03/11/2025",
    "mode": "Presencial",
    "sessions_planned": "6",
    "participants": [
        {**PERSON, "enrolled_on": "", "sessions_attended": "4", "completed_on": ""},
        {"code": "", "sex": "", "age_band": ""},
        {
            "code": "K-018",
            "sex": "hombre",
            "age_band": "65+",
            "enrolled_on": "2025-11-04",
            "sessions_attended": "6",
            "completed_on": "2025-11-13",
        },
    ],
}
ATTENDANCE: dict[str, Any] = {
    "activity": "Asesoría",
    "event_date": "2025-11-03",
    "participants": [PERSON],
    "unkeyed": "",
}

GOLDEN: dict[str, tuple[dict[str, Any], dict[str, Any], date]] = {
    "course": (
        COURSE,
        {
            "course": "Trámites en línea",
            "mode": "in_person",
            "sessions_planned": 6,
            "participants": [
                {**PERSON, "enrolled_on": "2025-11-03", "sessions_attended": 4, "completed_on": None},
                {
                    "code": "K-018",
                    "sex": "M",
                    "age_band": "65+",
                    "enrolled_on": "2025-11-04",
                    "sessions_attended": 6,
                    "completed_on": "2025-11-13",
                },
            ],
        },
        date(2025, 11, 3),
    ),
    "attendance": (
        ATTENDANCE,
        {"activity": "Asesoría", "participants": [PERSON], "unkeyed": 0},
        date(2025, 11, 3),
    ),
    "course_session": (
        {
            "course": "Trámites en línea",
            "event_date": "2025-11-03",
            "topic": "La CURP",
            "minutes": "90",
            "participants": [PERSON],
            "tally": [{"sex": "Mujer", "age_band": "65+", "count": "4"}, {"sex": "", "age_band": "", "count": ""}],
        },
        {
            "course": "Trámites en línea",
            "topic": "La CURP",
            "minutes": 90,
            "participants": [PERSON],
            "tally": [{"sex": "F", "age_band": "65+", "count": 4}],
            "unkeyed": 0,
        },
        date(2025, 11, 3),
    ),
    "service": (
        {"event_date": "2025-11-03", "services": [{"kind": "telehealth", "travel_hours_avoided": "2,5", "sex": "F"}]},
        {"services": [{"kind": "telehealth", "travel_hours_avoided": 2.5, "sex": "F"}]},
        date(2025, 11, 3),
    ),
    "project_use": (
        {
            "project": "Miel",
            "event_date": "2025-11-03",
            "sector": "livestock",
            "women_led": "sí",
            "indigenous_led": "",
            "used_last_30_days": "no",
        },
        {
            "project": "Miel",
            "sector": "livestock",
            "women_led": True,
            "indigenous_led": None,
            "used_last_30_days": False,
        },
        date(2025, 11, 3),
    ),
    "business_support": (
        {"event_date": "2025-11-03", "businesses": [{"code": "N-01", "sex": "O"}]},
        {"businesses": [{"code": "N-01", "sex": "O", "supported_on": "2025-11-03"}]},
        date(2025, 11, 3),
    ),
    "business_follow_up": (
        {
            "event_date": "2025-11-03",
            "wave": "6",
            "evidence": "self_report",
            "answers": [{"code": "N-01", "answered": "yes", "sales": "x"}],
        },
        {
            "wave": "6",
            "evidence": "self_report",
            "answers": [
                {
                    "code": "N-01",
                    "answered": True,
                    "sales": True,
                    "profit": False,
                    "customers": False,
                    "bookkeeping": False,
                    "new_product": False,
                }
            ],
        },
        date(2025, 11, 3),
    ),
    "power_note": (
        {"from": "2025-11-03T18:20", "to": "04/11/2025 2:05", "note": ""},
        {"from": "2025-11-03T18:20", "to": "2025-11-04T02:05"},
        date(2025, 11, 3),
    ),
    "nothing": (
        {"form": "course", "month": "2025-11"},
        {"form": "course", "month": "202511"},
        date(2025, 11, 14),
    ),
    "nothing_today": (
        {"event_date": "2025-11-03", "note": "Fiesta"},
        {"note": "Fiesta"},
        date(2025, 11, 3),
    ),
}
"""Of each form: what is typed, its payload, and the day that it counts for."""


def course(**row: Any) -> dict[str, Any]:
    """Return a course with one participant, of whom `row` says more."""
    return {**COURSE, "participants": [{**PERSON, **row}]}
