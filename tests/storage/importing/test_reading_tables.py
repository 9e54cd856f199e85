"""A table of sites as people keep them: files, cells and templates."""

from __future__ import annotations

import io
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from aldea.storage.importing.cells import as_meant, harmless
from aldea.storage.importing.columns import COLUMNS
from aldea.storage.importing.files import template_csv
from aldea.storage.importing.plan import Wish, make_plan
from aldea.storage.importing.tables import read_table
from aldea.storage.importing.values import read_hours, written_hours
from aldea.storage.importing.words import TableError
from aldea.storage.importing.workbooks import template_xlsx
from aldea.storage.register import Register
from storage.importing.loading import NOW, plan_of, sentences

FILES = [
    (b"", "No line with the columns' names"),
    (b"one;two\n1;2", "No line with the columns' names"),
    (b"id;name\n", "has no sites below"),
    (b"name;state\nX;Campeche", "The column “id / clave” is missing"),
    (b"id;clave;name\nx;x;X", "mean the same: keep one"),
    (b"PK\x03\x04 no zip", "neither XLSX nor CSV"),
    (b"\x89PNG\x00\x00", "neither XLSX nor CSV"),
]


@pytest.mark.parametrize(("content", "said"), FILES)
def test_a_file_that_is_no_table_gets_a_sentence(register: Register, content: bytes, said: str) -> None:
    with register.reading() as unit, pytest.raises(TableError, match=said):
        make_plan(unit, read_table(content), Wish(), NOW)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [";", ",", "\t"])
def test_csv_is_read_as_excel_writes_it(register: Register, encoding: str, mark: str) -> None:
    text = mark.join(["clave", "nombre", "estado", "municipio"]) + "\r\n" + mark.join(["x", "Ñu", "Yucatán", "Yaxcabá"])
    with register.reading() as unit:
        plan = make_plan(unit, read_table(text.encode(encoding)), Wish(), NOW)
    row = plan.added[0].row
    assert (row.name, row.facts["municipality"], row.timezone) == ("Ñu", "Yaxcabá", "America/Merida")


def test_xlsx_is_read_with_its_numbers_dates_and_a_title_on_top(register: Register) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Sitios 2026"])
    sheet.append(["Clave", "Nombre", "Clave INEGI", "Puesta en marcha", "Población"])
    sheet.append(["x", "X", 310790001, datetime(2026, 3, 1), 790.0])  # noqa: DTZ001 - a cell's day has no zone
    out = io.BytesIO()
    book.save(out)
    with register.reading() as unit:
        plan = make_plan(unit, read_table(out.getvalue()), Wish(), NOW)
    row = plan.added[0].row
    assert (row.line, row.commissioned, row.facts["population"]) == (3, date(2026, 3, 1), 790)
    assert (row.facts["inegi_code"], row.facts["state_name"]) == ("310790001", "Yucatán")


@given(st.text(max_size=20))
def test_no_cell_is_run_as_a_formula_and_each_is_read_as_it_was(text: str) -> None:
    written = harmless(text)
    assert not written.startswith(("=", "@", "\t", "\r"))
    assert written[:1] not in {"+", "-"} or all(letter.isdigit() or letter in ".," for letter in written[1:])
    assert as_meant(written) == text or text.startswith("'")


def test_a_formula_behind_a_number_is_none_either() -> None:
    assert harmless("-2+3+cmd|' /C calc'!A0") == "'-2+3+cmd|' /C calc'!A0"
    assert [harmless(text) for text in ("-90.45", "+5", "1,000")] == ["-90.45", "+5", "1,000"]


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_templates_name_every_column_and_their_example_is_good(register: Register, language: str) -> None:
    assert sentences(plan_of(register, template_csv(language).decode("utf-8-sig"))) == []
    book = load_workbook(io.BytesIO(template_xlsx(language)))
    first, help_sheet = book.worksheets
    assert [cell.value for cell in first[1]] == [c.spanish if language == "es" else c.key for c in COLUMNS]
    assert help_sheet.max_row == len(COLUMNS) + 1
    assert first["F2"].number_format == "@"


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 22)), max_size=6))
def test_hours_are_read_as_they_are_written(opened: list[tuple[int, int]]) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    week: dict[str, list[list[str]]] = {day: [] for day in days}
    for day, hour in dict(opened).items():
        week[days[day]] = [[f"{hour:02}:00", f"{hour + 1:02}:00"]]
    text = written_hours(week)
    assert not text or read_hours(text) == week
