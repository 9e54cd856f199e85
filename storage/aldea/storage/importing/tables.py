"""An XLSX or CSV file read as lines of text, whatever Excel has made of it; no file may fill the memory."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from xml.etree.ElementTree import ParseError

from aldea.storage.importing.cells import as_meant
from aldea.storage.importing.columns import column_of
from aldea.storage.importing.words import NO_HEADER, NO_ROWS, NOT_A_TABLE, TOO_LARGE, TOO_MANY_ROWS, Fault, TableError

MOST_BYTES = 4 * 1024 * 1024
MOST_UNPACKED_BYTES = 64 * 1024 * 1024
MOST_ROWS = 20_000
MOST_COLUMNS = 200
HEADER_WITHIN = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number as a spreadsheet counts, and its cells as text."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The headings as they were written, and the lines below."""

    headings: tuple[str, ...]
    lines: tuple[Line, ...]


def read_table(content: bytes) -> Table:
    """Read a file's content; XLSX is known by its first bytes, all else is CSV.

    Raises TableError for what is neither, too large, or has no line of headings.
    """
    if len(content) > MOST_BYTES:
        raise _refused(TOO_LARGE, size=_size(len(content)), most=_size(MOST_BYTES))
    lines = _workbook(content) if content[:4] == b"PK\x03\x04" else _separated(content)
    return _with_headings(_bounded(lines))


def _refused(text: str, **values: object) -> TableError:
    return TableError(Fault(0, "", text, values))


def _size(number: int) -> str:
    return f"{number / 1024 / 1024:.1f} MB"


def _bounded(lines: Iterator[Line]) -> list[Line]:
    kept: list[Line] = []
    for line in lines:
        if any(line.cells):
            kept.append(line)
        if len(kept) > MOST_ROWS + 1:
            raise _refused(TOO_MANY_ROWS, most=MOST_ROWS)
    return kept


def _with_headings(lines: Sequence[Line]) -> Table:
    """Find the line that names at least two of our columns: people like to put a title on top."""
    for place, line in enumerate(lines[:HEADER_WITHIN]):
        if sum(column_of(cell) is not None for cell in line.cells if cell) >= 2:
            below = tuple(lines[place + 1 :])
            if not below:
                raise _refused(NO_ROWS)
            return Table(line.cells, below)
    raise _refused(NO_HEADER)


def _workbook(content: bytes) -> Iterator[Line]:
    # The library is slow to load, and a server may run for weeks before anybody uploads a workbook.
    from openpyxl import load_workbook  # noqa: PLC0415 - see above
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - see above

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > MOST_UNPACKED_BYTES:
            raise _refused(TOO_LARGE, size=_size(unpacked), most=_size(MOST_UNPACKED_BYTES))
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, ParseError, OSError) as error:
        if isinstance(error, TableError):
            raise
        raise _refused(NOT_A_TABLE, reason=str(error)[:120] or type(error).__name__) from error
    try:
        sheet = book.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS), 1):
            if number > MOST_ROWS * 2:
                raise _refused(TOO_MANY_ROWS, most=MOST_ROWS)
            yield Line(number, tuple(_cell_text(value) for value in row))
    except (IndexError, KeyError, ValueError, ParseError, zipfile.BadZipFile) as error:
        if isinstance(error, TableError):
            raise
        raise _refused(NOT_A_TABLE, reason=str(error)[:120] or type(error).__name__) from error
    finally:
        book.close()


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return _clean(str(value))


def _separated(content: bytes) -> Iterator[Line]:
    text = _decoded(content)
    # A title above the headings has no marks of its own, so the first ten lines decide together.
    first = "\n".join(text.split("\n", HEADER_WITHIN)[:HEADER_WITHIN])
    counts = {mark: first.count(mark) for mark in (";", ",", "\t")}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(counts, key=lambda mark: counts[mark]))
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _refused(NOT_A_TABLE, reason=f"line {number}: {error}") from error
        yield Line(number, tuple(_clean(cell) for cell in cells[:MOST_COLUMNS]))


def _decoded(content: bytes) -> str:
    """Decode as Excel writes: UTF-8 with or without its mark, UTF-16, else the Windows code page."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    if b"\x00" in content[:4096]:
        raise _refused(NOT_A_TABLE, reason="NUL bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _clean(text: str) -> str:
    return as_meant(" ".join(text.replace("\xa0", " ").replace("\x00", "").split()))
