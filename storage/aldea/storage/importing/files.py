"""As CSV: the template to fill in, and what was refused, the same table again with a column that says why."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from aldea.storage.importing.cells import harmless
from aldea.storage.importing.columns import COLUMNS, Column
from aldea.storage.importing.plan import REASONS, Plan
from aldea.storage.importing.words import Translate, as_it_is


def template_csv(language: str = "es") -> bytes:
    """Return the headings and one example, as Excel opens it."""
    lines = [[heading(column, language) for column in COLUMNS], [column.example for column in COLUMNS]]
    return _csv_bytes(lines)


def rejects_csv(plan: Plan, language: str = "es", translate: Translate = as_it_is) -> bytes:
    """Return the refused lines as they were, with the reason in a last column."""
    kept = [place for place, written in enumerate(plan.headings) if written not in REASONS]
    lines = [[*(plan.headings[place] for place in kept), REASONS[language == "es"]]]
    for refused in plan.refused:
        cells = [refused.cells[place] if place < len(refused.cells) else "" for place in kept]
        why = "; ".join(fault.sentence(translate) for fault in refused.faults)
        lines.append([*cells, why])
    return _csv_bytes(lines)


def heading(column: Column, language: str) -> str:
    """Return how a column is called in a language."""
    return column.spanish if language == "es" else column.key


def _csv_bytes(lines: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([[harmless(cell) for cell in line] for line in lines])
    return b"\xef\xbb\xbf" + out.getvalue().encode()
