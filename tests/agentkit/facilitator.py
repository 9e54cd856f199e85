"""A box whose facilitator has given the PIN, and her forms as its pages show them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agentkit.box import Answer, Browser, Form, make_view
from agentkit.making import make_outbox
from aldea.agents.outbox import Outbox
from aldea.agents.page.app import build_site
from aldea.agents.page.pins import PinStore
from aldea.agents.page.view import BoxView
from aldea.agents.page_settings import PageSettings
from aldea.agents.records import Desk, open_desk
from aldea.model.clock import ManualClock
from rigs.processes import free_port

NOW_MS = round(datetime(2025, 11, 14, 18, 30, tzinfo=UTC).timestamp() * 1000)
TODAY = "2025-11-14"
PIN = "4711"
ATTENDANCE = "/records/new/attendance"


@dataclass(frozen=True, slots=True)
class Site:
    """A box whose facilitator has given the PIN."""

    browser: Browser
    desk: Desk
    outbox: Outbox

    def add(self, name: str, sex: str = "F", band: str = "25-44", **more: str) -> str:
        """Put somebody on the roster by its page; return the code."""
        sent = self.browser.post("/records/roster", {"name": name, "sex": sex, "age_band": band, **more})
        assert sent.status == 303, sent.text
        return next(person.code for person in self.desk.roster.people() if person.name == name)

    def hidden(self, path: str) -> dict[str, str]:
        """Return what a page's forms carry unseen."""
        return dict(
            re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.browser.get(path).body.decode())
        )

    def fill(self, path: str, form: Form) -> Answer:
        """Send a form as its page shows it, with its token."""
        return self.browser.post_bare(path.partition("?")[0], {**self.hidden(path), **form})


def offered(page: Answer) -> list[str]:
    """Return the codes that can be ticked on a page."""
    return re.findall(r'name="tick" value="([^"|]+)', page.text)


def ticked(page: Answer) -> list[str]:
    return re.findall(r'name="tick" value="([^"|]+)[^"]*" checked', page.text)


def press(site: Site, page: Answer, action: str, **more: str | list[str]) -> Answer:
    """Press a button of a form as a browser does: with all that stands in it, and the ticks that were there."""
    typed = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', page.body.decode()))
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.body.decode()))
    ticks = re.findall(r'name="tick" value="([^"]+)" checked', page.body.decode())
    sent = {**typed, **hidden, "event_date": TODAY, "tick": ticks, "action": action, **more}
    sent.pop("now", None)
    answer = site.browser.post_bare(ATTENDANCE, {**sent, **{key: value for key, value in more.items() if key == "now"}})
    return follow(site, answer)


def follow(site: Site, answer: Answer) -> Answer:
    if answer.status != 303:
        return answer
    return site.browser.get(answer.headers["location"].partition("#")[0])


@contextmanager
def facilitator(folder: Path) -> Iterator[Site]:
    """Yield a box at a Friday's noon in Yucatán, whose pages speak Spanish."""
    clock = ManualClock(NOW_MS)
    outbox = make_outbox(folder)
    desk = open_desk(folder, outbox, clock, lambda: None)
    page = PageSettings(enabled=True, timezone="America/Merida", language="es")
    browser = Browser(build_site(make_view(folder, clock, page, records=desk, known_ms=clock.wall_ms)))
    PinStore(folder, None).set(PIN)
    assert browser.post("/pin", {"pin": PIN, "then": "/records"}).status == 303
    yield Site(browser, desk, outbox)
    desk.close()
    outbox.close()


def view_of(folder: Path, site: Site) -> BoxView:
    """Return the box for a browser of its own, who has not given the PIN yet."""
    clock = ManualClock(NOW_MS)
    page = PageSettings(enabled=True, host="127.0.0.1", port=free_port(), timezone="America/Merida", language="es")
    return make_view(folder, clock, page, records=site.desk, known_ms=clock.wall_ms)
