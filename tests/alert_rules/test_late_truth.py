"""Truth that is settled late: what it adds to an incident, and that it pages nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, update

from aldea.alert_rules.engine import annotating
from aldea.alert_rules.settled import find
from aldea.model.truth import Interval, TruthState
from aldea.storage.register.incident_answers import acknowledge
from aldea.storage.register.incidents import Incident, IncidentState, find_incident, incident_events, put_incident
from aldea.storage.register.tables import truth_interval
from alertkit import MINUTE, Country, names


def settle(country: Country, site: str, from_ms: int, to_ms: int, state: str, cause: str | None) -> None:
    with country.register.transaction() as unit:
        columns = {
            "site": site,
            "start_ms": from_ms,
            "end_ms": to_ms,
            "state": state,
            "cause": cause,
            "evidence": {"sent": 30, "received": 0},
        }
        others = {"revision": 1, "computed_ms": to_ms}
        known = {**columns, **{name: value for name, value in others.items() if name in truth_interval.c}}
        unit.connection.execute(insert(truth_interval).values(**known))


@pytest.mark.parametrize(
    ("state", "cause", "shown", "words"),
    [
        ("down", "backhaul", "backhaul", "enlace del sitio"),
        ("up", None, "platform", "lo que falló fue nuestra plataforma"),
        ("unknown", None, "unknown", "corte de luz o agente desconectado"),
    ],
)
def test_late_settled_truth_gives_cause_and_words_and_pages_nobody(
    country: Country, state: str, cause: str | None, shown: str, words: str
) -> None:
    country.outage("uno")
    (incident,) = country.incidents()
    assert incident.cause is None
    assert incident.resolved_ms is not None
    said = list(country.told.words())
    with country.register.transaction() as unit:
        acknowledge(unit, incident.id, "tec", country.clock.wall_ms())
    settle(country, "uno", incident.opened_ms - MINUTE, incident.resolved_ms + MINUTE, state, cause)
    country.run(60)
    (revised,) = country.incidents()
    assert (revised.cause, revised.revision) == (shown, 1)
    assert words in revised.summary["settled"]["sentence"]["es"]
    assert revised.acknowledged_by == "tec", "a person's act was undone by the engine"
    country.run(60)
    assert country.incidents()[0].revision == 1
    assert country.told.words() == said
    with country.register.reading() as unit:
        kinds = [one.kind for one in incident_events(unit, incident.id)]
    assert kinds.count("cause") == 1


def test_evidence_that_comes_later_reaches_the_incident_without_another_revision(country: Country) -> None:
    country.outage("uno")
    (incident,) = country.incidents()
    assert incident.resolved_ms is not None
    window = (incident.opened_ms - MINUTE, incident.resolved_ms + MINUTE)
    settle(country, "uno", *window, "unknown", None)
    country.run(60)
    evidence = {"reason": "power_cut_or_agent_unplugged", "stop": "power_lost", "kept_running": ["router"]}
    with country.register.transaction() as unit:
        unit.connection.execute(update(truth_interval).values(evidence=evidence))
    country.run(60)
    (told,) = country.incidents()
    assert (told.summary["evidence"], told.revision) == (evidence, 1)


def test_late_truth_reaches_every_incident_in_turn(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotating, "AT_ONCE", 2)
    sites = names("sitio", 5)
    country.add(*sites)
    country.run(60)
    now = country.clock.wall_ms()
    with country.register.transaction() as unit:
        for site in sites:
            opened, over = now - 40 * MINUTE, now - 10 * MINUTE
            put_incident(
                unit, Incident(f"x-{site}", site, "site_silent", IncidentState.RESOLVED, opened, resolved_ms=over)
            )
    for site in sites:
        settle(country, site, now - 41 * MINUTE, now - 9 * MINUTE, "down", "backhaul")
    country.run(60)
    assert [one.cause for one in country.incidents()] == ["backhaul"] * 5


def test_truth_that_is_not_settled_yet_says_nothing() -> None:
    half = Interval("uno", 0, 50, TruthState.DOWN, "backhaul")
    assert find([half], 0, 100) is None
    assert find([half, Interval("uno", 50, 100, TruthState.UP)], 0, 100) is not None


def test_an_incident_that_left_with_its_site_is_left_alone(country: Country) -> None:
    country.add("uno", simulated=True)
    country.cut("uno")
    country.run(20 * 60)
    (incident,) = country.incidents()
    with country.register.transaction() as unit:
        put_incident(unit, replace(incident, summary={}))
        assert find_incident(unit, incident.id) is not None
