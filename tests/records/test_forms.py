"""Forms as data: what is accepted becomes exactly the payload, and every bad answer has its sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.model.forms import (
    Cell,
    FormError,
    Group,
    Moment,
    from_flat,
    laid_out,
    load_forms,
    pasted_rows,
    read_definition,
    read_table,
    sentence,
    table_header,
    typed_from_payload,
    validate,
)
from aldea.model.forms.sentences import SENTENCES

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


@pytest.mark.parametrize("name", FORMS)
def test_what_is_typed_becomes_exactly_the_payload(name: str) -> None:
    typed, payload, day = GOLDEN[name]
    checked = validate(FORMS[name], typed, MOMENT)
    assert [sentence(fault, "en") for fault in checked.faults] == []
    assert checked.payload == payload
    assert checked.event_date == day


@pytest.mark.parametrize("name", FORMS)
def test_a_stored_payload_is_shown_and_checked_again_to_the_same_payload(name: str) -> None:
    _, payload, day = GOLDEN[name]
    typed = typed_from_payload(FORMS[name], payload)
    if FORMS[name].field("event_date") is not None:
        typed["event_date"] = day.isoformat()
    assert validate(FORMS[name], typed, MOMENT).payload == payload
    assert validate(FORMS[name], {**payload, "event_date": day.isoformat()}, MOMENT).payload == payload


def _course(**row: Any) -> dict[str, Any]:
    return {**COURSE, "participants": [{**PERSON, **row}]}


BAD: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("course", {**COURSE, "course": " "}, "course", "Nombre del curso: falta", "Title of the course: it is missing"),
    ("course", {**COURSE, "mode": ""}, "mode", "Modalidad: falta; elíjase", "Mode: it is missing; choose one"),
    ("course", {**COURSE, "mode": "tarde"}, "mode", "use una de: Presencial", "use one of: In person"),
    ("course", {**COURSE, "course": "x" * 121}, "course", "acórtese a 120", "shorten it to 120"),
    ("course", {**COURSE, "course": ["x"]}, "course", "debe ser texto", "must be text or a number"),
    ("course", {**COURSE, "participants": "uno"}, "participants", "lista de renglones", "a list of rows"),
    ("course", {**COURSE, "participants": []}, "participants", "al menos un renglón", "at least one row"),
    ("course", {**COURSE, "participants": [PERSON] * 201}, "participants", "hay 201 renglones", "there are 201 rows"),
    ("course", _course(code="Nombre Apellido"), "participants.0.code", "use una clave, no un nombre", "not a name"),
    ("course", _course(code="Niña"), "participants.0.code", "sin acento", "plain letters"),
    ("course", _course(code="x" * 21), "participants.0.code", "de 1 a 20", "1 to 20"),
    ("course", _course(sessions_attended="dos"), "participants.0.sessions_attended", "solo con cifras", "digits only"),
    ("course", _course(sessions_attended="-1"), "participants.0.sessions_attended", "el mínimo es 0", "the least is 0"),
    ("course", {**COURSE, "sessions_planned": "401"}, "sessions_planned", "el máximo es 400", "the most is 400"),
    ("course", {**COURSE, "event_date": "ayer"}, "event_date", "no es una fecha", "is not a date"),
    ("course", {**COURSE, "event_date": "31/02/2025"}, "event_date", "no es una fecha", "is not a date"),
    ("course", {**COURSE, "event_date": "2025-11-15"}, "event_date", "hoy es 2025-11-14", "today is 2025-11-14"),
    ("course", {**COURSE, "event_date": "2025-09-30"}, "event_date", "inicio (2025-10-01)", "before the start"),
    ("course", _course(completed_on="2025-11-01"), "participants.0.completed_on", "antes de «Se", "“Enrolled on”"),
    ("course", _course(sessions_attended="7"), "participants.0.sessions_attended", "más que «Ses", "more than “Ses"),
    (
        "course",
        {**COURSE, "participants": [PERSON, {}, {**PERSON, "code": "k-017"}]},
        "participants.2.code",
        "Renglón 3, Clave: «k-017» ya está en el renglón 1",
        "Row 3, Code: “k-017” is in row 1 already",
    ),
    ("course", {**COURSE, "titel": "x"}, "titel", "no tiene este campo", "no such field; use course"),
    ("course", _course(name="x"), "participants.0.name", "no tiene este campo", "no such field; use code"),
    ("attendance", {**ATTENDANCE, "participants": []}, "participants", "Si no hubo nada", "If nothing happened"),
    ("service", {"event_date": "2025-11-03", "services": [{"kind": "other", "travel_hours_avoided": "1,500"}]},
     "services.0.travel_hours_avoided", "sin separar los miles", "without thousands separators"),
    ("project_use", {**GOLDEN["project_use"][0], "women_led": "quizá"}, "women_led", "use sí o no", "use yes or no"),
    ("power_note", {"from": "ayer"}, "from", "escríbase como 2025-11-03 18:20", "write it as 2025-11-03 18:20"),
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
        ("course", _course(enrolled_on="2025-11-03", completed_on="2025-12-20"), False),
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


def test_people_may_be_counted_by_sex_and_age_without_codes() -> None:
    tally = [{"sex": "F", "age_band": "15-24", "count": 7}, {"sex": "O", "age_band": "65+", "count": 1}]
    checked = validate(FORMS["attendance"], {**ATTENDANCE, "participants": [], "tally": tally}, MOMENT)
    assert checked.payload == {"activity": "Asesoría", "participants": [], "tally": tally, "unkeyed": 0}
    none = validate(FORMS["attendance"], {**ATTENDANCE, "tally": [{"sex": "F", "age_band": "65+", "count": 0}]}, MOMENT)
    assert [fault.path for fault in none.faults] == ["tally.0.count"]


def test_a_newer_forms_unknown_fields_are_kept() -> None:
    more = {**ATTENDANCE, "weather": "rain", "participants": [{**PERSON, "shoes": 2}]}
    checked = validate(FORMS["attendance"], more, MOMENT, version="3")
    assert checked.payload["weather"] == "rain"
    assert checked.payload["participants"] == [{**PERSON, "shoes": 2}]
    assert not validate(FORMS["attendance"], more, MOMENT, version="2").ok


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(form=st.sampled_from(sorted(FORMS)), data=st.data())
def test_whatever_is_sent_is_accepted_or_refused_in_words_and_never_breaks(form: str, data: st.DataObject) -> None:
    names = [field.name for field in FORMS[form].fields] + ["other"]
    typed = data.draw(st.dictionaries(st.sampled_from(names), anything))
    checked = validate(FORMS[form], typed, MOMENT)
    for language in ("es", "en"):
        assert all(len(sentence(fault, language)) > 10 for fault in checked.faults)
        laid_out(FORMS[form], typed if checked.ok else {}, checked.faults, language)
    if checked.ok:
        assert checked.event_date is not None
        again = validate(FORMS[form], {**checked.payload, "event_date": checked.event_date.isoformat()}, MOMENT)
        assert again.payload == checked.payload


def test_a_page_gets_what_was_typed_back_with_the_fault_at_its_field() -> None:
    typed = from_flat(
        FORMS["attendance"],
        [("activity", "X"), ("csrf", "s"), ("participants.0.code", "Nombre Apellido"), ("participants.7.sex", "F")],
    )
    assert typed == {"activity": "X", "participants": [{"code": "Nombre Apellido"}, {"sex": "F"}]}
    parts = laid_out(FORMS["attendance"], typed, validate(FORMS["attendance"], typed, MOMENT).faults, "es")
    group = next(part for part in parts if isinstance(part, Group))
    assert (group.rows[0][0].value, "no un nombre" in group.rows[0][0].error) == ("Nombre Apellido", True)
    assert len(group.rows) == 8
    more = laid_out(FORMS["attendance"], {"participants": [{"code": "a"}] * 8}, (), "es", more_rows=5)
    assert max(len(part.rows) for part in more if isinstance(part, Group)) == 13
    odd = laid_out(FORMS["attendance"], {"event_date": "ayer"}, (), "es")
    day = next(part for part in odd if isinstance(part, Cell) and part.name == "event_date")
    assert (day.widget, day.value) == ("text", "ayer"), "a date input would hide what was typed"


def test_pasted_lines_become_rows_by_order_or_by_their_heading() -> None:
    group = FORMS["attendance"].groups[0]
    assert pasted_rows(group, "K-1\tF\t15-24\nK-2\tM\t65+\n") == [
        {"code": "K-1", "sex": "F", "age_band": "15-24"},
        {"code": "K-2", "sex": "M", "age_band": "65+"},
    ]
    assert pasted_rows(group, "Edad;Clave;Sexo\n65+;K-1;Mujer") == [{"age_band": "65+", "code": "K-1", "sex": "Mujer"}]
    assert pasted_rows(group, "K-1,F,15-24,x") == [{"code": "K-1", "sex": "F", "age_band": "15-24 x"}]


def test_lines_of_one_record_are_put_together_and_know_their_place() -> None:
    header = list(table_header(FORMS["attendance"]))
    line = ["a", "", "Taller", "2025-11-03", ""]
    entries, faults = read_table(
        FORMS["attendance"],
        [header, [*line, "K-1", "F", "65+"], [*line, "K-2", "F", "65+"], ["", "", "", "", "", "K-3", "M", "65+"],
         ["b", *line[1:], "K-4", "M", "65+"]],
    )  # fmt: skip
    assert faults == ()
    assert [(entry.site, entry.lines) for entry in entries] == [("a", (2, 3, 4)), ("b", (5,))]
    for lines, code, words in (
        ([], "empty_table", "La tabla está vacía"),
        ([[*header, "edad2"]], "bad_column", "la columna «edad2»"),
        ([header[1:]], "missing_column", "falta la columna «site»"),
    ):
        _, (fault,) = read_table(FORMS["attendance"], lines)
        assert (fault.code, words in sentence(fault, "es")) == (code, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "Mi Forma"}, "id must be"),
        ({"version": "1.0"}, "version must be a whole number"),
        ({"title": {"es": "X"}}, "title needs a text in each of es, en"),
        ({"fields": []}, "at least one field"),
        ({"colour": "red"}, "'colour' is not a key"),
        ({"event_from": "when"}, "event_from must name the field"),
        ({"rules": [{"kind": "sum", "fields": []}]}, "a rule's kind is 'sum'"),
        ({"fields": [{"name": "event_date", "kind": "colour", "label": {"es": "a", "en": "b"}}]}, "kind is 'colour'"),
        ({"fields": [{"name": "event_date", "kind": "choice", "label": {"es": "a", "en": "b"}}]}, "needs choices"),
        ({"fields": [{"name": "event_date", "kind": "rows", "label": {"es": "a", "en": "b"}}]}, "need fields"),
        ({"fields": [{"name": "Event"}]}, "a field needs a name"),
    ],
)
def test_a_wrong_definition_is_refused_with_all_that_is_wrong(change: dict[str, Any], words: str) -> None:
    with pytest.raises(FormError, match=words):
        read_definition({**FORMS["power_note"].document, **change})
