"""Foreign messages into the journal: once each, at their own time, the bad ones aside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aldea.collector.foreign.settings import ForeignSource
from aldea.collector.foreign.taking import ForeignIncoming, ForeignIntake
from aldea.collector.ingest import Ingestor
from aldea.collector.journal import Journal
from aldea.collector.recent import RecentBatches
from aldea.model.clock import ManualClock
from aldea.model.columns import decode_columns
from aldea.model.wire import encode as encode_batch
from collectorkit.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aldea.model.sample import Row, Value
    from aldea.model.wire import Header

SOURCES = (
    ForeignSource(topic="j/{site}/{device}", decoder="json", measurement="weather", time_key="t"),
    ForeignSource(topic="v/{site}/{device}", decoder="value", measurement="weather", field="level"),
    ForeignSource(topic="p/{site}/{device}", decoder="json", measurement="ping"),
)


class Intake:
    """A journal that takes foreign messages, opened on a folder."""

    def __init__(self, folder: Path, *, restored: bool = False) -> None:
        self.clock = ManualClock()
        self.known = {("norte-01", "meter"), ("norte-01", "agent"), ("sur-02", "meter")}
        self.journal = Journal(folder / "journal.db")

        def is_known(site: str, device: str) -> bool:
            return (site, device) in self.known

        foreign = ForeignIntake("main", SOURCES, self.journal, is_known, restored=restored)
        self.ingestor = Ingestor(self.journal, self.clock, is_known, RecentBatches(), foreign)
        self.packet = 0

    def message(self, payload: str, topic: str = "j/norte-01/meter", **changes: Any) -> ForeignIncoming:
        self.packet += 1
        made = ForeignIncoming(topic, payload.encode(), False, self.clock.wall_ms(), 1, self.packet)
        return replace(made, **changes)

    def take(self, *messages: Any) -> None:
        assert [answer for answer in self.ingestor.take(messages) if answer[0].device == "meter"] == []

    def rows(self) -> list[tuple[int, int, dict[str, Value]]]:
        """Return (seq, wall milliseconds, fields) of all rows of meters."""
        found = self.journal.database.execute(
            "SELECT payload, offset_ms FROM entry JOIN boot ON boot.id = boot"
            " WHERE entry.device = 'meter' ORDER BY position"
        )
        return [
            (row.seq, row.mono_ms + offset, dict(row.fields))
            for payload, offset in found
            for row in decode_columns(payload).rows()
        ]

    def values(self) -> list[Value]:
        return [next(iter(fields.values())) for _, _, fields in self.rows()]

    def quarantine(self) -> list[tuple[str, int]]:
        return [(reason, times) for reason, times, _, _ in self.journal.quarantined()]


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path)
    yield made
    made.journal.close()


def test_readings_are_rows_at_exactly_their_time_with_seqs_of_our_own(intake: Intake) -> None:
    now = intake.clock.wall_ms()
    own = now // 1000 - 86_400
    intake.take(intake.message(f'{{"t":{own}.123,"v":1.5}}'), intake.message('{"v":2}'))
    intake.clock.advance(5)
    intake.take(intake.message('{"v":2}'))
    assert intake.rows() == [
        (1, own * 1000 + 123, {"v": 1.5}),
        (2, now, {"v": 2}),
        (3, intake.clock.wall_ms(), {"v": 2}),
    ]
    (record,) = list(intake.ingestor.coverage.pending(10))
    assert (record.stored_rows, record.last_seq, record.contiguous_seq) == (3, 3, 3)


def test_a_group_is_one_entry_a_device(intake: Intake) -> None:
    intake.take(
        *[intake.message(f'{{"v":{n}}}', f"j/{site}/meter") for n in range(50) for site in ("norte-01", "sur-02")]
    )
    assert len(intake.rows()) == 100
    assert intake.journal.last_position() == 2


def test_a_message_with_its_own_time_is_stored_once_whoever_repeats_it(intake: Intake) -> None:
    first = intake.message(f'{{"t":{intake.clock.wall_ms() // 1000},"v":1}}')
    intake.take(first, replace(first, packet_id=77))
    intake.take(replace(first, retained=True, packet_id=99, first_of_session=True))
    assert intake.values() == [1]
    assert intake.journal.counters()["foreign_duplicates"] == 2


def test_a_message_without_time_is_a_repetition_only_if_the_broker_says_so(intake: Intake) -> None:
    first = intake.message("5", "v/norte-01/meter")
    intake.take(first)
    intake.take(replace(first, again=True, generation=2))  # the PUBACK was lost
    intake.take(intake.message("5", "v/norte-01/meter"))  # the same value, measured again
    intake.take(intake.message("5", "v/norte-01/meter", again=True))  # measured again, and only then sent again
    intake.take(replace(first))  # packet ids come round
    assert intake.values() == [5, 5, 5, 5]
    assert intake.journal.counters()["foreign_duplicates"] == 1


def test_packet_ids_of_an_ended_session_mean_nothing(intake: Intake) -> None:
    first = intake.message("5", "v/norte-01/meter")
    intake.take(first)
    intake.take(intake.message("6", "v/norte-01/meter", first_of_session=True))
    intake.take(replace(first, again=True))
    assert intake.values() == [5, 6, 5]


def test_a_repetition_is_known_after_a_restart(intake: Intake, tmp_path: Path) -> None:
    first, bad = intake.message("5", "v/norte-01/meter"), intake.message("?", "v/norte-01/meter")
    intake.take(first, bad)
    again = Intake(tmp_path)
    again.take(replace(first, again=True), replace(bad, again=True), again.message("6", "v/norte-01/meter"))
    assert [(seq, fields) for seq, _, fields in again.rows()] == [(1, {"level": 5}), (2, {"level": 6})]
    assert again.quarantine() == [("malformed", 1)]
    again.journal.close()


def test_a_retained_message_without_time_is_not_stored(intake: Intake) -> None:
    now = intake.clock.wall_ms() // 1000
    intake.take(intake.message('{"v":1}', retained=True), intake.message(f'{{"t":{now},"v":2}}', retained=True))
    assert intake.values() == [2]
    assert intake.journal.counters()["foreign_retained"] == 1


def test_what_is_bad_goes_to_the_quarantine_alone(intake: Intake) -> None:
    now = intake.clock.wall_ms() // 1000
    bad = [
        ("time_future", f'{{"t":{now + 601},"v":0}}', "j/norte-01/meter"),
        ("time_absurd", '{"t":86400,"v":0}', "j/norte-01/meter"),
        ("malformed", "{", "j/norte-01/meter"),
        ("bad_time", '{"t":"x","v":0}', "j/norte-01/meter"),
        ("no_fields", '{"v":null}', "j/norte-01/meter"),
        ("unknown_site", '{"v":0}', "j/nowhere/meter"),
        ("unknown_site", '{"v":0}', "j/norte-01/new"),
        ("no_owner", '{"v":0}', "j/--/meter"),
        ("no_source", '{"v":0}', "x/y"),
        ("too_large", "x" * 65_537, "j/norte-01/meter"),
        ("out_of_range", '{"loss_ratio":1.5}', "p/norte-01/meter"),
        ("out_of_range", '{"sent":"three"}', "p/norte-01/meter"),
    ]
    messages = [intake.message(payload, topic) for _, payload, topic in bad]
    good = [intake.message(f'{{"t":{now + n},"v":1}}') for n in range(len(bad))]
    intake.take(*[one for pair in zip(messages, good, strict=True) for one in pair])
    assert intake.values() == [1] * len(bad)
    assert sorted(intake.quarantine()) == sorted((reason, 1) for reason, _, _ in bad)
    assert intake.journal.counters()["foreign_quarantined"] == len(bad)


def test_good_readings_of_a_message_are_kept_beside_bad_ones(intake: Intake) -> None:
    now = intake.clock.wall_ms() // 1000
    intake.take(intake.message(f'[{{"t":{now},"v":1}},{{"t":1,"v":2}},{{"v":3,"w":null}}]'))
    assert [row[2] for row in intake.rows()] == [{"v": 1}, {"v": 3}]
    assert intake.quarantine() == [("time_absurd", 1)]
    assert intake.journal.counters()["foreign_dropped_null"] == 1


def test_a_value_keeps_its_kind_whatever_stands_beside_it(intake: Intake, caplog: pytest.LogCaptureFixture) -> None:
    given = ["1", "1.5", '"on"', "true", "7000000000001", "2.25", "4000000000000000000"]
    intake.take(*[intake.message(f'{{"v":{value}}}') for value in given])
    values = intake.values()
    assert values == [1, 1.5, "on", True, 7_000_000_000_001, 2.25, 4_000_000_000_000_000_000]
    assert [type(value) for value in values[2:4]] == [str, bool]
    intake.take(*[intake.message(f'{{"v":{value}}}') for value in ("1", '"on"', "true", "2")])
    assert intake.values()[-4:] == [1, "on", True, 2]
    assert intake.values()[-2] is True
    assert caplog.text == "", "batches were split beforehand, not after a fault"


def test_more_columns_than_a_batch_can_have_are_spread(intake: Intake) -> None:
    intake.take(*[intake.message("{" + ",".join(f'"k{n}_{i}":1' for i in range(150)) + "}") for n in range(5)])
    assert len(intake.rows()) == 5


def test_an_agents_device_gets_no_foreign_readings(intake: Intake) -> None:
    intake.ingestor.take([Sender(ManualClock(mono_ms=10_000_000)).batch(1, 3)])
    intake.take(intake.message('{"v":1}', "j/norte-01/agent"), intake.message('{"v":2}'))
    assert intake.quarantine() == [("agent_device", 1)]
    assert intake.values() == [2]


def test_a_fault_of_ours_puts_aside_that_message_alone(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    real = encode_batch

    def encode(header: Header, made: Sequence[Row]) -> bytes:
        if any(row.fields == {"v": 13} for row in made):
            raise ZeroDivisionError
        return real(header, made)

    monkeypatch.setattr("aldea.collector.foreign.rows.encode", encode)
    intake.take(*[intake.message(f'{{"v":{value}}}') for value in (12, 13, 14)])
    assert intake.values() == [12, 14]
    assert intake.quarantine() == [("internal_error", 1)]


def test_a_restored_journal_gives_no_seq_of_an_epoch_twice(intake: Intake, tmp_path: Path) -> None:
    intake.take(intake.message('{"v":1}'))
    (before,) = intake.ingestor.coverage.pending(10)
    again = Intake(tmp_path, restored=True)
    again.take(again.message('{"v":2}'))
    epochs = {record.epoch for record in again.ingestor.coverage.pending(10)}
    assert before.epoch not in epochs
    assert len(epochs) == 1
    assert again.quarantine() == []
    again.journal.close()
