"""A table of sites as people keep them: what becomes of it, and what a second one does."""

from __future__ import annotations

from datetime import date

from aldea.simulator.fleet import registrations
from aldea.storage.importing.plan import Wish, day_start
from aldea.storage.importing.states import state_code, zones_of
from aldea.storage.register import Register
from aldea.storage.register.facts import fact_at, fact_history, programmes_at
from aldea.storage.register.people import set_disabled
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites, count_sites, find_site, state_at
from storage.importing.loading import DAY, HEAD, NOW, load, plan_of, sentences


def test_accepted_fixes_are_taken_and_said(register: Register) -> None:
    plan = plan_of(register, "id;name;inegi_code\n;Isla Arena;40010018", Wish(accept_fixes=True))
    assert (plan.added[0].row.id, plan.added[0].row.facts["inegi_code"]) == ("isla-arena", "040010018")
    assert [fault.fix for fault in plan.accepted] == ["isla-arena", "040010018"]


def test_a_new_site_has_its_facts_a_primary_device_and_counts_from_its_date(register: Register) -> None:
    load(register, f"{HEAD};programme;commissioned\nx;X;Campeche;Calkiní;b; 2026-03-01\ny;Y;Campeche;;;2027-01-01")
    with register.reading() as unit:
        start = day_start(date(2026, 3, 1), "America/Merida")
        assert state_at(unit, "x", start) is SiteState.COMMISSIONED
        assert state_at(unit, "x", start - 1) is None
        assert programmes_at(unit, "x", NOW) == ("b",)
        assert state_at(unit, "y", NOW) is SiteState.PLANNED
        assert state_at(unit, "y", NOW + 60 * DAY) is SiteState.COMMISSIONED


def test_importing_again_changes_nothing_and_a_change_is_dated(register: Register) -> None:
    text = f"{HEAD};proveedor;programa;horario\nx;X;Campeche;Calkiní;A;p, q;lun 9:00-12:00\n"
    assert len(load(register, text).added) == 1
    again = load(register, text, now=NOW + DAY)
    assert (again.good, len(again.same)) == ((), 1)
    changed = text.replace(";A;p, q", ";B;q, r")
    plan = load(register, changed, Wish(from_day=date(2026, 12, 1)), NOW + DAY)
    assert {change.key for change in plan.changed[0].changes} == {"provider", "programme"}
    then = day_start(date(2026, 12, 1), "America/Merida")
    with register.reading() as unit:
        assert [fact_at(unit, "x", "provider", at) for at in (then - 1, then)] == ["A", "B"]
        assert [programmes_at(unit, "x", at) for at in (then - 1, then)] == [("p", "q"), ("q", "r")]
        assert len(fact_history(unit, "x", "municipality")) == 1
        assert count_sites(unit, simulated=False) == 1


def test_an_empty_cell_leaves_what_is_known(register: Register) -> None:
    load(register, f"{HEAD};proveedor\nx;X;Campeche;Calkiní;A")
    load(register, "id;name;proveedor\nx;Nuevo nombre;")
    with register.reading() as unit:
        found = find_site(unit, "x")
        assert found is not None
        assert (found.name, found.timezone) == ("Nuevo nombre", "America/Merida")
        assert fact_at(unit, "x", "provider", NOW) == "A"


def test_simulated_sites_and_those_of_others_are_not_touched(register: Register) -> None:
    with register.transaction() as unit:
        site = Site("sim", "S", "America/Merida", NOW, simulated=True)
        add_sites(unit, [SiteEntry(site, NOW)])
    load(register, f"{HEAD}\nmine;M;Campeche;C")
    wish = Wish(may_add=False, may_change=lambda _site: False)
    plan = plan_of(register, f"{HEAD}\nsim;S;Campeche;C\nmine;N;Campeche;C\nnew;N;Campeche;C", wish)
    assert [text.split(":")[0] for text in sentences(plan)] == [
        "id is “sim”, which is a simulated site",
        "id is “mine”, a site that you may not change",
        "id is new, and new sites can only be added by somebody whose right holds everywhere",
    ]


def test_a_programme_and_a_person_that_there_are_not_are_named_with_the_fix(register: Register) -> None:
    text = (
        f"{HEAD};programa;responsable\nx;X;Campeche;C;aldeas-inteligente, p;tekaks\ny;Y;Campeche;C;zzz;kancab, nobody"
    )
    assert sentences(plan_of(register, text)) == [
        (
            "programa names the programme “aldeas-inteligente”, which there is not: did you mean "
            "aldeas-inteligentes? Else add it first"
        ),
        "responsable names the person “tekaks”, who has no account: did you mean tekax? Else add the person first",
        "programa names the programme “zzz”, which there is not: correct it, or add the programme first",
        "responsable names the person “kancab”, who has no account: correct it, or add the person first",
        "responsable names the person “nobody”, who has no account: correct it, or add the person first",
    ]
    good = plan_of(register, f"{HEAD};programa;responsable\nx;X;Campeche;C;p;tekax")
    assert good.refused == ()


def test_what_a_site_has_named_already_it_may_go_on_naming(register: Register) -> None:
    text = f"{HEAD};responsable;proveedor\nx;X;Campeche;C;tekax;A"
    load(register, text)
    with register.transaction() as unit:
        set_disabled(unit, "tekax", disabled=True, at_ms=NOW)
    assert plan_of(register, text.replace(";A", ";B")).refused == ()
    assert len(plan_of(register, text.replace("\nx;X", "\ny;Y")).refused) == 1


def test_zones_agree_with_those_of_the_simulated_villages() -> None:
    for site in registrations():
        code = state_code(site.state_name)
        assert code is not None
        assert zones_of(code, site.inegi_code, None).certain == site.timezone, site.id
        assert zones_of(code, None, site.municipality).certain == site.timezone, site.id
