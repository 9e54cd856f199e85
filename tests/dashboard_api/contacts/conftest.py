"""Two people with contact points, who manages them, and a notifier at work."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from httpx import Client

from aldea.alert_rules.notify.dispatcher import Dispatcher
from aldea.alert_rules.notify.provider import ProviderSender
from aldea.alert_rules.settings import AlertSettings
from aldea.dashboard_api import contact_view
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.people import Grant, add_person, give_role
from alert_rules.notify.servers import Web
from dashboard_api.accounts import SignIn
from dashboard_api.village import NOW_MS, Village


@pytest.fixture
def team(empty: Village) -> Village:
    with empty.register.transaction() as unit:
        for person, region in (("tecnica", "Yucatán"), ("operacion", "")):
            add_person(unit, person, person.title(), NOW_MS)
            give_role(unit, Grant(person, "technician", "", region, NOW_MS, None))
    return empty


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


@pytest.fixture
def notifier(team: Village, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dispatcher]:
    """A notifier at work, as `aldea up` runs it, for which pages wait as long as it takes."""
    monkeypatch.setattr(contact_view, "TEST_WAIT_SECONDS", 60.0)
    settings = AlertSettings(send_timeout_seconds=30)
    sender = ProviderSender(settings, clock)
    dispatcher = Dispatcher(team.register, clock, sender, settings)
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            dispatcher.step()

    dispatcher.step()
    thread = threading.Thread(target=work)
    thread.start()
    yield dispatcher
    over.set()
    thread.join()
    dispatcher.close()
    sender.close()


@pytest.fixture
def manager(team: Village, clock: ManualClock, signed_in: SignIn) -> Client:
    app = create_app(team.register, team.series, clock, ApiSettings())
    return signed_in(app, "operator", headers={"accept": "text/html", "accept-language": "en"})
