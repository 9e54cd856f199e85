"""A probe returns nonsense: its neighbours arrive, and both sides agree on what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.model.sample import Reading

if TYPE_CHECKING:
    from aldea.model.sample import Value
    from delivery.world import World

BAD = [
    Reading("ping", {"rtt_avg_seconds": -1.0}, {"target": "192.0.2.1"}),
    Reading("ping", {"rtt_avg_seconds": 500.0, "sent": 3}, {"target": "192.0.2.1"}),
    Reading("host", {"temperature_celsius": 9_999.0}),
    Reading("dns", {"answers": -5}, {"target": "example.org"}),
]


@pytest.mark.parametrize("bad", BAD)
def test_a_row_out_of_range_ends_in_dead_letter_and_quarantine_once(world: World, bad: Reading) -> None:
    world.record()
    world.record(bad)
    world.record()
    world.loss = 0.5
    world.run(60)
    world.loss = 0.0
    world.run(200)
    assert world.serials() == sorted(world.expected)
    assert world.outbox.stats().rows == 0
    (letter,) = world.outbox.dead_letters()
    assert letter.reason == "out_of_range"
    assert letter.row.fields.items() >= bad.fields.items()
    assert world.quarantined() == ["out_of_range"]
    record = world.coverage()
    assert (record.explained_rows, record.open_rows, record.lost_rows) == (1, 0, 0)


def test_a_row_too_big_for_the_broker_is_said_to_be_given_up(world: World) -> None:
    texts: dict[str, Value] = {f"text_{n}": "".join(world.chance.choices("abcdefgh", k=1_000)) for n in range(20)}
    world.connect()
    world.talk.disconnected()
    world.talk.connected(world.now(), max_packet_bytes=4_000)
    world.record()
    world.record(Reading("custom", texts))
    world.record()
    world.run(100)
    assert world.serials() == sorted(world.expected)
    assert [letter.reason for letter in world.outbox.dead_letters()] == ["too_large"]
    record = world.coverage()
    assert (record.explained_rows, record.open_rows, record.lost_rows) == (1, 0, 0)
    assert world.outbox.stats().rows == 0


def test_fields_that_nobody_knows_arrive_as_they_are(world: World) -> None:
    kinds: list[Value] = [5, "five", 5.5, True, None, 2**60, -7, "5", False, 2**53 + 1]
    for value in kinds:
        world.record(Reading("custom", {"what": value, "other": 1}, {"kind": "new"}))
    world.loss = 0.6
    world.run(100)
    world.loss = 0.0
    world.run(300)
    assert world.outbox.stats().rows == 0
    assert world.outbox.dead_letters() == []
    rows = sorted((item.row for item in world.stored() if item.row.measurement == "custom"), key=lambda row: row.seq)
    found = [row.fields.get("what") for row in rows]
    assert found == kinds  # a number may arrive as a real or a flag, and equal what it was
    world.check_all_arrived()


def test_texts_arrive_whatever_is_in_them(world: World) -> None:
    texts = ['"', "a\nb", "\\u0041", "\U0001f4e1", "\x00\x01", "", " ", "C:\\users\\x", "é" * 2_000, "\ud800"]
    for text in texts:
        world.record(Reading("custom", {"text": text}, {"tag": text, text: "name"}))
    world.run(100)
    assert world.outbox.stats().rows == 0
    assert world.outbox.dead_letters() == []
    rows = sorted((item.row for item in world.stored() if item.row.measurement == "custom"), key=lambda row: row.seq)
    assert [row.fields["text"] for row in rows] == [*texts[:-2], "é" * 1_024, "?"]
    world.check_all_arrived()


def test_very_many_series_arrive(world: World) -> None:
    for cycle in range(20):
        world.record(*[Reading("custom", {f"f{n % 40}": n}, {"n": str(cycle * 100 + n)}) for n in range(100)])
    world.run(200)
    world.check_all_arrived()
    assert world.quarantined() == []


def test_rows_with_nothing_known_arrive(world: World) -> None:
    world.record(Reading("host", {"load1": None}), Reading("custom", {}), Reading("", {"x": float("nan")}))
    world.run()
    world.check_all_arrived()
    assert world.quarantined() == []
