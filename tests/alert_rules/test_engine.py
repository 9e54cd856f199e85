"""The engine as a process: crashes, a standby, and real notifications in the same transaction."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import insert

from aldea.alert_rules.engine import Engine
from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.settings import AlertSettings
from aldea.model.clock import ManualClock
from aldea.model.said import Said
from aldea.storage.register import Register, RegisterUnavailableError, open_register
from aldea.storage.register.alert_state import read_alert_states
from aldea.storage.register.contacts import ContactPoint, add_contact
from aldea.storage.register.feed import get_cursors, last_position
from aldea.storage.register.leases import find_lease
from aldea.storage.register.notifications import NotificationFilter, list_notifications
from aldea.storage.register.tables import person, role_grant
from alertkit import HOUR, SECOND, START_MS, Country, Told, names, rules


def test_a_crash_in_the_middle_of_a_step_leaves_nothing_and_the_next_engine_says_it_once(country: Country) -> None:
    country.add("uno")
    country.run(60)
    country.cut("uno")
    country.run(14 * 60)
    country.told.failing = RegisterUnavailableError(Said("the disk is full", "el disco está lleno"))
    with pytest.raises(RegisterUnavailableError):
        country.run(120)
    assert country.incidents() == [], "half a step was kept"
    with country.register.reading() as unit:
        assert read_alert_states(unit)["site_silent", "uno"]["stage"] == "pending"
    country.told.failing = None
    country.engine = country.new_engine("another")
    country.clock.advance(20 * SECOND)  # the lease of the dead one runs out
    country.report()
    country.run(60)
    assert country.told.words() == [("fired", "uno")]
    assert len(country.incidents()) == 1


def stepping(engine: Engine) -> Callable[[int], None]:
    def step(_second: int) -> None:
        engine.step()

    return step


def is_active(engine: Engine) -> bool:
    return engine.active


def test_of_two_engines_one_works_and_the_other_takes_over_without_saying_anything_twice(country: Country) -> None:
    country.add("uno", "dos")
    standby = country.new_engine("standby")
    country.run(60)
    country.cut("uno")
    country.run(17 * 60, meanwhile=stepping(standby))
    assert (country.engine.active, standby.active) == (True, False)
    # The first freezes: its lease runs out, and when it wakes up it may keep nothing.
    frozen, country.engine = country.engine, standby
    country.run(30)
    assert is_active(standby)
    country.cut("dos")
    country.run(14 * 60)
    frozen.step()
    assert not is_active(frozen)
    country.run(3 * 60, meanwhile=stepping(frozen))
    assert country.told.words() == [("fired", "uno"), ("fired", "dos")]
    standby.close()
    with country.register.reading() as unit:
        lease = find_lease(unit, "alerts")
        assert lease is not None
        assert lease.holder == ""
    frozen.step()
    assert is_active(frozen)


def test_an_engine_whose_lease_was_taken_a_moment_ago_keeps_nothing(country: Country) -> None:
    country.add("uno")
    country.run(60)
    country.cut("uno")
    country.run(890)
    country.clock.advance(6 * SECOND)
    country.report()
    country.judge()  # renews its lease now, so that it believes in it for the next five seconds
    ahead = ManualClock(wall_ms=country.clock.wall_ms() + 16 * SECOND)  # another machine, whose clock runs ahead
    other = Engine(country.register, ahead, country.rules, Told(), "ahead")
    other.step()
    assert is_active(other)
    country.clock.advance(4 * SECOND)
    country.engine.step()  # the hold is over in this very step
    assert not is_active(country.engine)
    assert country.told.words() == []


@pytest.mark.postgresql
def test_the_engine_works_on_postgresql_too(clean_database: str) -> None:
    found = open_register(clean_database)
    country = Country(found)
    country.report()
    country.judge()
    country.add("uno", *names("otro", 3), facts={"provider": "Satelital"})
    country.run(60, every=20)
    country.cut("uno")
    country.run(17 * 60, every=20)
    country.restart_engine()
    country.mend("uno")
    country.run(5 * 60, every=20)
    assert country.told.words() == [("fired", "uno"), ("resolved", "uno")]
    found.close()


def test_cursors_move_with_what_was_judged(country: Country) -> None:
    country.add("uno")
    country.run(120)
    with country.register.reading() as unit:
        assert get_cursors(unit, "alerts") == {"c1": last_position(unit, "c1")}


def test_an_engine_that_has_nothing_to_do_writes_nothing(country: Country) -> None:
    country.add("uno")
    country.run(60)
    engine = country.engine
    turn = engine._turn
    assert turn is not None
    kept = turn.renewed_ms
    country.clock.advance(SECOND)
    assert engine.step() is False
    assert turn.renewed_ms == kept


def test_real_people_get_one_notification_for_each_step(register: Register) -> None:
    country = Country(register)
    country.engine = Engine(
        register, country.clock, country.rules, Announcer(AlertSettings(), Writer("https://aldea.example")), "first"
    )
    with register.transaction() as unit:
        about = {"id": "tec", "label": "Técnica", "role": "technician", "channels": [], "languages": ["es"]}
        columns = {name: value for name, value in about.items() if name in person.c}
        unit.connection.execute(insert(person).values(**columns, created_at_ms=START_MS))
        unit.connection.execute(
            insert(role_grant).values(
                person="tec", role="technician", programme="", region="", valid_from_ms=START_MS - HOUR
            )
        )
        add_contact(unit, ContactPoint("tec", "email", {"address": "tec@example.org"}, "es", START_MS))
    country.report()
    country.judge()
    country.outage("uno")
    with register.reading() as unit:
        sent = list_notifications(unit, NotificationFilter(), limit=10)
    assert sorted(one.kind for one in sent) == ["fired", "resolved"]
    assert {one.recipient for one in sent} == {"tec"}
    fired = next(one for one in sent if one.kind == "fired")
    assert "No llega nada desde" in fired.body


def test_two_rules_of_one_kind_with_where_judge_their_own_sites(register: Register) -> None:
    found = rules(
        "version: 1\nrules:\n"
        "  - {name: clinics, kind: site_silent, hold_seconds: 120, hold_sends: 2, late_sends: 2, "
        "where: {site_kind: clinic}}\n"
        "  - {name: schools, kind: site_silent, notify: false, where: {site_kind: school}}\n"
    )
    country = Country(register, rules=found)
    country.report()
    country.judge()
    country.add("clinica", facts={"site_kind": "clinic"})
    country.add("escuela", facts={"site_kind": "school"})
    country.run(60)
    country.cut("clinica", "escuela")
    country.run(180)
    assert country.firing() == ["clinica"]
    country.run(16 * 60)
    assert sorted(map(str, country.firing())) == ["clinica", "escuela"]
    assert country.told.words() == [("fired", "clinica")]
