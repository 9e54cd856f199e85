"""Batches of any rows, and rows made comparable."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from aldea.model.sample import Row, Value, tags_of
from aldea.model.wire import Header
from builders import make_header

_names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
_words = st.text(st.characters(codec="utf-8"), max_size=30)
_tags = st.dictionaries(_words, _words, max_size=3)
_whole = st.integers(-(2**62) + 1, 2**62 - 1)
_reals = st.integers(-(10**9), 10**9).map(lambda number: number / 10**6)  # at the default resolution
_kinds: list[st.SearchStrategy[Value]] = [_whole, _reals, _words, st.booleans()]
_columns = st.dictionaries(_names, st.sampled_from(_kinds), max_size=5)


@st.composite
def any_batches(draw: st.DrawFn) -> tuple[Header, list[Row]]:
    """Rows of a few series; each field keeps its kind within a series, and may be missing in any row."""
    series = draw(st.lists(st.tuples(_names.map("new_{}".format), _tags, _columns), min_size=1, max_size=3))
    first = draw(st.integers(1, 2**52))
    rows: list[Row] = []
    for seq in range(first, first + draw(st.integers(0, 12))):
        measurement, tags, columns = draw(st.sampled_from(series))
        fields: dict[str, Value] = {}
        for name, kind in columns.items():
            value: Value = draw(st.none() | kind)
            if value is not None:
                fields[name] = value
        rows.append(Row(seq, draw(st.integers(0, 2**52)), measurement, tags_of(tags), fields))
    return make_header(first, len(rows)), rows


def typed_rows(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Make rows comparable: True is not 1 here, nor 1.0, but an integer in a column of reals is its real."""
    return [
        (row.seq, row.mono_ms, row.measurement, row.tags, {name: (type(v), v) for name, v in row.fields.items()})
        for row in rows
    ]
