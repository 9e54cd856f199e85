"""Stories of many sites at once: the platform's fault, a provider's, or a doubt."""

from __future__ import annotations

from aldea.storage.register.incidents import incident_children
from alertkit import HOUR, SECOND, Country, names


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
