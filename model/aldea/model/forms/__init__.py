"""Forms as data: definitions, checking what was typed, and laying it out, the same on every page that shows them.

`load_forms` reads the definitions that ship here, `validate` turns what was typed into a payload or into faults
with sentences, `laid_out` says what a page has to draw, `read_table` takes lines of a spreadsheet.
"""

from __future__ import annotations

from aldea.model.forms.checking import Checked, Moment, validate
from aldea.model.forms.definition import Choice, Definition, Field, Kind
from aldea.model.forms.layout import Cell, Group, laid_out
from aldea.model.forms.reading import FormError, load_forms, read_definition
from aldea.model.forms.sentences import Fault, sentence
from aldea.model.forms.tables import TableEntry, pasted_rows, read_table, table_header
from aldea.model.forms.typed import from_flat, typed_from_payload

__all__ = [
    "Cell",
    "Checked",
    "Choice",
    "Definition",
    "Fault",
    "Field",
    "FormError",
    "Group",
    "Kind",
    "Moment",
    "TableEntry",
    "from_flat",
    "laid_out",
    "load_forms",
    "pasted_rows",
    "read_definition",
    "read_table",
    "sentence",
    "table_header",
    "typed_from_payload",
    "validate",
]
