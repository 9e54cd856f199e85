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
    made.add_person("tecnica", None)
    made.add_person("apoyo", "technician", programme="aldeas", region="Yucatán")
    made.add_person("aldea-norte", "technician", region="Chiapas")
    made.add_person("operacion", "operator")
    made.add_person("direccion", "admin")
    made.add_person("vera", "viewer")
    made.add_site("escuela", responsible="tecnica", programme="aldeas", state_name="Yucatán")
    made.add_site("lejos", state_name="Chiapas")
    made.add_site("demo", simulated=True, responsible="tecnica", state_name="Yucatán")
    return made


def who(team: Office, site: str | None) -> list[tuple[str, Tier]]:
    with team.register.reading() as unit:
        return [(found.person, found.tier) for found in recipients_for(unit, site, NOW_MS)]


def test_the_responsible_come_first_then_technicians_then_operators(team: Office) -> None:
    assert who(team, "escuela") == [
        ("tecnica", Tier.RESPONSIBLE),
        ("apoyo", Tier.TECHNICIAN),
        ("operacion", Tier.OPERATOR),
    ]


def test_a_grant_of_another_region_or_programme_does_not_count(team: Office) -> None:
    assert who(team, "lejos") == [("aldea-norte", Tier.TECHNICIAN), ("operacion", Tier.OPERATOR)]


def test_nobody_is_told_of_a_simulated_site(team: Office) -> None:
    assert who(team, "demo") == []
    with team.register.reading() as unit:
        assert recipients_for_sites(unit, ["demo"], NOW_MS) == ()


def test_the_platform_is_told_to_operators_and_administrators(team: Office) -> None:
    assert who(team, None) == [("operacion", Tier.OPERATOR), ("direccion", Tier.ADMIN)]


def test_a_disabled_account_is_told_nothing(team: Office) -> None:
    with team.register.transaction() as unit:
        set_disabled(unit, "tecnica", disabled=True, at_ms=NOW_MS)
    assert ("tecnica", Tier.RESPONSIBLE) not in who(team, "escuela")


def test_a_common_fault_is_told_to_each_person_once_at_the_nearest_tier(team: Office) -> None:
    with team.register.reading() as unit:
        found = recipients_for_sites(unit, ["lejos", "escuela"], NOW_MS)
    assert [one.person for one in found] == ["tecnica", "aldea-norte", "apoyo", "operacion"]


def test_the_first_line_is_the_nearest_tier_that_can_be_reached(team: Office) -> None:
    team.add_contact("operacion", "email", address="operacion@example.org")
    with team.register.reading() as unit:
        assert [one.person for one in first_line(recipients_for(unit, "escuela", NOW_MS))] == ["operacion"]
    team.add_contact("apoyo", "email", address="apoyo@example.org")
    with team.register.reading() as unit:
        assert [one.person for one in first_line(recipients_for(unit, "escuela", NOW_MS))] == ["apoyo"]


def test_a_contact_point_that_is_off_reaches_nobody(team: Office) -> None:
    off = ContactPoint("apoyo", "email", {"address": "t@example.org"}, "es", NOW_MS, enabled=False)
    with team.register.transaction() as unit:
        add_contact(unit, off)
        assert first_line(recipients_for(unit, "escuela", NOW_MS)) == ()


def test_changing_where_it_goes_makes_a_contact_point_unverified(team: Office) -> None:
    number = team.add_contact("tecnica", "email", address="tecnica@example.org")
    with team.register.transaction() as unit:
        mark_verified(unit, number, NOW_MS)
        point = find_contact(unit, number)
        assert point is not None
        quiet = ContactPoint(
            "tecnica", "email", point.fields, "en", NOW_MS, QuietHours("America/Merida", 0, 60), id=number
        )
        update_contact(unit, quiet)
        kept = find_contact(unit, number)
        assert kept is not None
        assert (kept.verified_ms, kept.language, kept.quiet) == (NOW_MS, "en", quiet.quiet)
        update_contact(unit, ContactPoint("tecnica", "email", {"address": "x@example.org"}, "es", NOW_MS, id=number))
        changed = find_contact(unit, number)
        assert changed is not None
        assert changed.verified_ms is None
        assert remove_contact(unit, number, NOW_MS)
        assert not remove_contact(unit, number, NOW_MS)
        assert contacts_of(unit, ["tecnica"]) == {}


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
        add_contact(unit, ContactPoint("tecnica", "email", {}, "es", NOW_MS, quiet))


def test_a_contact_point_belongs_to_somebody(team: Office) -> None:
    with pytest.raises(UnknownEntryError, match="add the person first"), team.register.transaction() as unit:
        add_contact(unit, ContactPoint("nobody", "email", {}, "es", NOW_MS))
