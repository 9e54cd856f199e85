"""However much there is to tell, and however long a provider was away: no storm."""

from __future__ import annotations

from aldea.alert_rules.notify.sending import TAKEN
from aldea.model.clock import ManualClock
from alert_rules.notify.office import HOUR, MINUTE, NOW_MS, Office, run, run_for
from alert_rules.notify.provider import AWAY, Provider


def test_a_provider_that_is_away_for_two_hours_makes_no_storm(mailed: Office, clock: ManualClock) -> None:
    provider = Provider(AWAY)
    dispatcher = mailed.dispatcher(provider)
    for number in range(12):
        mailed.tell(f"i-{number:02d}", site_name=f"Sitio {number:02d}")
        run_for(dispatcher, clock, 10 * MINUTE)
    tried = len(provider.parcels)
    assert tried < 30, "it is not hammered"
    provider.answer = TAKEN
    run_for(dispatcher, clock, 30 * MINUTE)
    told = provider.parcels[tried:]
    assert len(told) == 1, "what waited is one message"
    lines = [line for line in told[0].body.splitlines() if line.startswith("- ")]
    assert len(lines) == 12
    assert [line[2:10] for line in lines] == [f"Sitio {number:02d}"[:8] for number in range(12)]
    assert set(mailed.states()) == {"sent"}
    assert len({item.message for item in mailed.log()}) == 1


def test_programs_get_every_document_in_order_and_not_all_at_once(office: Office, clock: ManualClock) -> None:
    office.add_contact("tecnica", "webhook", url="http://127.0.0.1:1/")
    provider = Provider(AWAY)
    dispatcher = office.dispatcher(provider)
    for number in range(100):
        office.tell(f"i-{number:03d}")
        office.tell(f"i-{number:03d}", "resolved", resolved_ms=clock.wall_ms())
    run_for(dispatcher, clock, 2 * HOUR, 10 * MINUTE)
    provider.answer, tried = TAKEN, len(provider.parcels)
    clock.advance(20 * MINUTE)
    run(dispatcher, steps=500)
    assert len(provider.parcels) - tried == 60, "the limit of a minute"
    for _ in range(5):
        clock.advance(MINUTE)
        run(dispatcher, steps=500)
    keys = [one.document["key"] for one in provider.parcels[tried:]]
    assert keys == [item.key for item in office.log()]
    assert len(keys) == 200
    assert set(office.states()) == {"sent"}


def test_an_outage_that_ends_before_it_was_told_is_one_line(mailed: Office, clock: ManualClock) -> None:
    provider = Provider(AWAY)
    dispatcher = mailed.dispatcher(provider)
    mailed.tell()
    run(dispatcher)
    clock.advance(26 * MINUTE)
    mailed.tell(transition="resolved", opened_ms=NOW_MS, resolved_ms=clock.wall_ms())
    provider.answer = TAKEN
    run_for(dispatcher, clock, 20 * MINUTE)
    assert provider.parcels[-1].short == (
        "Aldea: Escuela Xcopteil estuvo SIN CONEXION de 11:00 (22 nov) a 11:26 (26 min)."
    )
    assert mailed.states() == ["collapsed", "sent"]
    fired, resolved = mailed.log()
    assert resolved.short == provider.parcels[-1].short
    assert fired.decided_ms is not None


def test_a_flood_in_one_hour_is_limited_and_then_joined(mailed: Office, clock: ManualClock) -> None:
    provider = Provider()
    dispatcher = mailed.dispatcher(provider)
    for number in range(40):
        mailed.tell(f"i-{number}")
        run_for(dispatcher, clock, MINUTE)
    assert len(provider.parcels) == 12
    run_for(dispatcher, clock, HOUR)
    assert len(provider.parcels) <= 15
    assert set(mailed.states()) == {"sent"}
