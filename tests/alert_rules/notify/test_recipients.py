"""Who is told: the responsible first, rights second, nobody for a simulated site."""

from __future__ import annotations

import pytest

from aldea.model.clock import ManualClock
from aldea.storage.register import Register, RegisterError, UnknownEntryError
from aldea.storage.register.contacts import (
    ContactPoint,
    QuietHours,
    add_contact,
    contacts_of,
    find_contact,
    mark_verified,
    remove_contact,
    update_contact,
)
from aldea.storage.register.people import set_disabled
from aldea.storage.register.recipients import Tier, first_line, recipients_for, recipients_for_sites
from alert_rules.notify.office import NOW_MS, Office


@pytest.fixture
def team(register: Register, clock: ManualClock) -> Office:
    made = Office(register, clock)
    made.add_person("rosa", None)
    made.add_person("tomas", "technician", programme="aldeas", region="Yucatán")
    made.add_person("elena", "technician", region="Chiapas")
    made.add_person("omar", "operator")
    made.add_person("ana", "admin")
    made.add_person("vera", "viewer")
    made.add_site("escuela", responsible="rosa", programme="aldeas", state_name="Yucatán")
    made.add_site("lejos", state_name="Chiapas")
    made.add_site("demo", simulated=True, responsible="rosa", state_name="Yucatán")
    return made


def who(team: Office, site: str | None) -> list[tuple[str, Tier]]:
    with team.register.reading() as unit:
        return [(found.person, found.tier) for found in recipients_for(unit, site, NOW_MS)]


def test_the_responsible_come_first_then_technicians_then_operators(team: Office) -> None:
    assert who(team, "escuela") == [("rosa", Tier.RESPONSIBLE), ("tomas", Tier.TECHNICIAN), ("omar", Tier.OPERATOR)]


def test_a_grant_of_another_region_or_programme_does_not_count(team: Office) -> None:
    assert who(team, "lejos") == [("elena", Tier.TECHNICIAN), ("omar", Tier.OPERATOR)]


def test_nobody_is_told_of_a_simulated_site(team: Office) -> None:
    assert who(team, "demo") == []
    with team.register.reading() as unit:
        assert recipients_for_sites(unit, ["demo"], NOW_MS) == ()


def test_the_platform_is_told_to_operators_and_administrators(team: Office) -> None:
    assert who(team, None) == [("omar", Tier.OPERATOR), ("ana", Tier.ADMIN)]


def test_a_disabled_account_is_told_nothing(team: Office) -> None:
    with team.register.transaction() as unit:
        set_disabled(unit, "rosa", disabled=True, at_ms=NOW_MS)
    assert ("rosa", Tier.RESPONSIBLE) not in who(team, "escuela")


def test_a_common_fault_is_told_to_each_person_once_at_the_nearest_tier(team: Office) -> None:
    with team.register.reading() as unit:
        found = recipients_for_sites(unit, ["lejos", "escuela"], NOW_MS)
    assert [one.person for one in found] == ["rosa", "elena", "tomas", "omar"]


def test_the_first_line_is_the_nearest_tier_that_can_be_reached(team: Office) -> None:
    team.add_contact("omar", "email", address="omar@example.org")
    with team.register.reading() as unit:
        assert [one.person for one in first_line(recipients_for(unit, "escuela", NOW_MS))] == ["omar"]
    team.add_contact("tomas", "email", address="tomas@example.org")
    with team.register.reading() as unit:
        assert [one.person for one in first_line(recipients_for(unit, "escuela", NOW_MS))] == ["tomas"]


def test_a_contact_point_that_is_off_reaches_nobody(team: Office) -> None:
    off = ContactPoint("tomas", "email", {"address": "t@example.org"}, "es", NOW_MS, enabled=False)
    with team.register.transaction() as unit:
        add_contact(unit, off)
        assert first_line(recipients_for(unit, "escuela", NOW_MS)) == ()


def test_changing_where_it_goes_makes_a_contact_point_unverified(team: Office) -> None:
    number = team.add_contact("rosa", "email", address="rosa@example.org")
    with team.register.transaction() as unit:
        mark_verified(unit, number, NOW_MS)
        point = find_contact(unit, number)
        assert point is not None
        quiet = ContactPoint(
            "rosa", "email", point.fields, "en", NOW_MS, QuietHours("America/Merida", 0, 60), id=number
        )
        update_contact(unit, quiet)
        kept = find_contact(unit, number)
        assert kept is not None
        assert (kept.verified_ms, kept.language, kept.quiet) == (NOW_MS, "en", quiet.quiet)
        update_contact(unit, ContactPoint("rosa", "email", {"address": "x@example.org"}, "es", NOW_MS, id=number))
        changed = find_contact(unit, number)
        assert changed is not None
        assert changed.verified_ms is None
        assert remove_contact(unit, number, NOW_MS)
        assert not remove_contact(unit, number, NOW_MS)
        assert contacts_of(unit, ["rosa"]) == {}


@pytest.mark.parametrize(
    ("quiet", "words"),
    [
        (QuietHours("America/Merida", 25 * 60, 60), "from 00:00 to 23:59"),
        (QuietHours("America/Merida", 60, 60), "last all day"),
        (QuietHours("Mars/Olympus", 60, 120), "not an IANA zone"),
    ],
)
def test_quiet_hours_that_cannot_be_are_refused(team: Office, quiet: QuietHours, words: str) -> None:
    with pytest.raises(RegisterError, match=words), team.register.transaction() as unit:
        add_contact(unit, ContactPoint("rosa", "email", {}, "es", NOW_MS, quiet))


def test_a_contact_point_belongs_to_somebody(team: Office) -> None:
    with pytest.raises(UnknownEntryError, match="add the person first"), team.register.transaction() as unit:
        add_contact(unit, ContactPoint("nobody", "email", {}, "es", NOW_MS))
