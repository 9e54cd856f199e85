"""What people are told of an incident: once, late, as flapping, or not at all."""

from __future__ import annotations

from aldea.storage.register.maintenance import Maintenance, add_maintenance
from aldea.storage.register.simulated import remove_simulated_sites
from alertkit import HOUR, SECOND, Country, names


def test_a_resolved_is_never_swallowed_when_its_fired_was_sent(country: Country) -> None:
    facts = {"provider": "Satelital"}
    country.add("rapido", send_seconds=60, facts=facts)
    country.add("lento-a", "lento-b", send_seconds=600, facts=facts)
    country.add(*names("otro", 12), facts={"provider": "Fibra"})
    country.run(1200, every=20)
    country.cut("rapido")
    country.run(16 * 60)
    country.cut("lento-a", "lento-b")
    assert country.told.words() == [("fired", "rapido")]
    with country.register.transaction() as unit:
        now = country.clock.wall_ms()
        window = Maintenance(
            site="rapido", from_ms=now, to_ms=now + 9 * HOUR, announced_ms=now, reason="antena", author=None
        )
        add_maintenance(unit, window)
    country.mend("rapido")
    country.run(600)
    assert ("resolved", "rapido") in country.told.words()


def test_maintenance_keeps_messages_back_never_the_record_and_tells_when_it_is_over(country: Country) -> None:
    country.add("uno", "dos")
    country.run(60)
    now = country.clock.wall_ms()
    with country.register.transaction() as unit:
        for site, hours in (("uno", 1), ("dos", 2)):
            window = Maintenance(site=site, from_ms=now, to_ms=now + hours * HOUR, announced_ms=now, reason="antena")
            add_maintenance(unit, window)
    country.cut("uno", "dos")
    country.run(50 * 60, every=20)
    assert country.firing() == ["uno", "dos"] or country.firing() == ["dos", "uno"]
    assert country.told.words() == []
    country.mend("dos")
    country.run(20 * 60, every=20)
    assert country.told.words() == [("fired", "uno")], "one is over and still down; the other came back within its own"
    assert country.firing() == ["uno"]


def test_a_site_that_comes_and_goes_is_told_once_as_flapping_and_once_as_steady(country: Country) -> None:
    country.add("uno")
    country.run(120)

    def half_a_minute_up_one_and_a_half_down(second: int) -> None:
        if second % 120 == 0:
            country.birth("uno")
        elif second % 120 == 30:
            country.will("uno")

    country.villages["uno"].up = False
    country.run(2 * HOUR // SECOND, every=30, meanwhile=half_a_minute_up_one_and_a_half_down)
    assert country.told.words() == [("flapping_started", "uno")]
    country.mend("uno")
    country.run(8 * HOUR // SECOND, every=60)
    assert country.told.words() == [("flapping_started", "uno"), ("flapping_ended", "uno")]
    assert country.firing() == []


def test_slow_flapping_is_recorded_each_time_but_told_no_more(country: Country) -> None:
    country.add("uno")
    for _ in range(8):
        country.mend("uno")
        country.run(20 * 60, every=20)
        country.cut("uno")
        country.run(20 * 60, every=20)
    words = country.told.words()
    assert words.count(("flapping_started", "uno")) == 1
    assert words.count(("fired", "uno")) == words.count(("resolved", "uno")) <= 3
    assert len(country.incidents("site_silent")) >= 6


def test_simulated_sites_have_incidents_of_their_own_and_nobody_is_told(country: Country) -> None:
    country.add("real-1", "real-2", "real-3", facts={"provider": "Satelital"})
    country.add(*names("demo", 6), simulated=True, facts={"provider": "Satelital"})
    country.run(300)
    country.cut("demo-00", "demo-01", "demo-02", "demo-03", "demo-04", "demo-05")
    country.run(3 * HOUR // SECOND, every=30)
    assert country.told.words() == []
    assert {one.simulated for one in country.incidents()} == {True}
    assert country.incidents("platform") != []
    with country.register.transaction() as unit:
        remove_simulated_sites(unit)
    country.villages = {key: one for key, one in country.villages.items() if not one.simulated}
    country.run(120)
    assert country.incidents() == []
    country.cut("real-1")
    country.run(20 * 60)
    assert country.told.words() == [("fired", "real-1")]
