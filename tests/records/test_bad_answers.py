"""Forms as data: every bad answer has a sentence that names the field and the fix."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from aldea.model.forms import Moment, sentence, validate
from aldea.model.forms.sentences import SENTENCES
from records.answers import ATTENDANCE, COURSE, FORMS, GOLDEN, MOMENT, PERSON, course

BAD: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("course", {**COURSE, "course": " "}, "course", "Nombre del curso: falta", "Title of the course: it is missing"),
    ("course", {**COURSE, "mode": ""}, "mode", "Modalidad: falta; elíjase", "Mode: it is missing; choose one"),
    ("course", {**COURSE, "mode": "tarde"}, "mode", "use una de: Presencial", "use one of: In person"),
    ("course", {**COURSE, "course": "x" * 121}, "course", "acórtese a 120", "shorten it to 120"),
    ("course", {**COURSE, "course": ["x"]}, "course", "debe ser texto", "must be text or a number"),
    ("course", {**COURSE, "participants": "uno"}, "participants", "lista de renglones", "a list of rows"),
    ("course", {**COURSE, "participants": []}, "participants", "al menos un renglón", "at least one row"),
    ("course", {**COURSE, "participants": [PERSON] * 201}, "participants", "hay 201 renglones", "there are 201 rows"),
    ("course", course(code="Nombre Apellido"), "participants.0.code", "use una clave, no un nombre", "not a name"),
    ("course", course(code="Niña"), "participants.0.code", "sin acento", "plain letters"),
    ("course", course(code="x" * 21), "participants.0.code", "de 1 a 20", "1 to 20"),
    ("course", course(sessions_attended="dos"), "participants.0.sessions_attended", "solo con cifras", "digits only"),
    ("course", course(sessions_attended="-1"), "participants.0.sessions_attended", "el mínimo es 0", "the least is 0"),
    ("course", {**COURSE, "sessions_planned": "401"}, "sessions_planned", "el máximo es 400", "the most is 400"),
    ("course", {**COURSE, "event_date": "ayer"}, "event_date", "no es una fecha", "is not a date"),
    ("course", {**COURSE, "event_date": "31/02/2025"}, "event_date", "no es una fecha", "is not a date"),
    ("course", {**COURSE, "event_date": "2025-11-15"}, "event_date", "hoy es 2025-11-14", "today is 2025-11-14"),
    ("course", {**COURSE, "event_date": "2025-09-30"}, "event_date", "inicio (2025-10-01)", "before the start"),
    ("course", course(completed_on="2025-11-01"), "participants.0.completed_on", "antes de «Se", "“Enrolled on”"),
    ("course", course(sessions_attended="7"), "participants.0.sessions_attended", "más que «Ses", "more than “Ses"),
    (
        "course",
        {**COURSE, "participants": [PERSON, {}, {**PERSON, "code": "k-017"}]},
        "participants.2.code",
        "Renglón 3, Clave: «k-017» ya está en el renglón 1",
        "Row 3, Code: “k-017” is in row 1 already",
    ),
    ("course", {**COURSE, "titel": "x"}, "titel", "no tiene este campo", "no such field; use course"),
    ("course", course(name="x"), "participants.0.name", "no tiene este campo", "no such field; use code"),
    ("attendance", {**ATTENDANCE, "participants": []}, "participants", "Si no hubo nada", "If nothing happened"),
    ("service", {"event_date": "2025-11-03", "services": [{"kind": "other", "travel_hours_avoided": "1,500"}]},
     "services.0.travel_hours_avoided", "sin separar los miles", "without thousands separators"),
    ("project_use", {**GOLDEN["project_use"][0], "women_led": "quizá"}, "women_led", "use sí o no", "use yes or no"),
    ("power_note", {"from": "ayer"}, "from", "escríbase como 2025-11-03 18:20", "write it as 2025-11-03 18:20"),
    ("power_note", {"from": "03-11-2025 13:05 pm"}, "from", "o 03/11/2025 18:20", "or 03/11/2025 18:20"),
    ("power_note", {"from": "03/11/2025 24:00"}, "from", "no es fecha y hora", "is not a date and time"),
    ("power_note", {"from": "03/11/2025 0:30 am"}, "from", "no es fecha y hora", "is not a date and time"),
    ("power_note", {"from": "31-02-2025 06:00"}, "from", "no es fecha y hora", "is not a date and time"),
    ("power_note", {"from": "2025-11-14T12:31"}, "from", "aún no llega", "still to come"),
    ("power_note", {"from": "2025-11-03T18:20", "to": "2025-11-03T18:19"}, "to", "«Se fue la luz»", "“Power went off”"),
    ("nothing", {"form": "course", "month": "13/2025"}, "month", "no es un mes", "is not a month"),
    ("nothing", {"form": "course", "month": "2025-12"}, "month", "aún no llega", "still to come"),
    ("nothing", {"form": "course", "month": "2025-09"}, "month", "antes del inicio", "before the start"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "typed", "path", "spanish", "english"), BAD)
def test_every_bad_answer_has_a_sentence_that_names_the_field_and_the_fix(
    form: str, typed: dict[str, Any], path: str, spanish: str, english: str
) -> None:
    checked = validate(FORMS[form], typed, MOMENT)
    assert [fault.path for fault in checked.faults] == [path]
    (fault,) = checked.faults
    assert spanish in sentence(fault, "es")
    assert english in sentence(fault, "en")
    assert checked.payload == {}
    assert checked.typed == typed, "what was typed is kept"


OVER = Moment(datetime(2026, 2, 10, 9, tzinfo=UTC), date(2025, 10, 1), date(2025, 11, 14))
"""A moment after the programme's end."""


@pytest.mark.parametrize(
    ("form", "typed", "is_late"),
    [
        ("attendance", {**ATTENDANCE, "event_date": "2025-11-14"}, False),
        ("attendance", {**ATTENDANCE, "event_date": "2025-11-15"}, True),
        ("power_note", {"from": "2025-11-14T23:59", "to": "2025-11-15T02:00"}, False),
        ("power_note", {"from": "2025-11-15T00:00"}, True),
        ("nothing", {"form": "course", "month": "2025-11"}, False),
        ("nothing", {"form": "course", "month": "2025-12"}, True),
        ("course", course(enrolled_on="2025-11-03", completed_on="2025-12-20"), False),
        ("business_follow_up", {**GOLDEN["business_follow_up"][0], "event_date": "2026-02-01"}, False),
    ],
)
def test_what_happened_after_the_programmes_end_is_said_but_for_what_comes_later_by_nature(
    form: str, typed: dict[str, Any], is_late: bool
) -> None:
    checked = validate(FORMS[form], typed, OVER)
    assert [fault.code for fault in checked.faults] == (["too_late"] if is_late else [])
    assert validate(FORMS[form], typed, Moment(OVER.now, OVER.earliest)).ok
    for fault in checked.faults:
        assert fault.path == FORMS[form].event_from
        assert "después del fin del programa (2025-11-14)" in sentence(fault, "es")
        assert "after the programme's end (2025-11-14)" in sentence(fault, "en")


def test_no_sentence_is_without_a_test() -> None:
    of_tables = {"empty_table", "bad_column", "missing_column", "too_many_cells", "too_late"}
    shown = {fault.code for form, typed, *_ in BAD for fault in validate(FORMS[form], typed, MOMENT).faults}
    assert shown == set(SENTENCES) - of_tables
