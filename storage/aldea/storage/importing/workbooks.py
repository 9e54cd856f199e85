"""As a workbook: the template to fill in, and what was refused. Slow to load, so imported where it is needed."""

from __future__ import annotations

import csv
import io

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from aldea.storage.importing.columns import COLUMNS
from aldea.storage.importing.files import heading, rejects_csv
from aldea.storage.importing.plan import Plan
from aldea.storage.importing.words import Translate, as_it_is

_TEXT = "@"
_HEAD = PatternFill("solid", fgColor="D7ECE9")


def template_xlsx(language: str = "es") -> bytes:
    """Return an empty table with the headings in a language, and a sheet that explains each in both."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "sitios" if language == "es" else "sites"
    for number, column in enumerate(COLUMNS, 1):
        cell = sheet.cell(1, number, heading(column, language))
        cell.font, cell.fill = Font(bold=True), _HEAD
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = max(14, len(heading(column, language)) + 3)
        # Text, so that codes keep their first zero and dates their form.
        sheet.column_dimensions[letter].number_format = _TEXT
        for line in range(2, 202):
            sheet.cell(line, number).number_format = _TEXT
    sheet.freeze_panes = "C2"
    _explain(book)
    return _bytes_of(book)


def rejects_xlsx(plan: Plan, language: str = "es", translate: Translate = as_it_is) -> bytes:
    """Return the refused lines as they were, with the reason in a last column; text, so that codes keep their zeros."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    rows = list(csv.reader(io.StringIO(rejects_csv(plan, language, translate).decode("utf-8-sig"), newline="")))
    for line, cells in enumerate(rows, 1):
        for number, text in enumerate(cells, 1):
            cell = sheet.cell(line, number)
            cell.value, cell.number_format, cell.data_type = text, _TEXT, "s"
            if line == 1:
                cell.font, cell.fill = Font(bold=True), _HEAD
    return _bytes_of(book)


def _explain(book: Workbook) -> None:
    sheet = book.create_sheet("explicación · help")
    titles = ["columna", "column", "obligatoria · required", "ejemplo · example", "qué va aquí", "what belongs here"]
    rows = [titles]
    rows += [
        [item.spanish, item.key, "sí · yes" if item.required else "", item.example, item.help_es, item.help_en]
        for item in COLUMNS
    ]
    for line, cells in enumerate(rows, 1):
        for number, text in enumerate(cells, 1):
            cell = sheet.cell(line, number, text)
            cell.number_format = _TEXT
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if line == 1:
                cell.font, cell.fill = Font(bold=True), _HEAD
    for letter, width in zip("ABCDEF", (24, 24, 14, 26, 60, 60), strict=True):
        sheet.column_dimensions[letter].width = width


def _bytes_of(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
