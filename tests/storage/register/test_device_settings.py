"""Settings of agents at the server: profiles, differences, what is sent, and what holds."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from aldea.agents.overlay.checking import check_agent_settings
from aldea.storage.register import Register, RegisterConflictError, RegisterError, UnknownEntryError, open_register
from aldea.storage.register.commands import commands_of, note_answer
from aldea.storage.register.credentials import make_credential
from aldea.storage.register.device_overlays import (
    SERVER_FACTS,
    DeviceSettings,
    Standing,
    device_settings_of,
    settings_of,
)
from aldea.storage.register.device_settings import (
    device_subject,
    looked_at,
    send_settings,
    send_to_all,
    set_differences,
)
from aldea.storage.register.devices import Device
from aldea.storage.register.profiles import (
    Profile,
    add_profile,
    assign_profile,
    change_profile,
    delete_profile,
    find_profile,
    history_of,
    list_profiles,
    profile_of,
    subject_of,
)
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from aldea.storage.register.restored import AHEAD, note_restored
from aldea.storage.register.sites import Site, SiteEntry, add_sites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.storage.register.register import Unit

NOW = 1_750_000_000_000
DAY = 86_400_000
SLOW = {"sample_seconds": 300, "send_seconds": 900}


@pytest.fixture
def villages(register: Register) -> Register:
    """Two real villages with an agent each, a simulated one, and a profile."""
    with register.transaction() as unit:
        for name, simulated in (("arroyo", False), ("monte", False), ("demo", True)):
            place = Site(name, name.title(), "America/Merida", NOW - DAY, simulated=simulated)
            add_sites(unit, [SiteEntry(place, NOW - DAY, devices=(Device(name, "agent", "agent", NOW - DAY),))])
        add_profile(unit, Profile("slow", "Slow", SLOW, changed_by="operator", changed_ms=NOW))
    return register


def standing(unit: Unit, now_ms: int = NOW, keys: Any = ()) -> Standing:
    return device_settings_of(unit, "arroyo", "agent", keys, now_ms).standing


def test_two_profiles_are_ready_and_agents_can_take_them(empty_url: str) -> None:
    register = open_register(empty_url)
    register.migrate()
    with register.reading() as unit:
        found = {item.id: item for item in list_profiles(unit)}
        assert history_of(unit, subject_of("frugal"))[0].document == found["frugal"].document
    register.close()
    assert found["default"].document == {}
    assert (found["frugal"].document["sample_seconds"], found["frugal"].document["send_seconds"]) == (300, 900)
    assert check_agent_settings(found["frugal"].document) == []


def test_a_profile_keeps_what_it_said_before(villages: Register) -> None:
    with villages.transaction() as unit:
        slow = find_profile(unit, "slow")
        assert slow is not None
        changed = change_profile(unit, Profile("slow", "Slower", {"sample_seconds": 600}, 1, "another", NOW + 1))
        assert (changed.revision, changed.changed_by) == (2, "another")
        assert change_profile(unit, changed) == changed, "the same again is no revision"
        past = history_of(unit, subject_of("slow"))
    assert [(item.revision, item.name, item.document) for item in past] == [
        (2, "Slower", {"sample_seconds": 600}),
        (1, "Slow", SLOW),
    ]


def test_of_two_who_change_a_profile_the_second_is_told(villages: Register) -> None:
    with villages.transaction() as unit:
        change_profile(unit, Profile("slow", "Slow", {"sample_seconds": 600}, 1))
        with pytest.raises(RegisterConflictError, match="changed meanwhile: it is at revision 2"):
            change_profile(unit, Profile("slow", "Slow", {"sample_seconds": 700}, 1))


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        (Profile("Not an id", "x", {}), "id must be"),
        (Profile("x", " ", {}), "name must be"),
        (Profile("x", "x", {"a": "b" * 20_000}), "leave something out"),
        (Profile("x", "x", {"a": object()}), "not JSON"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(villages: Register, new: Profile, sentence: str) -> None:
    with villages.transaction() as unit, pytest.raises(RegisterError, match=sentence):
        add_profile(unit, new)


def test_a_profile_in_use_is_not_deleted(villages: Register) -> None:
    with villages.transaction() as unit:
        with pytest.raises(RegisterConflictError, match="already there"):
            add_profile(unit, Profile("slow", "Slow", {}))
        assert assign_profile(unit, ["arroyo", "monte"], "slow") == 2
        assert assign_profile(unit, ["arroyo"], "slow") == 0
        assert [profile_of(unit, site) for site in ("arroyo", "monte")] == ["slow", "slow"]
        with pytest.raises(RegisterConflictError, match="has 2 sites"):
            delete_profile(unit, "slow")
        assert assign_profile(unit, ["arroyo", "monte"], None) == 2
        delete_profile(unit, "slow")
        assert history_of(unit, subject_of("slow")) == ()
        with pytest.raises(UnknownEntryError, match="there is no profile"):
            delete_profile(unit, "slow")


def test_only_real_sites_get_a_profile_that_there_is(villages: Register) -> None:
    with villages.transaction() as unit:
        with pytest.raises(RegisterError, match="simulated"):
            assign_profile(unit, ["demo"], "slow")
        with pytest.raises(UnknownEntryError, match="not registered"):
            assign_profile(unit, ["nowhere"], "slow")
        with pytest.raises(UnknownEntryError, match="no profile"):
            assign_profile(unit, ["arroyo"], "none")


def test_the_overlay_is_the_profile_the_differences_and_what_the_server_knows(villages: Register) -> None:
    with villages.transaction() as unit:
        add_programme(unit, Programme("connected", "Conectadas", date(2025, 1, 1)))
        assign_site(unit, "connected", "arroyo", NOW - DAY)
        assign_profile(unit, ["arroyo"], "slow")
        set_differences(
            unit, "arroyo", "agent", {"send_seconds": None, "ping": {"packets": 5}, "page": {"timezone": "UTC"}}, "o", 1
        )
        with_facts = device_settings_of(unit, "arroyo", "agent", SERVER_FACTS, NOW)
        without = device_settings_of(unit, "arroyo", "agent", (), NOW)
    assert without.overlay == {"sample_seconds": 300, "ping": {"packets": 5}, "page": {"timezone": "UTC"}}
    assert with_facts.overlay["page"] == {
        "site_name": "Arroyo",
        "timezone": "UTC",
        "programmes": [{"id": "connected", "name": "Conectadas"}],
    }


def test_what_is_sent_is_what_differs_from_what_the_device_has_answered(villages: Register) -> None:
    with villages.transaction() as unit:
        assert standing(unit) is Standing.SAME
        assert send_settings(unit, "arroyo", "agent", (), NOW) is None
        assign_profile(unit, ["arroyo"], "slow")
        assert standing(unit) is Standing.NOT_SENT
        sent = send_settings(unit, "arroyo", "agent", (), NOW, "operator")
        assert sent is not None
        assert sent.payload == {"revision": 1, "document": SLOW}
        assert standing(unit) is Standing.UNDER_WAY
        assert send_settings(unit, "arroyo", "agent", (), NOW) is None
        note_answer(unit, "arroyo", "agent", sent.id, "running", {"trial_seconds": 600}, NOW + 1)
        assert standing(unit) is Standing.UNDER_WAY
        note_answer(unit, "arroyo", "agent", sent.id, "done", {"runs": 1}, NOW + 2)
        now = device_settings_of(unit, "arroyo", "agent", (), NOW)
        assert (now.standing, now.held, now.held_revision) == (Standing.SAME, SLOW, 1)
        assert send_settings(unit, "arroyo", "agent", (), NOW + 3) is None


def test_going_back_to_nothing_is_sent_too(villages: Register) -> None:
    with villages.transaction() as unit:
        assign_profile(unit, ["arroyo"], "slow")
        first = send_settings(unit, "arroyo", "agent", (), NOW)
        assert first is not None
        note_answer(unit, "arroyo", "agent", first.id, "done", {}, NOW)
        assign_profile(unit, ["arroyo"], None)
        assert device_settings_of(unit, "arroyo", "agent", (), NOW).changes == ["sample_seconds", "send_seconds"]
        second = send_settings(unit, "arroyo", "agent", (), NOW + 1)
        assert second is not None
        assert second.payload == {"revision": 2, "document": {}}


def test_newer_settings_supersede_what_is_not_answered(villages: Register) -> None:
    with villages.transaction() as unit:
        assign_profile(unit, ["arroyo"], "slow")
        first = send_settings(unit, "arroyo", "agent", (), NOW)
        set_differences(unit, "arroyo", "agent", {"sample_seconds": 120}, "operator", NOW)
        assert standing(unit) is Standing.NOT_SENT
        second = send_settings(unit, "arroyo", "agent", (), NOW + 1)
        assert first is not None
        assert second is not None
        assert second.payload["revision"] == 2
        now = device_settings_of(unit, "arroyo", "agent", (), NOW)
        assert now.last is not None
        assert (now.last.id, now.standing) == (second.id, Standing.UNDER_WAY)


@pytest.mark.parametrize(("state", "expected"), [("failed", Standing.FAILED), ("rolled_back", Standing.ROLLED_BACK)])
def test_what_a_device_did_not_take_is_sent_again_only_when_asked(
    villages: Register, state: str, expected: Standing
) -> None:
    with villages.transaction() as unit:
        assign_profile(unit, ["arroyo"], "slow")
        first = send_settings(unit, "arroyo", "agent", (), NOW)
        assert first is not None
        note_answer(unit, "arroyo", "agent", first.id, state, {"sentence": "no"}, NOW)
        assert standing(unit) is expected
        assert send_settings(unit, "arroyo", "agent", (), NOW + 1) is None
        again = send_settings(unit, "arroyo", "agent", (), NOW + 1, again=True)
        assert again is not None
        assert again.payload == {"revision": 2, "document": SLOW}


def test_a_device_that_is_ahead_of_a_restored_register_is_sent_a_newer_revision(villages: Register) -> None:
    with villages.transaction() as unit:
        assign_profile(unit, ["arroyo"], "slow")
        first = send_settings(unit, "arroyo", "agent", (), NOW)
        assert first is not None
        note_answer(unit, "arroyo", "agent", first.id, "failed", {"runs": 41}, NOW)
        again = send_settings(unit, "arroyo", "agent", (), NOW + 1, again=True)
        assert again is not None
        assert again.payload["revision"] == 42


def test_a_restored_register_does_not_say_that_a_device_runs_with_what_it_was_sent_before_the_backup(
    villages: Register,
) -> None:
    """It was sent something else since, of which nothing is known here."""
    with villages.transaction() as unit:
        assign_profile(unit, ["arroyo"], "slow")
        first = send_settings(unit, "arroyo", "agent", (), NOW)
        assert first is not None
        note_answer(unit, "arroyo", "agent", first.id, "done", {"runs": 1}, NOW)
        assert standing(unit) is Standing.SAME
        for restored in (1, 2):
            note_restored(unit, NOW + restored * DAY)
            assert standing(unit) is Standing.NOT_SENT
            again = send_settings(unit, "arroyo", "agent", (), NOW + restored * DAY)
            assert again is not None
            assert again.payload == {"revision": 1 + restored * (AHEAD + 1), "document": SLOW}
            note_answer(unit, "arroyo", "agent", again.id, "done", {}, NOW + restored * DAY)
            assert standing(unit) is Standing.SAME


def test_a_new_card_knows_nothing_of_what_the_old_one_was_told(villages: Register) -> None:
    with villages.transaction() as unit:
        make_credential(unit, "arroyo/agent", NOW - DAY, site="arroyo", device="agent")
        assign_profile(unit, ["arroyo"], "slow")
        first = send_settings(unit, "arroyo", "agent", (), NOW)
        assert first is not None
        note_answer(unit, "arroyo", "agent", first.id, "done", {}, NOW)
        assert standing(unit) is Standing.SAME
        make_credential(unit, "arroyo/agent", NOW + DAY, site="arroyo", device="agent")
        assert standing(unit) is Standing.NOT_SENT
        second = send_settings(unit, "arroyo", "agent", (), NOW + DAY)
        assert second is not None
        assert second.payload == {"revision": 2, "document": SLOW}


def test_differences_are_kept_by_revision(villages: Register) -> None:
    with villages.transaction() as unit:
        assert set_differences(unit, "arroyo", "agent", {"sample_seconds": 30}, "operator", NOW, seen=0) == 1
        assert set_differences(unit, "arroyo", "agent", {"sample_seconds": 30}, "operator", NOW) == 1
        with pytest.raises(RegisterConflictError, match="they are at revision 1"):
            set_differences(unit, "arroyo", "agent", {}, "another", NOW, seen=0)
        assert set_differences(unit, "arroyo", "agent", {}, "another", NOW + 1, seen=1) == 2
        past = history_of(unit, device_subject("arroyo", "agent"))
        assert [(item.revision, item.document) for item in past] == [(2, {}), (1, {"sample_seconds": 30})]
        with pytest.raises(UnknownEntryError, match="has no device"):
            set_differences(unit, "arroyo", "none", {}, "o", NOW)


def test_of_settings_sent_within_a_millisecond_the_last_is_the_newest(villages: Register) -> None:
    with villages.transaction() as unit:
        for number in range(1, 12):
            set_differences(unit, "arroyo", "agent", {"sample_seconds": number}, "o", NOW)
            sent = send_settings(unit, "arroyo", "agent", (), NOW)
            last = device_settings_of(unit, "arroyo", "agent", (), NOW).last
            assert sent is not None
            assert last is not None
            assert last.id == sent.id


@pytest.fixture
def slow(villages: Register, monkeypatch: pytest.MonkeyPatch) -> Sequence[DeviceSettings]:
    """The devices of two sites with one profile, as they were looked at; they are sent to one by one."""
    monkeypatch.setattr("aldea.storage.register.device_settings.AT_ONCE", 1)
    with villages.transaction() as unit:
        assign_profile(unit, ["arroyo", "monte"], "slow")
        return settings_of(unit, (), NOW, profile="slow")


def test_all_devices_of_a_profile_are_seen_and_sent_at_once(villages: Register, slow: Sequence[DeviceSettings]) -> None:
    assert [(item.site, item.changes) for item in slow] == [
        ("arroyo", ["sample_seconds", "send_seconds"]),
        ("monte", ["sample_seconds", "send_seconds"]),
    ]
    told: list[str] = []
    assert send_to_all(villages, slow, (), NOW, note=lambda _, some: told.extend(item.site for item in some)) == 2
    assert send_to_all(villages, slow, (), NOW, note=lambda _, some: told.append("more")) == 0
    assert told == ["arroyo", "monte"]
    with villages.reading() as unit:
        assert {item.standing for item in settings_of(unit, (), NOW, profile="slow")} == {Standing.UNDER_WAY}
        assert [item.site for item in settings_of(unit, (), NOW)] == ["arroyo", "monte"]
        with pytest.raises(UnknownEntryError, match="no agent"):
            device_settings_of(unit, "demo", "agent", (), NOW)


def test_of_many_devices_the_one_whose_settings_are_too_large_is_named(
    villages: Register, slow: Sequence[DeviceSettings]
) -> None:
    """A profile and differences that are each small enough may not be so together."""
    long = "ñ" * 5_900
    with villages.transaction() as unit:
        change_profile(unit, Profile("slow", "Slow", {"page": {"site_name": long}}, 1))
        set_differences(unit, "monte", "agent", {"wifi": {"name": long}}, "operator", NOW)
        chosen = settings_of(unit, (), NOW, profile="slow")
    with pytest.raises(RegisterError, match=r"the command for monte/agent has \d+ bytes, a device takes"):
        send_to_all(villages, chosen, (), NOW)
    with villages.transaction() as unit:
        set_differences(unit, "monte", "agent", {}, "operator", NOW)
        assert send_settings(unit, "monte", "agent", (), NOW) is not None


def test_what_was_changed_since_it_was_looked_at_is_sent_to_nobody(
    villages: Register, slow: Sequence[DeviceSettings]
) -> None:
    """Whoever sends has read and confirmed what goes; somebody else's change meanwhile is neither."""
    with villages.transaction() as unit:
        set_differences(unit, "monte", "agent", {"broker": {"host": "elsewhere.example"}}, "second", NOW)
        other = settings_of(unit, (), NOW, profile="slow")
    assert looked_at(slow) != looked_at(other)
    told: list[str] = []
    with pytest.raises(RegisterConflictError, match="monte/agent were changed meanwhile"):
        send_to_all(villages, slow, (), NOW, note=lambda _, some: told.extend(item.site for item in some))
    assert told == ["arroyo"], "it was sent to and is written down"
    with villages.reading() as unit:
        assert [len(commands_of(unit, site, kinds=["settings"])) for site in ("arroyo", "monte")] == [1, 0]
