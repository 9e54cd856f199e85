"""Forms as data: what is typed into a page, pasted as lines or sent as a table."""

from __future__ import annotations

from aldea.model.forms import (
    Cell,
    Group,
    from_flat,
    laid_out,
    pasted_rows,
    read_table,
    sentence,
    table_header,
    validate,
)
from records.answers import FORMS, MOMENT


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
