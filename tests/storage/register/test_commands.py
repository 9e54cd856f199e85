"""Commands are queued within bounds, and what a device says of them may come twice and in any order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aldea.storage.register import Register, RegisterError
from aldea.storage.register.commands import (
    MOST_OPEN,
    CommandState,
    cancel_command,
    commands_of,
    count_open_commands,
    find_command,
    note_answer,
    queue_command,
    supersede,
)
from aldea.storage.register.devices import Device, retire_device
from aldea.storage.register.errors import RegisterConflictError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, SiteEntry, add_sites

NOW = 1_750_000_000_000
LATER = NOW + 3_600_000


@pytest.fixture
def unit(register: Register) -> Iterator[Unit]:
    """A unit with two sites, one of them simulated."""
    with register.transaction() as made:
        for site, simulated in (("ocotal", False), ("dreamt", True)):
            place = Site(site, site.title(), "America/Mexico_City", NOW, simulated=simulated)
            add_sites(made, [SiteEntry(place, NOW, devices=(Device(site, "agent", "agent", NOW),))])
        yield made


def test_a_command_asked_for_twice_with_one_id_is_one_command(unit: Unit) -> None:
    first = queue_command(unit, "ocotal", "agent", "test", {"probe": "ping"}, NOW, LATER, "a person", id="one")
    again = queue_command(unit, "ocotal", "agent", "test", {"probe": "dns"}, NOW + 1, LATER, id="one")
    assert again == first
    assert commands_of(unit, "ocotal") == (first,)


def test_an_id_of_another_kind_is_refused(unit: Unit) -> None:
    queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER, id="one")
    with pytest.raises(RegisterConflictError, match="another id"):
        queue_command(unit, "ocotal", "agent", "diagnostics", {}, NOW, LATER, id="one")


@pytest.mark.parametrize(
    ("site", "device", "expires_ms", "says"),
    [
        ("nowhere", "agent", LATER, "nowhere"),
        ("ocotal", "other", LATER, "has no device"),
        ("dreamt", "agent", LATER, "simulated"),
        ("ocotal", "agent", NOW, "later than now"),
        ("ocotal", "agent", NOW + 91 * 86_400_000, "within 90 days"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_a_sentence(
    unit: Unit, site: str, device: str, expires_ms: int, says: str
) -> None:
    with pytest.raises(RegisterError, match=says):
        queue_command(unit, site, device, "test", {}, NOW, expires_ms)


def test_a_retired_device_takes_no_commands(unit: Unit) -> None:
    retire_device(unit, "ocotal", "agent", NOW)
    with pytest.raises(RegisterError, match="retired"):
        queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER)


def test_a_command_that_no_device_would_take_is_refused(unit: Unit) -> None:
    with pytest.raises(RegisterError, match="16384"):
        queue_command(unit, "ocotal", "agent", "settings", {"much": "x" * 17_000}, NOW, LATER)


def test_what_waits_for_one_device_is_bounded(unit: Unit) -> None:
    for _ in range(MOST_OPEN):
        queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER)
    with pytest.raises(RegisterError, match="cancel some"):
        queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER)


def test_the_list_goes_on_behind_the_last_of_the_page_before(unit: Unit) -> None:
    made = [queue_command(unit, "ocotal", "agent", "test", {}, NOW + index // 2, LATER).id for index in range(5)]
    first = commands_of(unit, "ocotal", "agent", limit=2)
    rest = commands_of(unit, "ocotal", "agent", limit=9, after=first[-1].id)
    assert {one.id for one in (*first, *rest)} == set(made)
    assert len(first) + len(rest) == len(made)
    assert commands_of(unit, "ocotal", kinds=["upgrade"]) == ()
    with pytest.raises(UnknownEntryError):
        commands_of(unit, "ocotal", after="nothing")


def test_a_newer_command_takes_the_place_of_the_unanswered_ones_of_its_kind(unit: Unit) -> None:
    queue_command(unit, "ocotal", "agent", "settings", {}, NOW, LATER, id="old")
    queue_command(unit, "ocotal", "agent", "settings", {}, NOW, LATER, id="answered")
    queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER, id="other")
    note_answer(unit, "ocotal", "agent", "answered", "done", {}, NOW + 5)
    assert supersede(unit, "ocotal", "agent", "settings", NOW + 9) == 1
    states = {one.id: one.state for one in commands_of(unit, "ocotal")}
    assert states == {"old": "cancelled", "answered": "done", "other": "waiting"}
    assert count_open_commands(unit) == {"waiting": 1, "sent": 0, "accepted": 0, "running": 0}


def test_only_what_the_device_does_not_have_can_be_cancelled(unit: Unit) -> None:
    queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER, id="one")
    queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER, id="two")
    note_answer(unit, "ocotal", "agent", "two", "running", {}, NOW + 5)
    assert cancel_command(unit, "one", NOW + 6, "a person").state is CommandState.CANCELLED
    for command_id, says in (("one", "over"), ("two", "has it already")):
        with pytest.raises(RegisterError, match=says):
            cancel_command(unit, command_id, NOW + 7)
    with pytest.raises(UnknownEntryError):
        cancel_command(unit, "three", NOW + 7)


def test_words_that_come_out_of_order_leave_the_newest(unit: Unit) -> None:
    queue_command(unit, "ocotal", "agent", "upgrade", {}, NOW, LATER, id="one")
    note_answer(unit, "ocotal", "agent", "one", "running", {"share": 0.5}, NOW + 50)
    note_answer(unit, "ocotal", "agent", "one", "running", {"share": 0.1}, NOW + 10)
    note_answer(unit, "ocotal", "agent", "one", "accepted", {}, NOW + 60)
    found = find_command(unit, "one")
    assert found is not None
    assert (found.state, found.answer, found.heard_ms) == ("running", {"share": 0.5}, NOW + 50)
    note_answer(unit, "ocotal", "agent", "one", "done", {"share": 1}, NOW + 40)
    note_answer(unit, "ocotal", "agent", "one", "running", {"share": 0.9}, NOW + 90)
    note_answer(unit, "ocotal", "agent", "one", "failed", {}, NOW + 95)
    found = find_command(unit, "one")
    assert found is not None
    assert (found.state, found.answer, found.answered_ms) == ("done", {"share": 1}, NOW + 40)


def test_what_a_device_has_done_counts_before_what_the_server_assumed(unit: Unit) -> None:
    queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER, id="one")
    cancel_command(unit, "one", NOW + 1)
    assert note_answer(unit, "ocotal", "agent", "one", "running", {}, NOW + 2).state is CommandState.CANCELLED
    assert note_answer(unit, "ocotal", "agent", "one", "done", {}, NOW + 3).state is CommandState.DONE


def test_no_device_answers_for_another_or_with_a_word_of_the_server(unit: Unit) -> None:
    queue_command(unit, "ocotal", "agent", "test", {}, NOW, LATER, id="one")
    with pytest.raises(UnknownEntryError):
        note_answer(unit, "dreamt", "agent", "one", "done", {}, NOW)
    for word in ("cancelled", "waiting", "wonderful"):
        with pytest.raises(RegisterError, match="none that a device"):
            note_answer(unit, "ocotal", "agent", "one", word, {}, NOW)
