"""Villages of every story, and what they tell."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from aldea.model.columns import Batch, Ints, decode_columns
from aldea.model.sample import Row
from aldea.simulator.fleet import SimulatedSite, registrations
from aldea.simulator.plan import plan_ending_at
from aldea.simulator.village import Piece, Village

NOW_MS = 1_764_000_000_000
PLAN = plan_ending_at(NOW_MS, 7, 40)
ONE_OF_EACH = {site.story: site for site in registrations()}
EVERY_STORY = pytest.mark.parametrize("site", ONE_OF_EACH.values(), ids=ONE_OF_EACH.keys())


def pieces(village: Village, until_ms: int, first_seq: int = 1, most: int = 2_000) -> Iterator[Piece]:
    """Cut what a village has to tell into pieces of at most so many rows."""
    while (piece := village.piece(first_seq, until_ms, most)) is not None:
        yield piece
        first_seq = piece.last_seq + 1


def messages(village: Village, until_ms: int, first_seq: int = 1, most: int = 2_000) -> list[bytes]:
    """Return the same as messages."""
    return [
        village.message(piece, village.anchor(piece.boot, until_ms), until_ms)
        for piece in pieces(village, until_ms, first_seq, most)
    ]


@cache
def batches(site: SimulatedSite) -> tuple[Batch, ...]:
    """Return all that a site tells until now, decoded; made once."""
    return tuple(decode_columns(message) for message in messages(Village(site, PLAN), NOW_MS))


def rows(village: Village, until_ms: int, first_seq: int = 1, most: int = 2_000) -> list[tuple[str, Row]]:
    """Return the rows of those messages, each with the boot that measured it."""
    found: list[tuple[str, Row]] = []
    for message in messages(village, until_ms, first_seq, most):
        batch = decode_columns(message)
        found += [(batch.header.boot_id, row) for row in batch.rows()]
    return found


def series(
    site: SimulatedSite, measurement: str, column: str, **tags: str
) -> tuple[Ints, Ints, np.ndarray[tuple[int], np.dtype[np.bool_]], Ints]:
    """Return wall times, values, presence and boot numbers of one column over the whole history."""
    village = Village(site, PLAN)
    starts = {boot.id: boot.start_ms for boot in village.boots(NOW_MS)}
    parts = []
    for batch in batches(site):
        for block in batch.blocks:
            if block.spec.measurement != measurement or not tags.items() <= dict(block.spec.tags).items():
                continue
            found = block.column(column)
            numbers = np.zeros(block.spec.rows, np.int64) if found is None else found[1]
            present = np.full(block.spec.rows, found is not None)
            if found is not None and found[2] is not None:
                present = found[2]
            times = block.mono_ms + starts[batch.header.boot_id]
            parts.append((times, numbers, present, np.full(len(times), batch.header.boot_no)))
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return joined[0], joined[1], joined[2], joined[3]
