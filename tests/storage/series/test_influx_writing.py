"""Several requests at once: what a caller is told when some fail, without a server."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from aldea.model.series import StoreRefused, StoreUnavailable
from aldea.storage.series.influx.server import Address
from aldea.storage.series.influx.store import REQUESTS_AT_ONCE, InfluxSeriesStore
from builders import make_batch, make_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aldea.model.columns import TimedBatch

ROWS = 2_000
WAIT = 60.0


class Taken:
    """Stands behind `Server.write`: what was taken, and how many were under way at once."""

    def __init__(self, answer: Callable[[bytes, Taken], None]) -> None:
        self.lines: list[bytes] = []
        self.at_most = 0
        self.under_way = 0
        self._answer = answer
        self._lock = threading.Lock()

    def write(self, lines: bytes) -> None:
        with self._lock:
            self.under_way += 1
            self.at_most = max(self.at_most, self.under_way)
        try:
            self._answer(lines, self)
            with self._lock:
                self.lines += lines.split(b"\n")
        finally:
            with self._lock:
                self.under_way -= 1


def batches(count: int) -> list[TimedBatch]:
    """Each fills two fifths of a request, and is a device of its own."""
    return [
        make_batch([make_row(seq, seq, {"sent": number}) for seq in range(1, ROWS + 1)], device=f"box-{number}")
        for number in range(count)
    ]


@pytest.fixture
def store() -> Iterator[InfluxSeriesStore]:
    """A store whose server is never spoken to."""
    made = InfluxSeriesStore(Address("http://127.0.0.1:1", "nowhere"))
    yield made
    made.close()


def put_behind(store: InfluxSeriesStore, monkeypatch: pytest.MonkeyPatch, taken: Taken) -> None:
    monkeypatch.setattr(store._server, "write", taken.write)


def test_as_many_requests_as_meant_are_under_way_at_once_and_no_more(
    store: InfluxSeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(REQUESTS_AT_ONCE)

    def answer(_lines: bytes, _: Taken) -> None:
        together.wait(WAIT)

    taken = Taken(answer)
    put_behind(store, monkeypatch, taken)
    store.write(batches(2 * 3 * REQUESTS_AT_ONCE))  # or the barrier breaks
    assert taken.at_most == REQUESTS_AT_ONCE
    assert len(set(taken.lines)) == 2 * 3 * REQUESTS_AT_ONCE * ROWS


def test_each_refused_block_is_named_and_all_others_are_stored_once(
    store: InfluxSeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = (b"device=box-3,", b"device=box-10,")

    def answer(lines: bytes, _: Taken) -> None:
        if any(word in lines for word in bad):
            raise StoreRefused("400: another type")

    taken = Taken(answer)
    put_behind(store, monkeypatch, taken)
    with pytest.raises(StoreRefused) as refused:
        store.write(batches(16))
    assert str(refused.value).count("another type") == 2
    assert "/box-3," in str(refused.value)
    assert "/box-10," in str(refused.value)
    assert len(taken.lines) == len(set(taken.lines)) == 14 * ROWS


def test_one_request_that_is_not_answered_makes_the_whole_unstored_also_beside_refusals(
    store: InfluxSeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing may be counted as stored, nor as refused, while it is not known: the caller writes all of it again."""
    silent, late = threading.Event(), threading.Event()
    timer = threading.Timer(0.2, late.set)

    def answer(lines: bytes, _: Taken) -> None:
        if b"device=box-1," in lines:
            raise StoreRefused("400: another type")
        if b"device=box-6," in lines:
            silent.set()
            raise StoreUnavailable("503: silence")
        if b"device=box-11," in lines:
            timer.start()
            assert late.wait(WAIT)
        assert silent.wait(WAIT)

    taken = Taken(answer)
    put_behind(store, monkeypatch, taken)
    with pytest.raises(StoreUnavailable, match="silence"):
        store.write(batches(12))
    assert late.is_set(), "a straggler would bring back what is deleted next"
    taken = Taken(lambda _lines, _taken: None)
    put_behind(store, monkeypatch, taken)
    store.write(batches(12))
    assert len(set(taken.lines)) == 12 * ROWS
