"""Incidents, their timelines and pages; leases; what the engine keeps."""

from __future__ import annotations

import pytest

from aldea.storage.register import Register, RegisterError, UnknownEntryError
from aldea.storage.register.alert_state import (
    drop_alert_states,
    put_alert_states,
    put_engine_state,
    read_alert_states,
    read_engine_state,
)
from aldea.storage.register.facts import NewFact
from aldea.storage.register.incident_answers import acknowledge, comment, set_owner
from aldea.storage.register.incidents import (
    Incident,
    IncidentState,
    count_incidents,
    find_incident,
    incident_children,
    incident_events,
    incidents_between,
    list_incidents,
    new_incident_id,
    open_incidents,
    put_incident,
    resolved_since,
)
from aldea.storage.register.leases import acquire, find_lease, held, release, renew
from aldea.storage.register.sites import SiteState, add_sites
from aldea.storage.register.watched import watched_sites
from storage.register.places import DAY, entry


def incident(number: int, site: str | None = "one", **other: object) -> Incident:
    values: dict[str, object] = {"state": IncidentState.FIRING, "opened_ms": 1000 + number // 2, **other}
    return Incident(id=f"x-{number:03}", site=site, rule="site_silent", **values)  # type: ignore[arg-type]  # by name


def test_pages_are_stable_while_new_incidents_come(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one"), entry("two")])
        for number in range(25):
            put_incident(unit, incident(number, "one" if number % 3 else "two"))
        put_incident(unit, incident(90, None, simulated=True))
        put_incident(unit, incident(91, state=IncidentState.PENDING))
    with register.transaction() as unit:
        seen: list[str] = []
        after = None
        while page := list_incidents(unit, simulated=False, limit=4, after=after):
            seen += [one.id for one in page]
            after = page[-1].id
            put_incident(unit, incident(500 + len(seen)))
        assert seen == [
            f"x-{number:03}" for number in (24, *sorted(range(24), key=lambda n: (n // 2, n), reverse=True))
        ]
        assert count_incidents(unit, sites=["two"]) == 9
        assert [one.id for one in list_incidents(unit, simulated=True)] == ["x-090"]
        assert {one.site for one in list_incidents(unit, sites=["two"])} == {"two"}
        with pytest.raises(UnknownEntryError):
            list_incidents(unit, after="nobody")


def test_people_and_engine_write_the_same_incident_without_undoing_each_other(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one")])
        put_incident(unit, incident(1))
        first = acknowledge(unit, "x-001", "direccion", 2000, " voy ")
        assert (first.acknowledged_by, first.acknowledged_ms) == ("direccion", 2000)
        assert acknowledge(unit, "x-001", "luz", 2001).acknowledged_by == "direccion"
        comment(unit, "x-001", "direccion", 2002, "cambié el cable")
        set_owner(unit, "x-001", "direccion", 2003, "direccion")
        put_incident(unit, incident(1, state=IncidentState.RESOLVED, resolved_ms=3000, cause="power", revision=1))
        found = find_incident(unit, "x-001")
        assert found is not None
        assert (found.owner, found.acknowledged_by, found.cause, found.state) == (
            "direccion",
            "direccion",
            "power",
            "resolved",
        )
        events = incident_events(unit, "x-001")
        assert [one.kind for one in events] == ["acknowledged", "acknowledged", "comment", "owner"]
        assert events[0].detail == {"note": "voy"}
        assert open_incidents(unit) == ()
        assert [one.id for one in incidents_between(unit, ["one"], 2000, 2500)] == ["x-001"]
        assert incidents_between(unit, ["one"], 3000, 4000) == ()
        for text in ("  ", "x" * 3000):
            with pytest.raises(RegisterError):
                comment(unit, "x-001", "direccion", 1, text)
        with pytest.raises(UnknownEntryError, match="no incident 'gone'"):
            acknowledge(unit, "gone", "direccion", 1)


def test_ids_are_readable_and_never_given_twice(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one"), entry("one-20261122")])
        assert new_incident_id(unit, "one", "20261122") == "one-20261122-1"
        for key, site in (("one-20261122-1", "one"), ("one-20261122-20261122-7", "one-20261122")):
            put_incident(unit, Incident(key, site, "r", IncidentState.FIRING, 1, parent="group-1"))
        assert new_incident_id(unit, "one", "20261122") == "one-20261122-2"
        assert len(incident_children(unit, "group-1")) == 2


def test_a_lease_has_one_holder_and_an_old_one_finds_another_fence(register: Register) -> None:
    with register.transaction() as unit:
        assert acquire(unit, "alerts", "a", 1000, 500)
        assert acquire(unit, "alerts", "a", 1100, 500), "the holder renews it"
        assert not acquire(unit, "alerts", "b", 1599, 500)
        lease = find_lease(unit, "alerts")
        assert lease is not None
        assert (lease.holder, lease.fence, lease.expires_ms) == ("a", 1, 1600)
        assert held(unit, "alerts", "a", 1)
        assert acquire(unit, "alerts", "b", 1600, 500)
        assert not held(unit, "alerts", "a", 1)
        assert not renew(unit, "alerts", "a", 1601, 500)
        assert not release(unit, "alerts", "a")
        assert release(unit, "alerts", "b")
        assert acquire(unit, "alerts", "a", 1602, 500)
        assert held(unit, "alerts", "a", 3)
        assert not held(unit, "alerts", "a", 1), "the same name, but it was away meanwhile"


def test_the_engines_state_is_kept_by_rule_and_site(register: Register) -> None:
    with register.transaction() as unit:
        assert read_engine_state(unit, "alerts") is None
        put_engine_state(unit, "alerts", {"step_ms": 1})
        put_alert_states(unit, {("r", "one"): {"a": 1}, ("r", "two"): {"a": 2}})
        put_alert_states(unit, {("r", "one"): {"a": 3}})
        drop_alert_states(unit, ["two", ""])
        assert read_alert_states(unit) == {("r", "one"): {"a": 3}}
        assert read_engine_state(unit, "alerts") == {"step_ms": 1}


def test_watched_sites_have_what_holds_now(register: Register) -> None:
    with register.transaction() as unit:
        facts = (NewFact("provider", "Satelital"), NewFact("programme", "p1", "p1"), NewFact("programme", "p2", "p2"))
        add_sites(unit, [entry("one", *facts), entry("two", state=SiteState.CLOSED, simulated=True)])
        found = watched_sites(unit, 2 * DAY)
        assert found["one"].facts == {"provider": "Satelital", "programme": ("p1", "p2")}
        assert (found["one"].state, found["one"].primary_device) == (SiteState.COMMISSIONED, "box")
        assert (found["two"].state, found["two"].simulated) == (SiteState.CLOSED, True)
        assert watched_sites(unit, DAY - 1)["one"].facts == {}


def test_a_lease_that_a_clock_far_ahead_took_is_free(register: Register) -> None:
    with register.transaction() as unit:
        assert acquire(unit, "alerts", "ahead", 365 * 86_400_000, 15_000)
        assert acquire(unit, "alerts", "right", 1_000, 15_000), "it would have been held for a year"
        assert acquire(unit, "settler", "a", 40_000, 15_000)
        assert not acquire(unit, "settler", "b", 10_000, 15_000), "two servers' clocks may differ a little"


def test_incidents_that_are_over_are_gone_through_some_at_a_time(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one")])
        for number in range(7):
            state = IncidentState.FIRING if number == 3 else IncidentState.RESOLVED
            put_incident(unit, incident(number, state=state, resolved_ms=5000 - number * 100))
        put_incident(unit, incident(8, site=None, state=IncidentState.RESOLVED, resolved_ms=5000))
        found, after = [], ""
        while page := resolved_since(unit, 4500, after=after, limit=2):
            assert len(page) <= 2
            found += [one.id for one in page]
            after = page[-1].id
    assert found == ["x-000", "x-001", "x-002", "x-004", "x-005"]
