"""The pages on small telephones, also with large letters: nothing is wider than the screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentkit.box import Idle, make_view, served
from agentkit.facilitator import PIN, TODAY, facilitator, view_of
from aldea.agents.checkup.evidence import Evidence, Interface, Network
from aldea.agents.checkup.folder import FolderError
from aldea.agents.page.latest import LatestReadings
from aldea.agents.page.pins import PinStore
from aldea.agents.page.view import BoxView
from aldea.agents.page_settings import PageSettings
from aldea.agents.records import NewEntry, Person
from aldea.agents.records.roster import Draft
from aldea.model.clock import ManualClock
from aldea.model.sample import Reading
from rigs.chromium import running_chromium
from rigs.processes import free_port

pytestmark = pytest.mark.browser
UNPLUGGED = Evidence(
    power=[], ping=[], dns=[], http=[], devices=[], network=Network((Interface("eth0", False, False),), None, None)
)


def view_on(folder: Path, port: int, *, fails: bool) -> BoxView:
    """Return a box that was unplugged; `fails`: its disk, too."""
    clock = ManualClock()
    latest = LatestReadings()
    page = PageSettings(
        enabled=True, host="127.0.0.1", port=port, site_name="San Juan Cancuc Tzeltal", contact="Centro comunitario"
    )
    names = ("http://connectivitycheck.example.org/generate_204", "192.168.188.1")
    latest.observe([Reading("http", {"failure": "no_reply"}, {"target": name}) for name in names], clock.mono_ms())
    view = make_view(folder, clock, page, Idle(UNPLUGGED), latest=latest)
    view.checks.start()
    view.repairing.report("cable nuevo")
    if not fails:
        return view
    error = FolderError("/var/lib/aldea-agent/data", 30, "Read-only file system")
    return replace(view, without_outbox=True, trouble=lambda: "outbox.sqlite", folder_error=lambda: error)


@pytest.fixture(params=[False, True], ids=["unplugged", "the disk fails"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    PinStore(tmp_path, None).set("4711")
    view = view_on(tmp_path, free_port(), fails=request.param)
    last = view.repairing.book.last()
    assert last is not None
    with served(view) as address:
        yield address, f"/repaired/{last.id}"


def test_nothing_is_wider_than_the_screen_with_letters_of_twice_the_size(place: tuple[str, str]) -> None:
    address, repair = place
    with running_chromium("--blink-settings=defaultFontSize=32") as chromium:
        context = chromium.new_context(viewport={"width": 320, "height": 600}, java_script_enabled=False)
        page = context.new_page()
        for path in ("/", "/check", "/repaired", repair, "/about", "/pin", "/nothing-here"):
            for language in ("es", "en"):
                answer = page.goto(f"{address}{path}?lang={language}")
                assert answer is not None
                assert len(answer.body()) < 15_000
                assert int(page.locator("html").evaluate("e => e.scrollWidth")) <= 320, (path, language)
        context.close()


@pytest.fixture
def roster_place(tmp_path: Path) -> Iterator[str]:
    """A box whose roster has pages of names, one of them of a single long word, with records in each state."""
    with facilitator(tmp_path) as site:
        names = [f"{'ABCDEFGH'[number % 8]}{number:02}" for number in range(50)]
        site.desk.roster.put(tuple(Person(f"KM-{number:03}", name, "F", "25-44") for number, name in enumerate(names)))
        site.desk.roster.add("Wolfeschlegelsteinhausenbergerdorff", "M", "65+", "ABCDEFGHIJ-123456789")
        for word in ("Intercomunitariamente" * 3, "Taller"):
            site.desk.book.enter(NewEntry("attendance", "2", TODAY, {"activity": word, "unkeyed": 2}))
        site.desk.roster.keep_draft(Draft("one", "attendance", {"pairs": [["activity", "Intercomunitariamente" * 4]]}))
        with served(view_of(tmp_path, site)) as address:
            yield address


@pytest.mark.parametrize("letters", [16, 32])
def test_no_page_of_the_facilitator_is_wider_than_the_screen(roster_place: str, letters: int) -> None:
    ways = [f"new/{form}" for form in ("attendance?way=both", "service", "course", "course_session", "power_note")]
    with running_chromium(f"--blink-settings=defaultFontSize={letters}") as chromium:
        context = chromium.new_context(viewport={"width": 320, "height": 600}, java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{roster_place}/records?lang=es")
        page.fill("#f-pin", PIN)
        page.click("main button")
        one = page.locator('a[href^="/records/one/"]').first.get_attribute("href")
        assert one is not None
        places = [*ways, "list", "print", "roster", "roster?page=2", "roster/backup", "roster/restore", "new/nothing"]
        for path in ("/records", one, f"{one}/correct", *(f"/records/{place}" for place in places)):
            answer = page.goto(f"{roster_place}{path}")
            assert (answer is not None and answer.status) == 200, path
            assert int(page.locator("html").evaluate("e => e.scrollWidth")) <= 320, path
        context.close()
