"""Rows that are for the register rather than for the series store: taken one by one, none stops another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from aldea.collector.commanding.answers import take_answer, take_repair
from aldea.collector.commanding.records import take_forms, take_record
from aldea.collector.commanding.rows import DocumentRow
from aldea.model.catalogue import is_document
from aldea.storage.register.errors import RegisterUnavailableError
from aldea.storage.register.returned_documents import ReturnedDocument, Why, return_document, why_not

if TYPE_CHECKING:
    from aldea.collector.journal import Entry
    from aldea.model.columns import Batch
    from aldea.storage.register import Unit

__all__ = ["TAKERS", "DocumentRow", "document_rows", "take_documents", "without_documents"]

log = logging.getLogger(__name__)

Taker = Callable[["Unit", DocumentRow], None]
"""Takes one row. Raises when it can't be taken; what it has written then is undone. The same row may come twice."""

TAKERS: Mapping[str, Taker] = {
    "command": take_answer,
    "repair": take_repair,
    "record": take_record,
    "forms": take_forms,
}
"""Measurement → who takes its rows. One line a kind of document."""


def document_rows(entries: Sequence[Entry], batches: Mapping[int, Batch]) -> list[DocumentRow]:
    """Return the documents of these entries, whose batches are given by position, in the order they arrived."""
    found: list[DocumentRow] = []
    for entry in entries:
        batch = batches.get(entry.position)
        if batch is None:
            continue
        blocks = tuple(block for block in batch.blocks if is_document(block.spec.measurement))
        if not blocks:
            continue
        offset = None if entry.source == "estimated" else entry.offset_ms
        found += [
            DocumentRow(
                site=entry.site,
                device=entry.device,
                epoch=batch.header.epoch,
                seq=row.seq,
                event_ms=None if offset is None else row.mono_ms + offset,
                arrival_ms=entry.arrival_ms,
                measurement=row.measurement,
                fields=row.fields,
            )
            for row in replace(batch, blocks=blocks).rows()
        ]
    return found


def without_documents(batch: Batch) -> Batch:
    """Return the batch without its documents; its header stays, which counts all rows."""
    if not any(is_document(block.spec.measurement) for block in batch.blocks):
        return batch
    widths = [block.spec.width for block in batch.blocks]
    keep = [not is_document(block.spec.measurement) for block in batch.blocks]
    rows = np.repeat(keep, widths)
    blocks = tuple(block for block, kept in zip(batch.blocks, keep, strict=True) if kept)
    return replace(batch, blocks=blocks, low=batch.low[rows], high=batch.high[rows])


def take_documents(unit: Unit, rows: Sequence[DocumentRow]) -> int:
    """Take each row; return how many could not be. Those are kept with the reason, and said in the log.

    Raises RegisterUnavailableError: then the whole group is to be tried again.
    """
    returned = 0
    for row in rows:
        try:
            _take(unit, row)
        except RegisterUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one row, the ones behind it go on
            returned += 1
            why = Why.UNKNOWN_KIND if row.measurement not in TAKERS else why_not(error)
            reason = f"{why.value}: {type(error).__name__}: {error}"
            log.warning("%s/%s seq %d (%s) is not taken: %s", row.site, row.device, row.seq, row.measurement, reason)
            return_document(unit, _returned(row, reason))
    return returned


def _take(unit: Unit, row: DocumentRow) -> None:
    taker = TAKERS.get(row.measurement)
    if taker is None:
        raise ValueError(f"nobody takes {row.measurement!r} here")
    with unit.savepoint():
        taker(unit, row)


def _returned(row: DocumentRow, reason: str) -> ReturnedDocument:
    return ReturnedDocument(
        row.site, row.device, row.epoch, row.seq, row.measurement, row.fields, reason, row.arrival_ms
    )
