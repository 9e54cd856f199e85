"""Who is told of the end, who is told next, and who is told nothing any more."""

from __future__ import annotations

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.escalation import escalate
from aldea.alert_rules.notify.messages import Writer
from aldea.model.clock import ManualClock
from aldea.storage.register import Register
from aldea.storage.register.contacts import ContactPoint, remove_contact, update_contact
from aldea.storage.register.incident_answers import acknowledge
from aldea.storage.register.tables import incident
from alert_rules.notify.office import DAY, MINUTE, NOW_MS, Office, run, run_for
from alert_rules.notify.provider import Provider


def test_the_end_is_told_to_those_who_were_told_of_the_start(mailed: Office) -> None:
    run(mailed.dispatcher(Provider()))
    mailed.tell()
    mailed.add_person("apoyo")
    mailed.add_contact("apoyo", "email", address="apoyo@example.org")
    assert mailed.tell(transition="resolved", resolved_ms=NOW_MS + MINUTE) == 1
    assert [item.recipient for item in mailed.log(incident="i-1")] == ["tecnica", "tecnica"]
    assert mailed.tell("never-told", "resolved", resolved_ms=NOW_MS) == 0


def test_a_simulated_site_tells_nobody(mailed: Office) -> None:
    mailed.add_site("demo", simulated=True)
    assert mailed.tell("i-2", site="demo") == 0
    assert mailed.tell("i-3", "group", site=None, sites=("demo",), site_names=("Demo",)) == 0


def test_a_contact_point_that_is_removed_or_switched_off_gets_nothing_more(mailed: Office) -> None:
    provider = Provider()
    mailed.tell("i-1")
    with mailed.register.transaction() as unit:
        assert remove_contact(unit, 1, NOW_MS)
    off = mailed.add_contact("tecnica", "email", address="other@example.org")
    mailed.tell("i-2")
    with mailed.register.transaction() as unit:
        update_contact(
            unit, ContactPoint("tecnica", "email", {"address": "other@example.org"}, "es", 0, enabled=False, id=off)
        )
    run(mailed.dispatcher(provider))
    assert provider.parcels == []
    assert mailed.states() == ["failed", "failed"]
    assert [str(item.last_error).partition(":")[0] for item in mailed.log()] == ["contact_removed", "contact_off"]


def test_what_nobody_takes_goes_to_the_next_people_once(register: Register, clock: ManualClock) -> None:
    office = Office(register, clock, escalate_minutes=30)
    office.add_site(responsible="tecnica")
    for person, role in (("tecnica", None), ("apoyo", "technician"), ("operacion", "operator")):
        office.add_person(person, role)
        office.add_contact(person, "email", address=f"{person}@example.org")
    with register.transaction() as unit:
        for number in ("i-1", "i-2"):
            values = {"site": "escuela", "rule": "r", "state": "firing", "summary": {}, "revision": 1}
            unit.connection.execute(
                incident.insert().values(id=number, opened_at_ms=NOW_MS, fired_at_ms=NOW_MS, simulated=False, **values)
            )
        acknowledge(unit, "i-2", "tecnica", NOW_MS, "")
    office.tell("i-1")
    office.tell("i-2")
    dispatcher = office.dispatcher(Provider())
    told = []
    for _ in range(4):
        run_for(dispatcher, clock, 31 * MINUTE, 31 * MINUTE)
        told.append([item.recipient for item in office.log(incident="i-1")])
    assert told[0] == ["tecnica", "apoyo"]
    assert told[1] == told[3] == ["tecnica", "apoyo", "operacion"]
    assert [item.recipient for item in office.log(incident="i-2")] == ["tecnica"]
    never = Announcer(Office(register, clock).settings, Writer("http://x"))
    with register.transaction() as unit:
        assert escalate(unit, never, NOW_MS + DAY) == 0
