"""Stories: what happens in the country, minute by minute, and what people are told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.storage.register.alert_state import read_alert_states
from aldea.storage.register.incidents import IncidentState, incident_children, incident_events
from aldea.storage.register.maintenance import Maintenance, add_maintenance
from aldea.storage.register.simulated import remove_simulated_sites
from aldea.storage.register.sites import SiteState, set_state
from alertkit import HOUR, MINUTE, SECOND, Country, names

if TYPE_CHECKING:
    from aldea.storage.register import Register


def stage(country: Country, site: str, rule: str = "site_silent") -> str:
    with country.register.reading() as unit:
        return str(read_alert_states(unit)[rule, site]["stage"])


def test_a_site_that_falls_silent_is_pending_then_fires_once_and_is_resolved_after_a_hold(country: Country) -> None:
    country.add("uno", "dos")
    country.run(300)
    cut_ms = country.clock.wall_ms()
    country.cut("uno")
    country.run(180)
    assert stage(country, "uno") == "pending"
    assert country.incidents() == []
    country.run(14 * 60)
    assert country.firing() == ["uno"]
    (incident,) = country.incidents()
    assert incident.opened_ms <= cut_ms
    assert incident.fired_ms is not None
    assert 900 <= (incident.fired_ms - incident.opened_ms) / SECOND <= 905
    assert incident.summary["sentence"]["es"].startswith("No llega nada desde el")
    assert country.told.words() == [("fired", "uno")]
    country.run(HOUR // SECOND, every=20)
    assert country.told.words() == [("fired", "uno")]
    back_ms = country.clock.wall_ms()
    country.mend("uno")
    country.run(120)
    assert country.firing() == ["uno"], "resolved before the hold was over"
    country.run(120)
    (incident,) = country.incidents()
    assert incident.state is IncidentState.RESOLVED
    assert incident.resolved_ms == back_ms, "it was so until it came back, not until the hold was over"
    assert country.told.words() == [("fired", "uno"), ("resolved", "uno")]
    with country.register.reading() as unit:
        assert [one.kind for one in incident_events(unit, incident.id)] == ["opened", "fired", "resolved"]


def test_silence_becomes_an_incident_within_two_seconds_of_the_hold(country: Country) -> None:
    country.add("uno")
    country.cut("uno")
    heard = country.clock.wall_ms()
    country.run(890)
    country.run(15, every=1)
    (incident,) = country.incidents()
    assert incident.fired_ms is not None
    assert incident.fired_ms - heard <= 900 * SECOND + 2 * SECOND


def test_a_site_that_sends_every_ten_minutes_is_given_three_of_its_own_intervals(country: Country) -> None:
    country.add("lento", send_seconds=600)
    country.cut("lento")
    country.run(29 * 60, every=20)
    assert country.incidents() == []
    country.run(2 * 60, every=20)
    assert country.firing() == ["lento"]


def test_a_last_will_makes_a_site_pending_at_once_and_no_more(country: Country) -> None:
    country.add("uno")
    country.run(60)
    country.clock.advance(SECOND)
    country.will("uno")
    country.judge()
    assert stage(country, "uno") == "pending"
    country.run(120)
    assert stage(country, "uno") == "inactive"
    assert country.incidents() == []


def test_a_site_never_heard_does_not_fire(country: Country) -> None:
    country.add("uno", state=SiteState.COMMISSIONED)
    country.link_up = False
    country.add("nuevo")
    country.link_up = True
    country.cut("nuevo")
    country.run(2 * HOUR // SECOND, every=30)
    assert country.incidents() == []


def test_a_backlog_neither_opens_nor_keeps_quiet(country: Country) -> None:
    country.add("uno")
    country.run(60)
    country.cut("uno")
    past = country.clock.wall_ms()

    def carried_in_by_hand(second: int) -> None:
        if second % 60 == 0:
            country.batch("uno", lane="bulk", event_to_ms=past - HOUR, loss=1.0)

    country.run(16 * 60, meanwhile=carried_in_by_hand)
    assert [one.rule for one in country.incidents()] == ["site_silent"], "its loss is of the past, its silence is not"


def test_sustained_loss_fires_and_is_resolved_by_its_own_limits(country: Country) -> None:
    country.add("uno")
    country.run(600)
    country.villages["uno"].loss = 0.5
    country.run(25 * 60, every=20)
    (incident,) = country.incidents()
    assert incident.rule == "sustained_loss"
    assert incident.summary["title"]["en"] == "Many packets are lost"
    country.villages["uno"].loss = 0.0
    country.run(50 * 60, every=20)
    assert country.firing() == []
    assert country.told.words() == [("fired", "uno"), ("resolved", "uno")]


def test_a_site_that_is_silent_does_not_end_its_loss(country: Country) -> None:
    country.add("uno")
    country.villages["uno"].loss = 0.6
    country.run(30 * 60, every=20)
    assert country.firing() == ["uno"]
    country.cut("uno")
    country.run(90 * 60, every=60)
    assert country.firing("sustained_loss") == ["uno"]
    assert country.firing("site_silent") == ["uno"]


def test_a_site_that_is_off_when_closed_becomes_an_incident_only_an_hour_after_opening(country: Country) -> None:
    week = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    # Midnight UTC is 18:00 in Mexico City: the site has just closed.
    country.add("escuela", facts={"opening_hours": week, "silence_means": "off_when_closed"})
    country.cut("escuela")
    country.run(15 * HOUR // SECOND + 55 * 60, every=300)
    assert country.incidents() == [], "closed, and 55 minutes after opening"
    country.run(10 * 60, every=10)
    (incident,) = country.incidents()
    assert incident.opened_ms == country.clock.wall_ms() // HOUR * HOUR - HOUR, "missed since the opening"
    assert "abrió" in incident.summary["sentence"]["es"]


def test_the_collector_away_is_one_platform_incident_and_no_page_of_a_site(country: Country) -> None:
    sites = names("aldea", 8)
    country.add(*sites)
    country.run(300)
    country.collector_up = False
    country.run(2 * HOUR // SECOND, every=20)
    assert country.told.words() == [("platform", None)]
    country.collector_up = True
    country.cut(sites[0])  # this one died meanwhile
    country.run(8 * 60)
    assert country.firing("site_silent") == [], "agents are still coming back"
    country.run(15 * 60)
    assert country.told.words() == [("platform", None), ("platform_resolved", None), ("fired", sites[0])]
    (incident,) = country.incidents("platform")
    assert incident.cause == "platform"


def test_many_unrelated_sites_at_once_are_our_own_fault_first(country: Country) -> None:
    sites = names("aldea", 10)
    for number, site in enumerate(sites):
        country.add(site, send_seconds=300, facts={"provider": f"p{number % 5}", "state_name": f"s{number}"})
    country.run(600)
    country.cut(*sites[:5])
    country.run(40 * 60)
    assert country.told.words() == [("platform", None)]
    country.mend(*sites[:5])
    country.run(20 * 60)
    assert country.told.words() == [("platform", None), ("platform_resolved", None)]
    assert country.incidents("site_silent") == []


def test_a_doubt_has_an_end_then_sites_are_recorded_as_parts_of_the_one_incident(country: Country) -> None:
    sites = names("aldea", 10)
    for number, site in enumerate(sites):
        country.add(site, facts={"state_name": f"s{number}"})
    country.run(300)
    country.cut(*sites[:5])
    country.run(2 * HOUR // SECOND, every=20)
    (platform,) = country.incidents("platform")
    assert [one.parent for one in country.incidents("site_silent")] == [platform.id] * 5
    assert country.told.words() == [("platform", None)]


def test_three_sites_of_one_provider_are_one_group_with_three_records(country: Country) -> None:
    country.add(*names("sat", 4), facts={"provider": "Satelital", "state_name": "Oaxaca"})
    country.add(*names("fibra", 8), facts={"provider": "Fibra", "state_name": "Yucatán"})
    country.run(300)
    country.cut("sat-00", "sat-01", "sat-02")
    country.run(20 * 60)
    (group,) = country.incidents("group")
    assert group.summary["by"] == "provider"
    assert group.summary["sites"] == ["sat-00", "sat-01", "sat-02"]
    assert [one.parent for one in country.incidents("site_silent")] == [group.id] * 3
    assert country.told.words() == [("group", None)]
    assert country.told.said[0].site_names == ("Sat-00", "Sat-01", "Sat-02")
    country.mend("sat-00", "sat-01")
    country.run(600)
    assert country.told.words() == [("group", None)]
    country.mend("sat-02")
    country.run(600)
    assert country.told.words() == [("group", None), ("group_resolved", None)]
    with country.register.reading() as unit:
        assert len(incident_children(unit, group.id)) == 3
    assert country.firing() == []


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


def test_a_site_that_is_suspended_is_judged_no_more_and_its_incident_ends(country: Country) -> None:
    country.add("uno")
    country.cut("uno")
    country.run(20 * 60)
    with country.register.transaction() as unit:
        set_state(unit, "uno", SiteState.SUSPENDED, country.clock.wall_ms())
    country.run(60)
    (incident,) = country.incidents()
    assert incident.state is IncidentState.RESOLVED
    assert country.told.words() == [("fired", "uno"), ("resolved", "uno")]
    with country.register.transaction() as unit:
        set_state(unit, "uno", SiteState.COMMISSIONED, country.clock.wall_ms())
    country.mend("uno")
    country.run(300)
    country.cut("uno")
    country.run(20 * 60)
    assert country.firing() == ["uno"]


@pytest.mark.parametrize("died", [True, False])
def test_after_its_own_downtime_the_engine_judges_by_the_arrivals_it_has_caught_up_with(
    country: Country, died: bool
) -> None:
    country.add("uno", "dos")
    country.run(300)
    country.engine_up = False
    if died:
        country.cut("uno")
    country.run(HOUR // SECOND, every=20)
    country.restart_engine()
    country.engine_up = True
    country.run(10)
    assert country.firing() == (["uno"] if died else [])


def test_after_a_night_in_which_the_whole_server_was_off_nobody_is_paged_for_it(country: Country) -> None:
    country.add("uno", "dos")
    country.run(300)
    country.engine_up = country.collector_up = False
    country.run(9 * HOUR // SECOND, every=600)
    country.collector_up = country.engine_up = True
    country.restart_engine()
    country.judge()
    country.run(30 * 60, every=20)
    assert [word for word in country.told.words() if word[0] == "fired"] == []


def test_the_first_engine_ever_starts_from_the_live_status_not_from_the_whole_feed(register: Register) -> None:
    country = Country(register)
    country.engine_up = False
    country.add("uno")
    country.cut("uno")
    country.run(MINUTE // SECOND)
    country.engine_up = True
    country.run(60)
    with register.reading() as unit:
        assert read_alert_states(unit)["site_silent", "uno"]["evidence"][0] is None
