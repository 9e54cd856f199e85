"""Forms as lines of a spreadsheet: a file of records, or rows pasted into a form."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aldea.model.forms.definition import Definition, Field, Kind
from aldea.model.forms.sentences import Fault
from aldea.model.forms.values import folded

ENVELOPE = ("site", "programme")
"""The columns that every file has besides the form's own: whose record it is. `programme` may be left out."""

SITE_LABELS = {"site": {"es": "Sitio", "en": "Site"}, "programme": {"es": "Programa", "en": "Programme"}}


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One record of a file: what its lines say. `lines[i]` is the line of row i of its group (or its only line)."""

    site: str
    programme: str
    typed: Mapping[str, Any]
    lines: tuple[int, ...]
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class _Open:
    own: tuple[str, ...]
    typed: dict[str, Any]
    lines: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def table_header(definition: Definition) -> tuple[str, ...]:
    """Return the names of a file's columns, in order: `site`, `programme`, the fields, `participants.code`."""
    own = [item.name for item in definition.fields if item.kind is not Kind.ROWS]
    inner = [f"{group.name}.{column.name}" for group in definition.groups for column in group.fields]
    return (*ENVELOPE, *own, *inner)


def read_table(
    definition: Definition, lines: Iterable[Sequence[str]]
) -> tuple[tuple[TableEntry, ...], tuple[Fault, ...]]:
    """Return a file's records, and what is wrong with its header (then there are no records).

    `lines` are cells, the header first. Lines that follow each other with the same site and the same fields of the
    form are one record with a row each; so is a line whose own columns are all empty, with the one above it.
    """
    numbered = ((number, [cell.strip() for cell in line]) for number, line in enumerate(lines, 1))
    filled = ((number, line) for number, line in numbered if any(line))
    _, header = next(filled, (0, []))
    if not header:
        return (), (Fault("", "empty_table", {}),)
    columns, faults = _columns(definition, header)
    if faults:
        return (), faults
    entries: list[_Open] = []
    for number, line in filled:
        _take(entries, definition, columns, line, number)
    return tuple(_closed(entry) for entry in entries), ()


def pasted_rows(group: Field, text: str) -> list[dict[str, str]]:
    """Return the rows that pasted lines hold: cells by tab, semicolon or comma, in the order of the columns.

    A first line with the columns' names or labels gives the order instead. Cells too many stay in the last one,
    so that the check says so and nothing is lost.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    delimiter = next((mark for mark in "\t;" if any(mark in line for line in lines)), ",")
    cells = [[cell.strip() for cell in line] for line in _cut(lines, delimiter)]
    order: list[str] = [column.name for column in group.fields]
    if cells and (named := _named(group, cells[0])):
        order, cells = named, cells[1:]
    return [_row(order, line) for line in cells if any(line)]


def _cut(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return [line.split(delimiter) for line in lines]


def _row(order: Sequence[str], line: Sequence[str]) -> dict[str, str]:
    row = dict(zip(order, line, strict=False))
    if len(line) > len(order):
        row[order[-1]] = " ".join(line[len(order) - 1 :]).strip()
    return row


def _named(group: Field, line: Sequence[str]) -> list[str]:
    names = {folded(word): item.name for item in group.fields for word in (item.name, *item.label.values())}
    found = [names.get(folded(cell), "") for cell in line]
    return found if all(found) and len(set(found)) == len(found) else []


def _columns(definition: Definition, header: Sequence[str]) -> tuple[list[str], tuple[Fault, ...]]:
    known = table_header(definition)
    names = {folded(name): name for name in known} | _labels(definition)
    columns = [names.get(folded(cell), "") for cell in header]
    listed = ", ".join(known)
    faults = [
        Fault("", "bad_column", {}, {"given": cell[:60], "choices": listed})
        for cell, name in zip(header, columns, strict=True)
        if not name
    ]
    needed = {"site", *(item.name for item in definition.fields if item.required and item.kind is not Kind.ROWS)}
    faults += [
        Fault("", "missing_column", {}, {"given": name}) for name in known if name in needed and name not in columns
    ]
    return columns, tuple(faults)


def _labels(definition: Definition) -> dict[str, str]:
    found = {folded(word): name for name, labels in SITE_LABELS.items() for word in labels.values()}
    found |= {
        folded(word): item.name
        for item in definition.fields
        if item.kind is not Kind.ROWS
        for word in item.label.values()
    }
    return found


def _take(
    entries: list[_Open], definition: Definition, columns: Sequence[str], line: Sequence[str], number: int
) -> None:
    cells = dict(zip(columns, line, strict=False))
    own = tuple(cells.get(name, "") for name in columns if "." not in name)
    goes_on = bool(entries) and bool(definition.groups) and (own == entries[-1].own or not any(own))
    if not goes_on:
        typed: dict[str, Any] = {name: value for name, value in cells.items() if "." not in name}
        entries.append(_Open(own, typed | {group.name: [] for group in definition.groups}))
    entry = entries[-1]
    for group in definition.groups:
        row = {name.partition(".")[2]: value for name, value in cells.items() if name.startswith(f"{group.name}.")}
        entry.typed[group.name].append(row)
    entry.lines.append(number)
    if len(line) > len(columns) and any(line[len(columns) :]):
        words = {"length": str(len(line)), "limit": str(len(columns))}
        entry.faults.append(Fault(f"line.{number}", "too_many_cells", {}, words))


def _closed(entry: _Open) -> TableEntry:
    typed = dict(entry.typed)
    site, programme = typed.pop("site", ""), typed.pop("programme", "")
    return TableEntry(site, programme, typed, tuple(entry.lines), tuple(entry.faults))
