"""Stories of one site: silent, lossy, off when closed, suspended."""

from __future__ import annotations

from aldea.storage.register.alert_state import read_alert_states
from aldea.storage.register.incidents import IncidentState, incident_events
from aldea.storage.register.sites import SiteState, set_state
from alertkit import HOUR, SECOND, Country


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
