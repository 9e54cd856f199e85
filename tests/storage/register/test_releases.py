"""On both databases: wheels in parts, keys, one rollout at a time, and what a device's progress leaves behind."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import event

from aldea.model.release import Manifest, ReleaseFile, SignedRelease, public_pem
from aldea.model.rollouts import FIRST_TELLS_NOTHING, Progress, RolloutState, Why
from aldea.storage.register import Register, RegisterError
from aldea.storage.register.commands import CommandState, find_command, queue_command
from aldea.storage.register.credentials import make_credential
from aldea.storage.register.devices import retire_device
from aldea.storage.register.errors import RegisterConflictError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.releases import (
    add_release,
    distrust_keys,
    find_release,
    find_release_file,
    list_releases,
    read_release_file,
    trust_keys,
    trusted_keys,
    trusted_pem,
)
from aldea.storage.register.rollout_devices import (
    command_states,
    device_views,
    newest_of_device,
    note_asked,
    note_progress,
    rollout_devices,
)
from aldea.storage.register.rollouts import (
    KIND,
    begin_rollout,
    change_rollout,
    choose_first,
    keep_step,
    list_rollouts,
    open_rollout,
)
from aldea.storage.register.sites import add_sites
from storage.register.places import DAY, entry

NOW = 10 * DAY
CONTENT = bytes(range(256)) * 1000
NAME = "aldea-2.0-py3-none-any.whl"


def release(version: str) -> SignedRelease:
    file = ReleaseFile(NAME, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    return SignedRelease(Manifest(version, "3.11", 1, (file,)), bytes(64))


@pytest.fixture
def unit(register: Register) -> Iterator[Unit]:
    with register.transaction() as made:
        add_sites(made, [entry("monte"), entry("isla"), entry("sim-x", simulated=True)])
        add_release(made, release("2.0"), {NAME: CONTENT}, "test", NOW)
        yield made


def test_a_wheel_is_read_in_parts_byte_for_byte(unit: Unit) -> None:
    found = find_release_file(unit, "2.0", NAME)
    assert found is not None
    parts = [read_release_file(unit, "2.0", NAME, first, 65_536) for first in range(0, found.size_bytes, 65_536)]
    assert b"".join(parts) == CONTENT
    assert read_release_file(unit, "2.0", NAME, found.size_bytes, 10) == b""
    assert read_release_file(unit, "2.0", "other.whl", 0, 10) == b""


def test_a_part_of_a_wheel_is_read_where_it_lies(unit: Unit) -> None:
    """Of a large wheel a device fetches hundreds of parts: each must not bring all of it into memory."""
    if unit.connection.dialect.name != "sqlite":
        pytest.skip("PostgreSQL cuts a wheel, which nothing makes smaller, on its own side")
    large = bytes(64) * 250_000
    file = ReleaseFile(NAME, len(large), hashlib.sha256(large).hexdigest())
    add_release(unit, SignedRelease(Manifest("3.0", "3.11", 1, (file,)), bytes(64)), {NAME: large}, "test", NOW)
    link = unit.connection.connection.driver_connection
    assert isinstance(link, sqlite3.Connection)
    before = link.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)  # so much of one value it may have in memory
    try:
        assert read_release_file(unit, "3.0", NAME, len(large) - 100, 65_536) == bytes(100)
    finally:
        link.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)


def test_the_same_release_signed_again_to_replace_a_newer_one_takes_its_place(unit: Unit) -> None:
    back = replace(release("2.0").manifest, downgrade=True, replaces="3.0")
    signed = SignedRelease(back, bytes(range(64)))
    assert add_release(unit, signed, {NAME: CONTENT}, "test", NOW)
    found = find_release(unit, "2.0")
    assert found is not None
    assert found.release == signed
    assert not add_release(unit, signed, {NAME: CONTENT}, "test", NOW)
    with pytest.raises(RegisterConflictError, match="with other files"):
        add_release(unit, SignedRelease(replace(back, python="3.12"), bytes(64)), {NAME: CONTENT}, "test", NOW)


def test_a_list_of_releases_is_one_question_however_long_it_is(unit: Unit) -> None:
    for number in range(5):
        add_release(unit, release(f"4.{number}"), {NAME: CONTENT}, "test", NOW)
    asked: list[str] = []

    def count(*question: object) -> None:
        asked.append(str(question[2]))

    event.listen(unit.connection, "before_cursor_execute", count)
    assert len(list_releases(unit)) == 6
    event.remove(unit.connection, "before_cursor_execute", count)
    assert len(asked) == 1


def test_releases_are_listed_by_version_and_not_by_letters(unit: Unit) -> None:
    for version in ("1.9", "10.0", "2.0rc1"):
        add_release(unit, release(version), {NAME: CONTENT}, "test", NOW)
    assert [item.version for item in list_releases(unit)] == ["10.0", "2.0", "2.0rc1", "1.9"]


def test_keys_are_trusted_and_trusted_no_more(unit: Unit) -> None:
    first, second = bytes(range(32)), bytes(range(1, 33))
    trust_keys(unit, public_pem(first), NOW)
    trust_keys(unit, public_pem(first) + public_pem(second), NOW)
    assert trusted_keys(unit) == (first, second)
    assert trusted_pem(unit) == public_pem(first) + public_pem(second)
    assert distrust_keys(unit, public_pem(first)) == (second,)
    with pytest.raises(RegisterError, match="at most 4"):
        trust_keys(unit, "".join(public_pem(bytes([number]) * 32) for number in range(5)), NOW)


def test_one_rollout_is_under_way_at_a_time_and_a_stopped_one_calls_off(unit: Unit) -> None:
    made = begin_rollout(unit, "2.0", NOW, "test", first_site="isla", bake_hours=0.5)
    with pytest.raises(RegisterError, match="is being rolled out"):
        begin_rollout(unit, "2.0", NOW, "test")
    command = queue_command(unit, "isla", "box", KIND, {}, NOW, NOW + DAY)
    note_asked(unit, made.id, ("isla", "box"), 0, command.id, NOW)
    assert change_rollout(unit, RolloutState.PAUSED, NOW).rollout.state is RolloutState.PAUSED
    assert change_rollout(unit, RolloutState.RUNNING, NOW).rollout.state is RolloutState.RUNNING
    with pytest.raises(RegisterError, match="is running already"):
        change_rollout(unit, RolloutState.RUNNING, NOW)
    change_rollout(unit, RolloutState.STOPPED, NOW)
    assert open_rollout(unit) is None
    called_off = find_command(unit, command.id)
    assert called_off is not None
    assert called_off.state is CommandState.CANCELLED
    assert [item.rollout.state for item in list_rollouts(unit)] == [RolloutState.STOPPED]
    assert begin_rollout(unit, "2.0", NOW, "test").id > made.id


def test_of_two_people_who_begin_at_once_one_is_told_of_the_other(register: Register) -> None:
    with register.transaction() as made:
        for version in ("2.0", "2.1"):
            add_release(made, release(version), {NAME: CONTENT}, "test", NOW)
    begun = threading.Event()
    refused: list[str] = []

    def other() -> None:
        assert begun.wait(60)
        try:
            with register.transaction() as second:
                begin_rollout(second, "2.1", NOW, "second")
        except RegisterError as error:
            refused.append(str(error))

    thread = threading.Thread(target=other)
    thread.start()
    with register.transaction() as first:
        begin_rollout(first, "2.0", NOW, "first")
        begun.set()
        thread.join(0.3)  # it has to wait for us
    thread.join(60)
    assert refused
    assert "is being rolled out" in refused[0]


def test_what_becomes_of_a_device_is_kept_and_trouble_is_set_aside(unit: Unit) -> None:
    made = begin_rollout(unit, "2.0", NOW, "test")
    command = queue_command(unit, "isla", "box", KIND, {}, NOW, NOW + DAY)
    note_asked(unit, made.id, ("isla", "box"), 0, command.id, NOW)
    assert command_states(unit, (command.id,))[command.id][0] == "waiting"
    note_progress(unit, made.id, ("isla", "box"), Progress.TRYING, NOW + 1, {"step": "trying"})
    note_progress(unit, made.id, ("isla", "box"), Progress.ROLLED_BACK, NOW + 2, {"sentence": "silent"})
    keep_step(unit, made.id, RolloutState.HALTED, 0, Why("rolled_back", {"site": "isla", "device": "box"}), NOW + 3)
    found = open_rollout(unit)
    assert found is not None
    assert (found.rollout.state, found.why) == (
        RolloutState.HALTED,
        Why("rolled_back", {"site": "isla", "device": "box"}),
    )
    (device,) = rollout_devices(unit, made.id)
    assert (device.trying_ms, device.ended_ms, dict(device.detail)) == (NOW + 1, NOW + 2, {"sentence": "silent"})
    change_rollout(unit, RolloutState.RUNNING, NOW + 4)
    assert rollout_devices(unit, made.id)[0].progress is Progress.SET_ASIDE
    change_rollout(unit, RolloutState.PAUSED, NOW + 5)
    note_progress(unit, made.id, ("isla", "box"), Progress.FAILED, NOW + 6, {})
    change_rollout(unit, RolloutState.RUNNING, NOW + 7)
    assert rollout_devices(unit, made.id)[0].progress is Progress.FAILED  # nobody was told of it: it halts now
    newest = newest_of_device(unit, "isla", "box")
    assert newest is not None
    assert newest[1].wave == 0
    assert newest_of_device(unit, "monte", "box") is None


def halted(unit: Unit, why: Why, progress: Progress) -> int:
    """Begin a rollout that has halted, its first site being named."""
    made = begin_rollout(unit, "2.0", NOW, "test", first_site="isla")
    command = queue_command(unit, "isla", "box", KIND, {}, NOW, NOW + DAY)
    note_asked(unit, made.id, ("isla", "box"), 0, command.id, NOW)
    note_progress(unit, made.id, ("isla", "box"), progress, NOW + 1, {})
    keep_step(unit, made.id, RolloutState.HALTED, 0, why, NOW + 2)
    return made.id


def test_of_two_people_who_look_at_a_halt_the_second_does_not_set_aside_what_nobody_has_seen(unit: Unit) -> None:
    seen = Why("failed", {"site": "monte", "device": "box"})
    number = halted(unit, Why("rolled_back", {"site": "isla", "device": "box"}), Progress.ROLLED_BACK)
    with pytest.raises(RegisterConflictError, match="for another reason meanwhile"):
        change_rollout(unit, RolloutState.RUNNING, NOW + 3, seen=seen.short)
    found = open_rollout(unit)
    assert found is not None
    assert found.why is not None
    assert change_rollout(unit, RolloutState.RUNNING, NOW + 3, seen=found.why.short).id == number


def test_going_on_leaves_silent_devices_for_later_and_waits_no_more_for_a_first_site_that_told_nothing(
    unit: Unit,
) -> None:
    about = {"site": "isla", "device": "box"}
    number = halted(unit, Why(FIRST_TELLS_NOTHING, about), Progress.SILENT)
    found = change_rollout(unit, RolloutState.RUNNING, NOW + 3)
    assert (found.rollout.state, found.rollout.first_site) == (RolloutState.RUNNING, None)
    assert rollout_devices(unit, number)[0].progress is Progress.LEFT


def test_another_first_site_is_chosen_as_long_as_none_has_taken_the_release(unit: Unit) -> None:
    about = {"site": "isla", "device": "box"}
    number = halted(unit, Why(FIRST_TELLS_NOTHING, about), Progress.INCONCLUSIVE)
    with pytest.raises(UnknownEntryError, match="no real site"):
        choose_first(unit, "nowhere", NOW + 3)
    found = choose_first(unit, "monte", NOW + 3)
    assert (found.rollout.state, found.rollout.first_site, found.why) == (RolloutState.RUNNING, "monte", None)
    # Who was asked and has not heard of it is called off; a halt for another reason stays one.
    command = queue_command(unit, "monte", "box", KIND, {}, NOW, NOW + DAY)
    note_asked(unit, number, ("monte", "box"), 0, command.id, NOW)
    keep_step(unit, number, RolloutState.HALTED, 0, Why("failed", about), NOW + 4)
    assert choose_first(unit, None, NOW + 5).rollout.state is RolloutState.HALTED
    called_off = find_command(unit, command.id)
    assert called_off is not None
    assert called_off.state is CommandState.CANCELLED
    assert [item.progress for item in rollout_devices(unit, number)] == [Progress.INCONCLUSIVE, Progress.LEFT]
    note_progress(unit, number, ("monte", "box"), Progress.CONFIRMED, NOW + 6, {})
    with pytest.raises(RegisterError, match="has taken it already"):
        choose_first(unit, "isla", NOW + 7)
    change_rollout(unit, RolloutState.STOPPED, NOW + 8)
    with pytest.raises(RegisterError, match="no release is being rolled out"):
        choose_first(unit, "isla", NOW + 9)


def test_a_site_without_an_agent_cannot_go_first(unit: Unit) -> None:
    """It would be waited for, or somebody else would go first that nobody has chosen."""
    retire_device(unit, "isla", "box", NOW)
    with pytest.raises(RegisterError, match="'isla' has no agent that could go first"):
        begin_rollout(unit, "2.0", NOW, "test", first_site="isla")
    begin_rollout(unit, "2.0", NOW, "test", first_site="monte")
    with pytest.raises(RegisterError, match="'isla' has no agent that could go first"):
        choose_first(unit, "isla", NOW)


def test_only_real_agents_are_looked_at(unit: Unit) -> None:
    made = begin_rollout(unit, "2.0", NOW, "test")
    assert [view.key for view in device_views(unit, made.id)] == [("isla", "box"), ("monte", "box")]


@pytest.mark.parametrize("progress", [Progress.CONFIRMED, Progress.ROLLED_BACK, Progress.SET_ASIDE, Progress.SILENT])
def test_a_box_that_took_the_place_of_another_has_not_been_asked(unit: Unit, progress: Progress) -> None:
    """It comes with the version of its card: nothing has gone back, and what failed at the old one tells nothing."""
    made = begin_rollout(unit, "2.0", NOW, "test")
    command = queue_command(unit, "isla", "box", KIND, {}, NOW, NOW + DAY)
    make_credential(unit, "isla/box", NOW - 1, site="isla", device="box")
    note_asked(unit, made.id, ("isla", "box"), 0, command.id, NOW)
    note_progress(unit, made.id, ("isla", "box"), progress, NOW + 1, {})
    assert device_views(unit, made.id)[0].progress is progress
    make_credential(unit, "isla/box", NOW + 2, site="isla", device="box")
    assert device_views(unit, made.id)[0].progress is None
    note_progress(unit, made.id, ("isla", "box"), Progress.TRYING, NOW + 3, {})
    assert device_views(unit, made.id)[0].progress is Progress.TRYING, "the new one carries it out"


@pytest.mark.parametrize("progress", [Progress.FAILED, Progress.ROLLED_BACK, Progress.INCONCLUSIVE])
def test_going_on_does_not_set_a_box_aside_that_took_the_place_of_the_one_that_was_the_reason(
    unit: Unit, progress: Progress
) -> None:
    """Whoever replaces a broken box does so while the rollout stands still, and resumes it then."""
    number = halted(unit, Why(progress.value, {"site": "isla", "device": "box"}), progress)
    make_credential(unit, "isla/box", NOW + 2, site="isla", device="box")
    change_rollout(unit, RolloutState.RUNNING, NOW + 3)
    assert device_views(unit, number)[0].progress is None, "the new box is asked"
