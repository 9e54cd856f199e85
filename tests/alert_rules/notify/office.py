"""A register with a site and people, and the parts that tell them, for every test of this folder."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.dispatcher import Dispatcher
from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.notify.occasion import Occasion, Transition
from aldea.alert_rules.notify.provider import ProviderSender
from aldea.alert_rules.notify.sending import Sender
from aldea.alert_rules.settings import AlertSettings, MailSettings
from aldea.model.clock import ManualClock
from aldea.storage.register import Register
from aldea.storage.register.contacts import ContactPoint, QuietHours, add_contact
from aldea.storage.register.facts import NewFact
from aldea.storage.register.notifications import Notification, NotificationFilter, list_notifications
from aldea.storage.register.people import Grant, add_person, give_role
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites

NOW_MS = 1_795_366_800_000
"""2026-11-22 17:00 UTC, 11:00 in Mérida."""
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
ZONE = "America/Merida"


class Office:
    """Everything that a test needs to let something be told."""

    def __init__(self, register: Register, clock: ManualClock, **settings: Any) -> None:
        self.register = register
        self.clock = clock
        self.settings = AlertSettings(**{"send_timeout_seconds": 30.0, **settings})
        self.announcer = Announcer(self.settings, Writer(self.settings.pages_url))
        self._open: list[Callable[[], None]] = []

    def close(self) -> None:
        for close in reversed(self._open):
            close()

    def dispatcher(self, sender: Sender | None = None, register: Register | None = None) -> Dispatcher:
        if sender is None:
            provider = ProviderSender(self.settings, self.clock)
            self._open.append(provider.close)
            sender = provider
        made = Dispatcher(register or self.register, self.clock, sender, self.settings, random.Random(7))
        self._open.append(made.close)
        return made

    def add_site(
        self, site: str = "escuela", name: str = "Escuela Xcopteil", *, simulated: bool = False, **facts: Any
    ) -> None:
        given = tuple(
            NewFact(fact, value, str(value) if fact in {"programme", "responsible"} else "")
            for fact, value in facts.items()
        )
        place = Site(site, name, ZONE, NOW_MS - DAY, simulated=simulated)
        with self.register.transaction() as unit:
            add_sites(unit, [SiteEntry(place, NOW_MS - DAY, SiteState.COMMISSIONED, given)])

    def add_person(self, person: str, role: str | None = "technician", programme: str = "", region: str = "") -> None:
        with self.register.transaction() as unit:
            add_person(unit, person, person.title(), NOW_MS - DAY)
            if role is not None:
                give_role(unit, Grant(person, role, programme, region, NOW_MS - DAY, None))

    def add_contact(
        self, person: str, kind: str, *, language: str = "es", quiet: QuietHours | None = None, **fields: str
    ) -> int:
        with self.register.transaction() as unit:
            return add_contact(unit, ContactPoint(person, kind, fields, language, NOW_MS - DAY, quiet))

    def tell(self, incident: str = "i-1", transition: str = "fired", **other: Any) -> int:
        """Announce something about the site `escuela`, as the engine does."""
        now = self.clock.wall_ms()
        values: dict[str, Any] = {
            "site": "escuela",
            "site_name": "Escuela Xcopteil",
            "place": "Yaxcabá, Yucatán",
            "zone": ZONE,
            "cause": "backhaul",
            "reason": {"es": "La puerta de enlace responde.", "en": "The gateway answers."},
            "opened_ms": now,
            "fired_ms": now,
            **other,
        }
        occasion = Occasion(incident=incident, transition=Transition(transition), **values)
        with self.register.transaction() as unit:
            return self.announcer.announce(unit, occasion, now)

    def log(self, **wanted: Any) -> list[Notification]:
        """Return the log, oldest first."""
        with self.register.reading() as unit:
            return list(reversed(list_notifications(unit, NotificationFilter(**wanted), limit=10_000)))

    def states(self) -> list[str]:
        return [item.state.value for item in self.log()]


def run(dispatcher: Dispatcher, steps: int = 50) -> None:
    """Let the dispatcher do all that is due at this moment."""
    for _ in range(steps):
        if not dispatcher.step():
            return


def run_for(dispatcher: Dispatcher, clock: ManualClock, milliseconds: int, every_ms: int = MINUTE) -> None:
    """Let time pass with the dispatcher at work."""
    for _ in range(0, milliseconds, every_ms):
        clock.advance(every_ms)
        run(dispatcher)


def mail_settings(port: int, **other: Any) -> MailSettings:
    return replace(MailSettings(host="127.0.0.1", port=port, security="none", sender="aldea@example.org"), **other)


def secret_file(folder: Path, text: str) -> Path:
    path = folder / "secret"
    path.write_text(text + "\n")
    return path
