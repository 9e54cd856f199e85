"""The wire format: what is encoded is decoded, by both readers alike."""

from __future__ import annotations

import pytest
from hypothesis import given

from aldea.model.columns import decode_columns, decode_stream
from aldea.model.sample import Row, Value
from aldea.model.wire import Header, decode, encode
from builders import make_header, make_row
from model.wire_batches import any_batches, typed_rows


@given(any_batches())
def test_what_is_encoded_is_decoded_by_both_readers(batch: tuple[Header, list[Row]]) -> None:
    header, rows = batch
    message = encode(header, rows)
    plain_header, plain = decode(message)
    columns = decode_columns(message)
    assert plain_header == columns.header == header
    assert typed_rows(plain) == typed_rows(columns.rows()) == typed_rows(rows)


@given(any_batches())
def test_a_blocks_own_piece_of_the_stream_decodes_alone(batch: tuple[Header, list[Row]]) -> None:
    for block in decode_columns(encode(*batch)).blocks:
        alone = decode_stream(block.raw, [block.spec.rows] * block.spec.width)
        assert alone.tolist() == block.data.reshape(-1).tolist()


def test_catalogued_fields_keep_their_resolution_and_kind() -> None:
    fields: dict[str, Value] = {"loss_ratio": 1, "rtt_avg_seconds": 0.123456789, "sent": 3, "failure": "no_reply"}
    header = make_header(1, 1)
    for _, (row,) in (decode(encode(header, [make_row(1, 0, fields)])),):
        assert row.fields == {"loss_ratio": 1.0, "rtt_avg_seconds": 0.12346, "sent": 3, "failure": "no_reply"}
        assert type(row.fields["loss_ratio"]) is float


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**62, -(2**62), 1e30])
def test_a_number_that_cannot_travel_is_refused_where_it_arises(value: float) -> None:
    with pytest.raises(ValueError, match="rx_bytes"):
        encode(make_header(1, 1), [make_row(1, 0, {"rx_bytes": value})])


def test_rows_must_be_the_headers() -> None:
    with pytest.raises(ValueError, match="1 to 2, each once, in order"):
        encode(make_header(1, 2), [make_row(1, 0, {}), make_row(3, 0, {})])
