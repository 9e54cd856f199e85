"""Where boxes send to: an administrator's alone, confirmed with the boxes named, and in the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aldea.agents.overlay.checking import agent_guide
from aldea.dashboard_api import settings_sending
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.settings import ApiSettings
from aldea.dashboard_api.settings_moves import refuse_unconfirmed
from aldea.model.clock import ManualClock
from aldea.model.leading import LEADS
from aldea.storage.register.audit import list_audit
from aldea.storage.register.commands import commands_of
from aldea.storage.register.endpoint import BrokerEndpoint, set_broker_endpoint
from aldea.storage.register.enrolment import issue_code
from aldea.storage.register.profiles import assign_profile, find_profile
from dashboard_api.accounts import SignIn, Visits, csrf_of, send, token_of
from dashboard_api.village import NOW_MS, Village

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Client

FIRST, SECOND = "poblado-01", "poblado-02"
SETTINGS = f"/admin/sites/{FIRST}/devices/agent/settings"
ELSEWHERE = {"s.broker.host": "elsewhere.example", "s.broker.tls": "false"}
EN, ES = {"Accept-Language": "en"}, {"Accept-Language": "es"}


@pytest.fixture
def village(empty: Village) -> Village:
    """Two real sites with an agent each, both with the profile `frugal`."""
    empty.add_sites(2, simulated=False, prefix="poblado")
    with empty.register.transaction() as unit:
        assign_profile(unit, [FIRST, SECOND], "frugal")
    return empty


@pytest.fixture
def sign_in(village: Village) -> Iterator[SignIn]:
    app = create_app(village.register, village.series, ManualClock(NOW_MS), ApiSettings(), agent_guide())
    visits = Visits()
    yield lambda role: visits.client(app, role, follow_redirects=True, headers=EN)
    visits.close()


def led(village: Village) -> list[dict[str, Any]]:
    with village.register.reading() as unit:
        return [dict(entry.detail) for entry in list_audit(unit) if entry.action == "boxes_led"]


def sent_to(village: Village, site: str) -> list[dict[str, Any]]:
    with village.register.reading() as unit:
        return [dict(one.payload["document"]) for one in commands_of(unit, site, kinds=["settings"])]


def frugal_with(pages: Client, **more: str) -> Any:
    page = pages.get("/admin/profiles/frugal")
    form = {
        "csrf": csrf_of(page),
        "name": "Frugal",
        "revision": "1",
        "s.sample_seconds": "300",
        "s.send_seconds": "900",
    }
    return pages.post("/admin/profiles/frugal", data={**form, **more})


@pytest.mark.parametrize(("key", "value"), [("host", "x.example"), ("port", "8884"), ("tls", "true")])
def test_an_operator_cannot_say_where_boxes_send_to(sign_in: SignIn, village: Village, key: str, value: str) -> None:
    operator = sign_in("operator")
    refused = frugal_with(operator, **{f"s.broker.{key}": value})
    assert refused.status_code == 403
    assert "is for administrators to change" in refused.text
    assert f'value="{value}"' in refused.text, "what was typed stays"
    refused = send(operator, SETTINGS, revision="0", profile="frugal", **{f"s.broker.{key}": value})
    assert refused.status_code == 403
    refused = operator.post(SETTINGS, data={"csrf": csrf_of(operator.get(SETTINGS)), **ELSEWHERE}, headers=ES)
    assert "lo cambia solo quien administra" in refused.text
    with village.register.reading() as unit:
        found = find_profile(unit, "frugal")
    assert found is not None
    assert "broker" not in found.document
    saved = send(
        operator, SETTINGS, revision="0", profile="frugal", **{"s.ping.count": "5", "s.broker.mqtt_version": "5"}
    )
    assert "Saved." in saved.text, "all else is the operator's"


def test_boxes_are_led_elsewhere_by_an_administrator_who_has_confirmed_it_with_their_names(
    sign_in: SignIn, village: Village
) -> None:
    admin, operator = sign_in("admin"), sign_in("operator")
    assert "Saved." in frugal_with(admin, **ELSEWHERE).text
    address = "/admin/profiles/frugal/send"
    preview = admin.get(address)
    assert "2 boxes would send to another place from then on" in preview.text
    for part in (FIRST, SECOND, "broker.host = &#34;elsewhere.example&#34;, broker.tls = false"):
        assert part in preview.text
    assert 'name="leads"' in preview.text
    assert 'name="leads"' not in operator.get(address).text
    assert "Solo quien administra" in operator.get(address, headers=ES).text
    assert "which is for administrators to decide" in send(operator, address, who="all").text
    unconfirmed = send(admin, address, who="all")
    assert f"{FIRST}/agent (broker.host = &#34;elsewhere.example&#34;" in unconfirmed.text
    assert "Confirm that it is meant" in unconfirmed.text
    assert sent_to(village, FIRST) == []
    assert led(village) == []
    assert "Sent to devices: 2" in send(admin, address, who="all", leads="1").text
    assert sent_to(village, SECOND)[0]["broker"] == {"host": "elsewhere.example", "tls": False}
    (entry,) = led(village)
    assert entry["devices"] == [f"{FIRST}/agent", f"{SECOND}/agent"]
    assert entry["leads_to"] == 'broker.host = "elsewhere.example", broker.tls = false'
    audit = admin.get("/admin/audit", headers=ES).text
    assert "llevó equipos a otro broker" in audit


def test_one_box_is_led_elsewhere_from_its_own_page_in_the_same_way(sign_in: SignIn, village: Village) -> None:
    admin, operator = sign_in("admin"), sign_in("operator")
    send(admin, SETTINGS, revision="0", profile="frugal", **ELSEWHERE)
    assert "1 box would send to another place" in admin.get(SETTINGS).text
    address = f"{SETTINGS}/send"
    assert "which is for administrators to decide" in send(operator, address, on=SETTINGS).text
    assert "Confirm that it is meant" in send(admin, address, on=SETTINGS).text
    assert sent_to(village, FIRST) == []
    assert "Sent." in send(admin, address, on=SETTINGS, leads="1").text
    assert len(led(village)) == 1
    assert (
        "Sent to devices: 1"
        in send(operator, "/admin/profiles/frugal/send", who="ticked", device=f"{SECOND}/agent").text
    )


def test_no_token_leads_a_box_elsewhere(sign_in: SignIn, village: Village) -> None:
    admin = sign_in("admin")
    token = token_of(village.register, "admin", ["view", "manage_sites"], NOW_MS)
    admin.cookies.clear()
    admin.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
    api = f"/api/v1/sites/{FIRST}/devices/agent/settings"
    refused = admin.put(api, json={"differences": {"broker": {"host": "elsewhere.example"}}})
    assert refused.status_code == 403
    assert all(key in refused.json()["detail"] for key in LEADS)
    whole = admin.put(api, json={"differences": {"broker": None}})
    assert whole.status_code == 403, "the table as a whole, too"
    assert admin.put(api, json={"differences": {"sample_seconds": 60}}).status_code == 200
    assert admin.post(f"{api}/send", json={"leads": True}).json() == {"sent": 1, "left": 0}
    assert led(village) == [], "nothing was led anywhere"


def test_a_box_that_enrols_and_is_led_elsewhere_by_its_profile_stands_in_the_audit_log(
    sign_in: SignIn, village: Village
) -> None:
    """Nobody is asked again then, so it must be written down that it was so."""
    with village.register.transaction() as unit:
        set_broker_endpoint(unit, BrokerEndpoint("broker.example", 8883, tls=True))
        codes = [issue_code(unit, site, "agent", NOW_MS, "operator").text for site in (FIRST, SECOND)]
    admin = sign_in("admin")
    assert admin.post("/api/v1/enrol", json={"code": codes[0]}).status_code == 200
    assert led(village) == [], "its profile leads nowhere yet"
    frugal_with(admin, **ELSEWHERE)
    assert admin.post("/api/v1/enrol", json={"code": codes[1]}).status_code == 200
    assert sent_to(village, SECOND)[0]["broker"] == {"host": "elsewhere.example", "tls": False}
    (entry,) = led(village)
    assert (entry["devices"], entry["by"]) == ([f"{SECOND}/agent"], "enrolment")


def seen_on(pages: Client, address: str) -> str:
    """Return what a page says that it shows."""
    return pages.get(address).text.split('name="seen" value="')[1].split('"')[0]


def test_what_another_administrator_changes_after_it_was_looked_at_is_not_sent(
    sign_in: SignIn, village: Village
) -> None:
    first, second = sign_in("admin"), sign_in("admin")
    assert "Saved." in frugal_with(first, **ELSEWHERE).text
    address = "/admin/profiles/frugal/send"
    seen, one = seen_on(first, address), seen_on(first, SETTINGS)
    page = second.get("/admin/profiles/frugal")
    changed = {**ELSEWHERE, "s.broker.host": "third.example", "s.sample_seconds": "300", "s.send_seconds": "900"}
    saved = second.post(
        "/admin/profiles/frugal", data={"csrf": csrf_of(page), "name": "Frugal", "revision": "2", **changed}
    )
    assert "Saved." in saved.text
    told = send(first, address, who="all", leads="1", seen=seen)
    assert "changed meanwhile: look at what would be sent" in told.text
    assert "third.example" in told.text, "which is shown at once"
    assert "changed meanwhile: look" in send(first, f"{SETTINGS}/send", on=SETTINGS, leads="1", seen=one).text
    assert sent_to(village, FIRST) + sent_to(village, SECOND) == []
    assert "Sent to devices: 2" in send(first, address, who="all", leads="1", seen=seen_on(first, address)).text


def test_a_change_in_the_very_moment_of_sending_is_not_sent_by_whoever_has_not_seen_it(
    sign_in: SignIn, village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at where boxes would send to and the sending itself, an administrator leads them elsewhere."""
    operator, admin = sign_in("operator"), sign_in("admin")

    def changed_then(*arguments: Any, **named: Any) -> Any:
        found = refuse_unconfirmed(*arguments, **named)
        assert "Saved." in frugal_with(admin, **ELSEWHERE).text
        return found

    monkeypatch.setattr(settings_sending, "refuse_unconfirmed", changed_then)
    assert "were changed meanwhile" in send(operator, "/admin/profiles/frugal/send", who="all").text
    assert sent_to(village, FIRST) + sent_to(village, SECOND) == []
    assert led(village) == []


def test_the_api_says_what_was_looked_at_and_takes_it_back(sign_in: SignIn, village: Village) -> None:
    admin = sign_in("admin")
    token = token_of(village.register, "admin", ["view", "manage_sites"], NOW_MS)
    admin.cookies.clear()
    admin.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
    seen = admin.get("/api/v1/profiles/frugal/devices").json()["seen"]
    api = f"/api/v1/sites/{FIRST}/devices/agent/settings"
    one = admin.put(api, json={"differences": {"sample_seconds": 60}}).json()["seen"]
    refused = admin.post("/api/v1/profiles/frugal/send", json={"seen": seen})
    assert (refused.status_code, "changed meanwhile" in refused.json()["detail"]) == (409, True)
    assert admin.post(f"{api}/send", json={"seen": "other"}).status_code == 409
    assert admin.post(f"{api}/send", json={"seen": one}).json() == {"sent": 1, "left": 0}
