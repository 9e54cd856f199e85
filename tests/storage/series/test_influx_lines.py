"""Line protocol: what is written for many rows at once is what each of them would be alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aldea.model.columns import TimedBatch
from aldea.model.sample import Row, Value, tags_of
from aldea.storage.series.influx.lines import block_lines
from builders import make_batch

TEXTS = st.sampled_from(["icmp", "100%", "%d of %s", "%%", 'a "word"', "back\\slash"])
FIELDS: dict[str, st.SearchStrategy[Value]] = {
    "sent": st.integers(0, 3),
    "received": st.none() | st.integers(0, 3),
    "rtt_avg_seconds": st.none() | st.integers(0, 99_999).map(lambda number: number / 100_000),
    "method": TEXTS,
    "failure": st.none() | TEXTS,
    "new_field": st.none() | st.booleans(),
}
ROWS = st.lists(st.fixed_dictionaries(FIELDS), min_size=1, max_size=12)


def _lines(batch: TimedBatch) -> list[bytes]:
    return [line for block in batch.batch.blocks for line in block_lines(batch, block).text.split(b"\n")]


def _read(line: bytes) -> tuple[str, frozenset[tuple[str, object]], str]:
    """Return a line as a database reads it: 5e-1 and 50e-2 are one number."""
    series, rest = line.decode().split(" ", 1)
    fields, stamp = rest.rsplit(" ", 1)
    pairs = (field.split("=", 1) for field in fields.split(","))
    return series, frozenset((key, _value(text)) for key, text in pairs), stamp


def _value(text: str) -> object:
    return text if text[0] == '"' or text[-1] in "itf" else float(text)


@given(ROWS)
def test_rows_together_are_the_lines_of_each_alone(rows: list[dict[str, Value]]) -> None:
    made = [
        Row(seq, 1000 * seq, "ping", tags_of({"target": "50%d", "role": "anchor"}), fields)
        for seq, fields in enumerate(rows, 7)
    ]
    together = _lines(make_batch(made, offset_ms=5))
    alone = [line for row in made for line in _lines(make_batch([row], offset_ms=5))]
    assert len(together) == len(alone) == len(made)
    assert set(map(_read, together)) == set(map(_read, alone))


def test_a_percent_sign_is_written_as_it_was_measured() -> None:
    rows = [
        Row(seq, 1000, "ping", tags_of({"target": "50%d"}), {"sent": 3, "method": "%s%%", "failure": failure})
        for seq, failure in enumerate((None, "100%d", "a%b"), 1)
    ]
    lines = [line.decode() for line in _lines(make_batch(rows, site="a", device="b", offset_ms=0))]
    assert [line.split(" ", 1)[0] for line in lines] == [lines[0].split(" ", 1)[0]] * 3
    assert "target=50%d" in lines[0]
    assert [line.split(" ", 1)[1] for line in sorted(lines, key=lambda line: line[-1])] == [
        'sent=3i,method="%s%%" 1000000001',
        'sent=3i,method="%s%%",failure="100%d" 1000000002',
        'sent=3i,method="%s%%",failure="a%b" 1000000003',
    ]
