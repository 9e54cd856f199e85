"""Whatever happens, the server ends with the box's newest version, each one once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit.record_box import DAY_MS, NOW_MS, Box, entry_of
from aldea.agents.records import RecordBook, State
from aldea.collector.commanding.records import take_record
from aldea.collector.commanding.rows import DocumentRow
from aldea.storage.register import Register, open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.records import record_versions
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from registerkit import clean_file

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "enter",
                "correct",
                "correct",
                "withdraw",
                "hand",
                "hand",
                "carry",
                "carry",
                "cut",
                "epoch",
                "damage",
                "halves",
            ]
        ),
        st.integers(0, 7),
    ),
    min_size=4,
    max_size=30,
)


@settings(max_examples=25)
@given(steps=STEPS)
def test_after_any_course_of_things_the_server_has_each_version_once_and_the_newest_counts(
    steps: list[tuple[str, int]],
) -> None:
    with TemporaryDirectory(prefix="aldea-records-") as name:
        world = World(Path(name))
        try:
            for step, number in steps:
                world.do(step, number)
            world.finish()
            world.check()
        finally:
            world.close()


class World:
    """A box, a link that reorders and repeats, and the register behind it."""

    def __init__(self, folder: Path) -> None:
        (folder / "box").mkdir()
        self.box = Box(folder / "box")
        self.register: Register = open_register(clean_file(folder))
        began = NOW_MS - 300 * DAY_MS
        place, agent = Site("norte", "Norte", "America/Merida", began), Device("norte", "agent", "agent", began)
        with self.register.transaction() as unit:
            add_sites(unit, [SiteEntry(place, began, SiteState.COMMISSIONED, devices=(agent,))])

    def do(self, step: str, number: int) -> None:
        getattr(self, f"_{step}")(number)

    def _enter(self, number: int) -> None:
        self.box.book.enter(entry_of(number + 1))

    def _correct(self, number: int) -> None:
        if found := self.box.book.listed(limit=50):
            record = found[number % len(found)].record
            self.box.book.enter(entry_of(number + 10, record=record, reason="dato"))

    def _withdraw(self, number: int) -> None:
        if found := self.box.book.listed(limit=50):
            self.box.book.withdraw(found[number % len(found)].record, "error")

    def _hand(self, number: int) -> None:
        del number
        self.box.handing.hand_over()

    def _carry(self, number: int) -> None:
        """Carry one waiting row, any of them; the acknowledgement of every third is lost."""
        waiting = self.box.waiting()
        if waiting:
            epoch, seq, fields = waiting[number % len(waiting)]
            row = DocumentRow("norte", "agent", epoch, seq, None, NOW_MS, "record", dict(fields))
            with self.register.transaction() as unit:
                take_record(unit, row)
            if number % 3:
                self.box.outbox.acknowledge(epoch, [(seq, seq)])

    def _cut(self, number: int) -> None:
        del number
        self.box.cut()

    def _epoch(self, number: int) -> None:
        del number
        self.box.outbox.move_to_new_epoch()

    def _damage(self, number: int) -> None:
        del number
        self.box.outbox.close()
        for path in self.box.folder.glob("outbox.sqlite*"):
            path.unlink()
        self.box.cut()

    def _halves(self, number: int) -> None:
        """Cut the power after a row went into the outbox and before the book knows of it."""
        del number
        placed = RecordBook.placed
        try:
            RecordBook.placed = lambda *_: None  # type: ignore[method-assign]  # the power goes just before it
            self.box.handing.hand_over()
        finally:
            RecordBook.placed = placed  # type: ignore[method-assign]  # as it was
        self.box.cut()

    def finish(self) -> None:
        """Let the link be good until everything has arrived."""
        for _ in range(100):
            self.box.handing.hand_over()
            if not self.box.waiting():
                break
            self._carry(1)
        assert self.box.book.in_state(State.KEPT) == self.box.book.in_state(State.IN_OUTBOX) == ()

    def check(self) -> None:
        for newest in self.box.book.listed(limit=200):
            mine = self.box.book.versions(newest.record)
            with self.register.reading() as unit:
                theirs = record_versions(unit, newest.record)
            assert [(item.payload, item.withdrawn) for item in theirs] == [
                (item.payload, item.withdrawn) for item in mine
            ]
            assert [item.newest for item in theirs] == [False] * (len(theirs) - 1) + [True]
            assert {entry.state for entry in mine} == {State.DELIVERED}

    def close(self) -> None:
        self.box.close()
        self.register.close()
