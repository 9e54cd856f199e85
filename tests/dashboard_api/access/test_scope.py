"""Somebody with a part sees that part: no name, id, count or event of any other site, whichever way they ask."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from aldea.dashboard_api.access.permissions import ROLES
from aldea.dashboard_api.access.visitor import Held, SiteScope, Visitor
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.incident_view import may_answer
from aldea.dashboard_api.live import Broadcaster
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.facts import fact_history
from aldea.storage.register.incidents import Incident, IncidentState, add_incident_event, find_incident, put_incident
from aldea.storage.register.maintenance import Maintenance, add_maintenance
from aldea.storage.register.people import set_disabled
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from dashboard_api.accounts import SignIn, csrf_of, send
from dashboard_api.judged import incident, judge
from dashboard_api.village import DAY, HOUR, NOW_MS, Village, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

# escuela-01 and aldea-01 are in Yucatán; aldea-04 is in Chihuahua, aldea-09 too; aldea-02 and aldea-03 in Chiapas.
CHIAPAS, JUAREZ, YUCATAN = "aldea-02", "aldea-04", "escuela-01"
GROUP = "g-mixed"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """Sites of three states in one common fault, and an incident of the platform; to be read only."""
    village = Village(tmp_path_factory.mktemp("mixed"))
    fill(village, simulated=10)
    judge(village)
    with village.register.transaction() as unit:
        evidence = {"neighbours": [CHIAPAS, JUAREZ]}
        summary = {"sentence": {"es": "Falla común", "en": "Common fault"}, "evidence": evidence}
        group = incident(
            7, id=GROUP, site=None, rule="group", simulated=True, summary={**summary, "sites": [CHIAPAS, JUAREZ]}
        )
        put_incident(unit, group)
        add_incident_event(unit, GROUP, NOW_MS - HOUR, "fired")
        platform = incident(
            8, id="p-1", site=None, rule="platform", cause="platform", summary={**summary, "sites": [YUCATAN]}
        )
        put_incident(unit, platform)
        for name in ("norte", "sur"):
            add_programme(unit, Programme(name, f"Programa {name}", date(2024, 1, 1), None, {}))
        assign_site(unit, "sur", YUCATAN, NOW_MS - 9 * DAY)
        for place in ({"programme": "norte"}, {"region": "Oaxaca"}, {"programme": "sur"}, {}):
            window = Maintenance(
                **place,  # type: ignore[arg-type]  # one of three names
                from_ms=NOW_MS + DAY,
                to_ms=NOW_MS + 2 * DAY,
                announced_ms=NOW_MS,
                reason=f"Obra en {next(iter(place.values()), 'todas partes')}",
            )
            add_maintenance(unit, window)
    yield village
    village.close()


@pytest.fixture
def app(mixed: Village) -> FastAPI:
    return create_app(mixed.register, mixed.series, ManualClock(NOW_MS), ApiSettings())


def test_a_common_fault_names_only_the_sites_of_whoever_looks(app: FastAPI, signed_in: SignIn) -> None:
    hers = signed_in(app, "technician", region="Chiapas")
    shown = hers.get(f"/api/v1/incidents/{GROUP}")
    assert shown.json()["sites"] == shown.json()["summary"]["sites"] == [CHIAPAS]
    for path in (f"/api/v1/incidents/{GROUP}", f"/incidents/{GROUP}", "/incidents?kind=simulated", "/"):
        text = hers.get(path).text
        assert JUAREZ not in text, path
        assert "Juárez" not in text, path
        assert "Tonalá" in text or path.startswith("/api/"), path
    assert JUAREZ in signed_in(app, "technician").get(f"/incidents/{GROUP}").text


def test_the_witnesses_of_an_interval_are_not_named_to_whoever_may_not_see_them(
    app: FastAPI, signed_in: SignIn
) -> None:
    hers = signed_in(app, "viewer", region="Yucatán")
    for client, seen in ((hers, False), (signed_in(app, "viewer"), True)):
        for path in (f"/api/v1/sites/{YUCATAN}/intervals?start=-30d", f"/sites/{YUCATAN}"):
            assert (CHIAPAS in client.get(path).text) is seen, path


def test_incidents_sites_and_series_of_others_are_not_there(app: FastAPI, signed_in: SignIn) -> None:
    hers = signed_in(app, "technician", region="Chiapas")
    mine = f"{YUCATAN}-20261122-1"
    for path in (
        f"/incidents/{mine}",
        f"/api/v1/incidents/{mine}",
        f"/api/v1/sites/{YUCATAN}/series?measurement=ping&field=loss_ratio",
    ):
        assert hers.get(path).status_code == 404, path
    assert hers.get(f"/api/v1/completeness?site={YUCATAN}").status_code == 404
    headers = {"X-CSRF-Token": csrf_of(hers.get("/account"))}
    for deed, body in (("acknowledge", {"note": "x"}), ("comment", {"text": "x"})):
        assert hers.post(f"/api/v1/incidents/{mine}/{deed}", json=body, headers=headers).status_code == 404
        assert send(hers, f"/incidents/{mine}/{deed}", on="/account", text="x", note="x").status_code == 404
    assert YUCATAN not in hers.get("/api/v1/incidents").text


def test_the_platforms_incident_is_answered_by_whoever_has_all_sites(mixed: Village) -> None:
    everywhere = Visitor("a", held=(Held(ROLES["technician"]),))
    yucatan = Visitor("b", held=(Held(ROLES["technician"], region="Yucatán"),))
    with mixed.register.reading() as unit:
        platform = find_incident(unit, "p-1")
        assert platform is not None
        assert may_answer(unit, everywhere, platform, NOW_MS)
        assert not may_answer(unit, yucatan, platform, NOW_MS)


def test_the_navigation_counts_the_incidents_that_one_may_see(app: FastAPI, signed_in: SignIn) -> None:
    for region, count in (("", "2"), ("Yucatán", "2"), ("Chiapas", "0")):
        page = signed_in(app, "viewer", region=region).get("/account").text
        assert f">{count}</b>" in page, region


def test_the_stream_tells_each_client_of_the_incidents_that_it_may_see(empty: Village, clock: ManualClock) -> None:
    sites = empty.add_sites(2, simulated=False)

    def opened(site: str | None, number: int) -> None:
        with empty.register.transaction() as unit:
            one = Incident(
                id=f"i-{number}",
                site=site,
                rule="site-silent",
                state=IncidentState.FIRING,
                cause="platform" if site is None else "backhaul",
                opened_ms=NOW_MS,
                fired_ms=NOW_MS,
                summary={},
            )
            put_incident(unit, one)
            add_incident_event(unit, one.id, NOW_MS, "fired")

    async def told() -> tuple[list[Any], ...]:
        live = Broadcaster(empty.register, clock, ApiSettings())
        await live.prime()
        clients = [live.subscribe(None, visible) for visible in (None, frozenset(sites[:1]), frozenset[str]())]
        clients.append(live.subscribe(sites[0], frozenset(sites[:1])))
        for number, site in enumerate([sites[0], sites[1], None]):
            opened(site, number)
            live._hand_out(await asyncio.to_thread(live._poll))
        heard: list[list[Any]] = []
        for client in clients:
            events = [client.queue.get_nowait() for _ in range(client.queue.qsize())]
            data = [json.loads(event.data) for event in events if event is not None]
            heard.append([(one["incident"], one["open"]) for one in data])
        return tuple(heard)

    everyone, one_site, nobody, following = asyncio.run(told())
    assert everyone == [("i-0", 1), ("i-1", 2), ("i-2", 3)]
    assert one_site == [("i-0", 1), ("i-2", 2)], "its own and the platform's, and as many are counted"
    assert nobody == [("i-2", 1)]
    assert following == [("i-0", 1)]


def test_maintenance_of_other_programmes_and_states_is_not_shown(app: FastAPI, signed_in: SignIn) -> None:
    hers = signed_in(app, "technician", programme="sur")
    for path in ("/api/v1/maintenance?start=now&end=2027-01-01T00:00:00Z", "/maintenance"):
        text = hers.get(path).text
        assert "Obra en sur" in text, path
        assert "Obra en todas partes" in text, path
        assert "Obra en norte" not in text, path
        assert "Obra en Oaxaca" not in text, path
        assert "Programa norte" not in text, path
    ids = {one["reason"]: one["id"] for one in _windows(signed_in(app, "viewer"))}
    headers = {"X-CSRF-Token": csrf_of(hers.get("/account"))}
    for reason, status in (("Obra en norte", 404), ("Obra en todas partes", 403)):
        assert hers.post(f"/api/v1/maintenance/{ids[reason]}/end", headers=headers).status_code == status, reason


def _windows(client: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/v1/maintenance?start=now&end=2027-01-01T00:00:00Z").json()["items"]
    return found


def test_the_filter_of_the_list_offers_ones_own_programmes(app: FastAPI, signed_in: SignIn) -> None:
    assert "Programa norte" in signed_in(app, "viewer").get("/").text
    hers = signed_in(app, "partner", programme="sur").get("/").text
    assert "Programa sur" in hers
    assert "Programa norte" not in hers


def test_nobody_takes_a_site_into_their_own_programme_to_see_it(
    empty: Village, clock: ManualClock, signed_in: SignIn
) -> None:
    first, second = empty.add_sites(2, simulated=False)
    with empty.register.transaction() as unit:
        add_programme(unit, Programme("sur", "Sur", date(2024, 1, 1), None, {}))
        assign_site(unit, "sur", first, NOW_MS - 9 * DAY)
    app = create_app(empty.register, empty.series, clock, ApiSettings())
    hers = signed_in(app, "programme_manager", programme="sur")
    wish = {"on": "/admin/programmes/sur", "site": second, "from": "2026-01-01"}
    answer = send(hers, "/admin/programmes/sur/sites", **wish)
    assert answer.status_code == 400
    assert "ask an administrator" in answer.text
    assert hers.get(f"/sites/{second}").status_code == 404
    with empty.register.reading() as unit:
        assert "sur" not in {fact.value for fact in fact_history(unit, second, "programme")}
    everywhere = signed_in(app, "programme_manager")
    send(everywhere, "/admin/programmes/sur/sites", **wish)
    assert hers.get(f"/sites/{second}").status_code == 200


def test_a_manager_of_one_state_does_not_change_a_programme_for_all_states(
    empty: Village, clock: ManualClock, signed_in: SignIn
) -> None:
    sites = empty.add_sites(3, simulated=False)
    with empty.register.transaction() as unit:
        add_programme(unit, Programme("sur", "Sur", date(2024, 1, 1), None, {}))
        for site in sites:
            assign_site(unit, "sur", site, NOW_MS - 9 * DAY)
    app = create_app(empty.register, empty.series, clock, ApiSettings())
    hers = signed_in(app, "programme_manager", region="Chiapas")
    page = hers.get("/admin/programmes/sur")
    assert sites[1] in page.text
    assert sites[0] not in page.text
    fields = {"name": "Otro", "starts_on": "2024-01-01", "due_days": "10"}
    assert send(hers, "/admin/programmes/sur", on="/admin/programmes/sur", **fields).status_code == 403


def test_whoever_is_kept_out_is_out_at_once_with_session_and_token(
    empty: Village, clock: ManualClock, signed_in: SignIn
) -> None:
    app = create_app(empty.register, empty.series, clock, ApiSettings())
    client = signed_in(app, "viewer")
    assert client.get("/api/v1/sites").status_code == 200
    with empty.register.transaction() as unit:
        set_disabled(unit, "viewer", disabled=True, at_ms=NOW_MS)
    assert client.get("/api/v1/sites").status_code == 401


def test_a_grant_covers_a_site_that_is_in_its_programme_and_its_region() -> None:
    held = Held(ROLES["viewer"], "sur", "Yucatán")
    assert held.covers(SiteScope(frozenset({"sur", "norte"}), "Yucatán"))
    assert not held.covers(SiteScope(frozenset({"norte"}), "Yucatán"))
    assert not held.covers(SiteScope(frozenset({"sur"}), "Chiapas"))
    assert not held.covers(SiteScope(frozenset({"sur"}), ""))


def test_the_first_page_of_the_sites_one_manages_is_full_however_many_others_there_are(
    empty: Village, clock: ManualClock, signed_in: SignIn
) -> None:
    empty.add_sites(120, simulated=False, prefix="ajena")
    (mine, _) = empty.add_sites(2, simulated=False, prefix="propia")
    with empty.register.transaction() as unit:
        add_programme(unit, Programme("sur", "Programa sur", date(2024, 1, 1), None, {}))
        assign_site(unit, "sur", mine, NOW_MS - DAY)
    app = create_app(empty.register, empty.series, clock, ApiSettings())
    hers = signed_in(app, "operator", programme="sur").get("/admin/sites").text
    assert mine in hers
    assert "propia-02" not in hers
    assert "ajena" not in hers
    assert "after=" not in hers, "there is no page behind this one"
