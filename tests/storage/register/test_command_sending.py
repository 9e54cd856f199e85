"""On both databases: what is due, one claim a sending, what is over, and a savepoint that undoes its own alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from aldea.storage.register import Register, RegisterError
from aldea.storage.register.command_sending import AGAIN_MS, claim, due_commands, expire_commands, has_expired
from aldea.storage.register.commands import find_command, note_answer, queue_command
from aldea.storage.register.devices import Device
from aldea.storage.register.register import Unit
from aldea.storage.register.repairs import Repair, RepairState, add_repair, judge_repair, open_repairs, repairs_of
from aldea.storage.register.returned_documents import ReturnedDocument, return_document, returned_documents
from aldea.storage.register.sites import Site, SiteEntry, add_sites
from aldea.storage.register.status import Presence, StatusUpdate, upsert_status

NOW = 1_750_000_000_000
LATER = NOW + 3_600_000


@pytest.fixture
def unit(register: Register) -> Iterator[Unit]:
    with register.transaction() as made:
        place = Site("ocotal", "Ocotal", "America/Mexico_City", NOW)
        add_sites(made, [SiteEntry(place, NOW, devices=(Device("ocotal", "agent", "agent", NOW),))])
        yield made


def birth(unit: Unit, at_ms: int) -> None:
    found = StatusUpdate("ocotal", "agent", presence=Presence.ONLINE, presence_ms=at_ms, connection=at_ms)
    upsert_status(unit, [found])


def test_due_and_claimed_until_answered(unit: Unit) -> None:
    made = queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER)
    assert due_commands(unit, NOW, 10) == []
    birth(unit, NOW)
    assert due_commands(unit, NOW, 10) == [made]
    assert claim(unit, made, NOW)
    assert not claim(unit, made, NOW)
    sent = find_command(unit, made.id)
    assert sent is not None
    assert (sent.state, sent.attempts, sent.sent_ms) == ("sent", 1, NOW)
    assert due_commands(unit, NOW + AGAIN_MS - 1, 10) == []
    assert due_commands(unit, NOW + AGAIN_MS, 10) == [sent]
    note_answer(unit, "ocotal", "agent", made.id, "done", {}, NOW)
    assert due_commands(unit, NOW + AGAIN_MS, 10) == []
    assert not claim(unit, sent, NOW)


def test_over_is_said_once(unit: Unit) -> None:
    queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER, id="one")
    assert not has_expired(unit, LATER - 1)
    assert has_expired(unit, LATER)
    assert expire_commands(unit, LATER) == 1
    assert not has_expired(unit, LATER)


def test_a_repair_is_kept_once_and_judged_once(unit: Unit) -> None:
    new = Repair("ocotal", "r1", "agent", NOW, None, findings=[{"key": "dns"}], note="a cable")
    assert (add_repair(unit, new), add_repair(unit, new)) == (True, False)
    assert open_repairs(unit) == (new,)
    assert judge_repair(unit, "ocotal", "r1", RepairState.CONFIRMED, {"reason": "in_order"}, NOW + 1)
    assert not judge_repair(unit, "ocotal", "r1", RepairState.NOT_YET, {}, NOW + 2)
    assert open_repairs(unit) == ()
    assert repairs_of(unit, "ocotal")[0].state is RepairState.CONFIRMED
    with pytest.raises(RegisterError, match="no device"):
        add_repair(unit, Repair("ocotal", "r2", "other", NOW, None))


def test_a_returned_document_is_kept_once(unit: Unit) -> None:
    one = ReturnedDocument("ocotal", "agent", "e1", 7, "record", {"a": "\x00"}, "r" * 900, NOW)
    for _ in range(2):
        return_document(unit, one)
    (kept,) = returned_documents(unit)
    assert (kept.seq, len(kept.reason), kept.fields) == (7, 500, {"a": "\N{REPLACEMENT CHARACTER}"})


def _half(unit: Unit) -> None:
    with unit.savepoint():
        add_repair(unit, Repair("ocotal", "undone", "agent", NOW, None))
        raise ValueError("half done")


def test_a_savepoint_undoes_its_own_alone_also_after_the_database_has_refused(unit: Unit) -> None:
    add_repair(unit, Repair("ocotal", "kept", "agent", NOW, None))
    with pytest.raises(ValueError, match="half"):
        _half(unit)
    with pytest.raises(RegisterError), unit.savepoint():
        unit.connection.execute(text("INSERT INTO repair (site) VALUES ('ocotal')"))
    add_repair(unit, Repair("ocotal", "after", "agent", NOW + 1, None))
    assert [one.id for one in open_repairs(unit)] == ["kept", "after"]
