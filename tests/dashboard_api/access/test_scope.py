"""Somebody with a part sees that part: no name, id, count or event of any other site, whichever way they ask."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from aldea.dashboard_api.access.permissions import ROLES
from aldea.dashboard_api.access.visitor import Held, SiteScope, Visitor
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.incident_view import may_answer
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.incidents import find_incident
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from dashboard_api.access.parts import CHIAPAS, GROUP, JUAREZ, YUCATAN
from dashboard_api.accounts import SignIn, csrf_of, send
from dashboard_api.village import DAY, NOW_MS, Village

if TYPE_CHECKING:
    from fastapi import FastAPI


def test_a_common_fault_names_only_the_sites_of_whoever_looks(mixed_app: FastAPI, signed_in: SignIn) -> None:
    hers = signed_in(mixed_app, "technician", region="Chiapas")
    shown = hers.get(f"/api/v1/incidents/{GROUP}")
    assert shown.json()["sites"] == shown.json()["summary"]["sites"] == [CHIAPAS]
    for path in (f"/api/v1/incidents/{GROUP}", f"/incidents/{GROUP}", "/incidents?kind=simulated", "/"):
        text = hers.get(path).text
        assert JUAREZ not in text, path
        assert "Juárez" not in text, path
        assert "Tonalá" in text or path.startswith("/api/"), path
    assert JUAREZ in signed_in(mixed_app, "technician").get(f"/incidents/{GROUP}").text


def test_the_witnesses_of_an_interval_are_not_named_to_whoever_may_not_see_them(
    mixed_app: FastAPI, signed_in: SignIn
) -> None:
    hers = signed_in(mixed_app, "viewer", region="Yucatán")
    for client, seen in ((hers, False), (signed_in(mixed_app, "viewer"), True)):
        for path in (f"/api/v1/sites/{YUCATAN}/intervals?start=-30d", f"/sites/{YUCATAN}"):
            assert (CHIAPAS in client.get(path).text) is seen, path


def test_incidents_sites_and_series_of_others_are_not_there(mixed_app: FastAPI, signed_in: SignIn) -> None:
    hers = signed_in(mixed_app, "technician", region="Chiapas")
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


def test_the_navigation_counts_the_incidents_that_one_may_see(mixed_app: FastAPI, signed_in: SignIn) -> None:
    for region, count in (("", "2"), ("Yucatán", "2"), ("Chiapas", "0")):
        page = signed_in(mixed_app, "viewer", region=region).get("/account").text
        assert f">{count}</b>" in page, region


def test_maintenance_of_other_programmes_and_states_is_not_shown(mixed_app: FastAPI, signed_in: SignIn) -> None:
    hers = signed_in(mixed_app, "technician", programme="sur")
    for path in ("/api/v1/maintenance?start=now&end=2027-01-01T00:00:00Z", "/maintenance"):
        text = hers.get(path).text
        assert "Obra en sur" in text, path
        assert "Obra en todas partes" in text, path
        assert "Obra en norte" not in text, path
        assert "Obra en Oaxaca" not in text, path
        assert "Programa norte" not in text, path
    ids = {one["reason"]: one["id"] for one in _windows(signed_in(mixed_app, "viewer"))}
    headers = {"X-CSRF-Token": csrf_of(hers.get("/account"))}
    for reason, status in (("Obra en norte", 404), ("Obra en todas partes", 403)):
        assert hers.post(f"/api/v1/maintenance/{ids[reason]}/end", headers=headers).status_code == status, reason


def _windows(client: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/v1/maintenance?start=now&end=2027-01-01T00:00:00Z").json()["items"]
    return found


def test_the_filter_of_the_list_offers_ones_own_programmes(mixed_app: FastAPI, signed_in: SignIn) -> None:
    assert "Programa norte" in signed_in(mixed_app, "viewer").get("/").text
    hers = signed_in(mixed_app, "partner", programme="sur").get("/").text
    assert "Programa sur" in hers
    assert "Programa norte" not in hers


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
