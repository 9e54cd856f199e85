"""What waits for a recipient's morning, and what doesn't."""

from __future__ import annotations

from aldea.model.clock import ManualClock
from aldea.storage.register.contacts import QuietHours
from alert_rules.notify.office import HOUR, MINUTE, NOW_MS, ZONE, Office, run, run_for
from alert_rules.notify.provider import Provider

NIGHT = QuietHours(ZONE, 22 * 60, 6 * 60 + 30)


def test_quiet_hours_hold_back_all_but_the_urgent(office: Office, clock: ManualClock) -> None:
    office.add_contact("tecnica", "email", quiet=NIGHT, address="tecnica@example.org")
    provider = Provider()
    dispatcher = office.dispatcher(provider)
    clock.advance(12 * HOUR)  # 23:00 in Mérida
    office.tell("normal")
    office.tell("urgent", urgent=True)
    run_for(dispatcher, clock, 7 * HOUR, 10 * MINUTE)
    assert [one.key.partition(":")[0] for one in provider.parcels] == ["urgent"]
    run_for(dispatcher, clock, HOUR, 10 * MINUTE)
    assert [one.key.partition(":")[0] for one in provider.parcels] == ["urgent", "normal"]
    sent = office.log(incident="normal")[0]
    assert sent.decided_ms is not None
    assert sent.decided_ms - NOW_MS >= 19 * HOUR + 30 * MINUTE, "06:30 in Mérida"


def test_the_platform_breaks_quiet_hours(office: Office, clock: ManualClock) -> None:
    office.add_person("operacion", "operator")
    office.add_contact("operacion", "email", quiet=NIGHT, address="operacion@example.org")
    provider = Provider()
    clock.advance(12 * HOUR)
    office.tell("p-1", "platform", site=None, site_name="")
    run(office.dispatcher(provider))
    assert [one.subject for one in provider.parcels] == ["Aldea: La plataforma Aldea: no recibe datos de los sitios"]


def test_an_outage_of_the_night_is_one_line_in_the_morning(office: Office, clock: ManualClock) -> None:
    office.add_contact("tecnica", "email", quiet=NIGHT, address="tecnica@example.org")
    provider = Provider()
    dispatcher = office.dispatcher(provider)
    clock.advance(12 * HOUR)
    office.tell()
    run(dispatcher)
    office.tell(transition="resolved", opened_ms=clock.wall_ms(), resolved_ms=clock.wall_ms() + HOUR)
    run_for(dispatcher, clock, 9 * HOUR, 10 * MINUTE)
    assert len(provider.parcels) == 1
    assert "estuvo SIN CONEXION" in provider.parcels[0].short
