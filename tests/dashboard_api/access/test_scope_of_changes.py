"""Somebody with a part changes that part, and is told of nothing else, from the moment they may."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.live import Broadcaster
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.facts import fact_history
from aldea.storage.register.incidents import Incident, IncidentState, add_incident_event, put_incident
from aldea.storage.register.people import set_disabled
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from dashboard_api.accounts import SignIn, send
from dashboard_api.village import DAY, NOW_MS, Village


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
    assert "pedirlo a quien administra" in answer.text
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
