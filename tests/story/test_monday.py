"""Monday, as a story in a browser: real sites come in, an agent enrols, its link breaks and people hear of it.

All of it are processes as people run them: `aldea up` with its mosquitto (TLS, passwords), `aldea agent enrol` and
`aldea agent run`; a mail server and a web server wait on loopback.
"""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import openpyxl
import pytest
from playwright.sync_api import Locator, Page, expect

from aldea.storage.register import open_register
from aldea.storage.register.real_start import Phase, read_wish
from alert_rules.notify.servers import Mail, Web
from rigs.chromium import running_chromium
from story.processes import Agent, Server
from story.relay import Link
from story.waiting import within

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto, pytest.mark.timeout(1_800)]

PASSWORD = "una frase larga para el lunes"
MAIL = "tecnica@example.org"

SITES = (
    ("kancab", "Kancab", "Yucatán", "Tekax", "31079", 1640),
    ("isla-arena", "Isla Arena", "Campeche", "Calkiní", "04001", 700),
    ("malpaso", "Malpaso", "Chiapas", "Mezcalapa", "07124", 2300),
)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def workbook(path: Path) -> Path:
    """Three sites, as somebody would type them into a sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(
        ["id", "nombre", "estado", "municipio", "clave INEGI", "población 15 y más", "programa", "responsable"]
    )
    for site, name, state, municipality, code, people in SITES:
        sheet.append([site, name, state, municipality, code, people, "aldeas", "tecnica"])
    book.save(path)
    return path


def press(button: Locator) -> None:
    """Press a button that sends a form, and wait for the page that comes of it."""
    with button.page.expect_navigation():
        button.click()


def first_administrator(page: Page) -> None:
    page.goto("/setup?lang=es")
    page.fill("[name=label]", "Dirección de la red")
    page.fill("[name=account]", "direccion")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    press(page.locator("main button.primary").first)
    expect(page.locator(".banner.admin")).to_have_count(0)


def add_programme(page: Page) -> None:
    page.goto("/admin/programmes")
    page.fill("[name=id]", "aldeas")
    page.fill("[name=name]", "Aldeas de prueba")
    page.fill("[name=starts_on]", "2020-01-01")
    page.select_option("[name='duty.course']", "month")
    press(page.locator("main form.card button.primary").first)
    expect(page.locator("main")).to_contain_text("Aldeas de prueba")


def add_technician(page: Page, webhook: str) -> None:
    page.goto("/admin/people")
    page.fill("main form [name=label]", "Técnica de campo")
    page.fill("main form [name=account]", "tecnica")
    press(page.locator("main form.card button.primary").first)
    page.goto("/admin/people/tecnica")
    page.check("input[name=role][value=technician]")
    press(page.locator("form[action$='/grants'] button.primary"))
    for kind, name, value in (("email", "address", MAIL), ("webhook", "url", f"{webhook}/aldea")):
        page.goto(f"/admin/contacts/new?person=tecnica&kind={kind}")
        page.fill(f"main form.card [name={name}]", value)
        press(page.locator("main form.card button.primary").first)
        expect(page.locator("main")).to_contain_text("Técnica de campo")


def try_contacts(page: Page) -> None:
    """A test message to each contact: what is not tried on Monday does not work on Friday."""
    page.goto("/admin/contacts")
    for number in range(2):
        press(page.locator("form[action$='/test'] button").nth(number))


def import_sites(page: Page, sheet: Path) -> None:
    page.goto("/admin/import")
    page.set_input_files("[name=file]", sheet)
    press(page.locator("main form.card button.primary").first)
    for _, name, *_ in SITES:
        expect(page.locator("main")).to_contain_text(name)
    press(page.locator("main form[method=post] button"))
    page.goto("/?kind=real")
    for _, name, *_ in SITES:
        expect(page.locator("main")).to_contain_text(name)


def code_for(page: Page, site: str) -> str:
    """Ask for a one-time code and return it as it stands on the page."""
    page.goto(f"/admin/sites/{site}")
    press(page.locator(f"form[action='/admin/sites/{site}/enrol'] button").first)
    return page.locator(".onecode b").inner_text().strip()


def enter_course(page: Page) -> str:
    """Four people enrolled today, as the page has it; return the month."""
    page.goto("/records/new/course?site=kancab")
    page.fill("[name=course]", "Vender por internet")
    page.fill("[name=sessions_planned]", "8")
    page.select_option("[name=mode]", "blended")
    day = page.input_value("[name=event_date]")
    for row in range(4):
        page.fill(f"[name='participants.{row}.code']", f"K{row}")
        page.select_option(f"[name='participants.{row}.sex']", "F")
        page.select_option(f"[name='participants.{row}.age_band']", "25-44")
        page.fill(f"[name='participants.{row}.enrolled_on']", day)
        page.fill(f"[name='participants.{row}.sessions_attended']", "3")
    press(page.locator("main button.primary[value=store]").first)
    expect(page.locator("main")).to_contain_text("Vender por internet")
    return day[:7].replace("-", "")


def test_monday(stack: ExitStack, tmp_path: Path) -> None:
    mail, web = stack.enter_context(Mail()), stack.enter_context(Web())
    server = Server(tmp_path / "server", mail.port)
    stack.callback(server.close)
    within(180, server.answers, "the pages answer")
    browser = stack.enter_context(running_chromium())
    page = browser.new_page(base_url=server.url, viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)

    # Whoever comes first sets it up; from then on there is no demo administrator.
    first_administrator(page)
    stranger = httpx.get(f"{server.url}/api/v1/sites", timeout=60)
    assert stranger.status_code == 401

    add_programme(page)
    add_technician(page, web.url)
    try_contacts(page)
    within(180, lambda: len(mail.messages) == 1 and len(web.requests) == 1, "a test message arrives at each contact")
    import_sites(page, workbook(tmp_path / "sitios.xlsx"))

    # An agent enrols by code, and nothing else is told to it.
    link = stack.enter_context(Link(server.mqtt))
    agent = Agent(tmp_path / "agent", link)
    stack.callback(agent.close)
    code = code_for(page, "kancab")
    said = agent.say("enrol", "--server", server.url, "--code", code)
    assert said.returncode == 0, said.stderr
    again = agent.say("enrol", "--server", server.url, "--code", code)
    assert again.returncode == 1
    agent.go_by_the_link()
    agent.start()
    page.goto("/sites/kancab")
    expect(page.locator(".sitehead")).to_have_attribute("data-state", "up", timeout=180_000)

    # The manager's part: a course, and its indicator with what it rests on.
    within(600, server.has_figures, "the server works figures out by itself")
    month = enter_course(page)
    reach = f"/indicators/apr_training_reach_per_1000?period={month}&area=site:kancab"
    # Four people among 1,640 of fifteen and more; one report of the one that is owed so far.
    shown = within(300, lambda: server.computes(month) and figure(page, reach, "2.4"), "the course is in its figure")
    assert "100" in shown
    assert re.search(r"1,640|1 640|1640", shown)

    # The link breaks. People hear of it once, with the reason.
    link.cut()
    page.goto("/incidents")
    expect(page.locator("main")).to_contain_text("Kancab", timeout=180_000)
    within(180, lambda: len(mail.messages) == 2 and len(web.requests) == 2, "an e-mail and a webhook arrive")
    page.locator("main a[href^='/incidents/']").first.click()
    expect(page.locator("main")).to_contain_text("No llega nada desde")
    expect(page.locator("main")).to_contain_text("Revisar primero")
    press(page.locator("form[action$='/acknowledge'] button"))
    expect(page.locator("main")).to_contain_text("Dirección de la red")
    assert "Kancab" in str(mail.messages[1]["subject"])
    assert (document := web.requests[1].document)["transition"] == "fired"
    assert document["site"]["id"] == "kancab"
    link.mend()
    within(180, lambda: len(mail.messages) == 3 and len(web.requests) == 3, "the end is told too")
    assert web.requests[2].document["transition"] == "resolved"
    assert len({request.document["key"] for request in web.requests}) == 3

    # Real from here on: the made-up villages go, and leave nothing.
    assert traces_of_simulation(server.data) != []
    page.goto("/admin/start-for-real")
    page.fill("[name=word]", "empezar")
    press(page.locator("main form.card button.danger").first)
    within(600, lambda: has_started_for_real(server.data), "the simulated fleet has left")
    assert traces_of_simulation(server.data) == []
    page.goto("/?kind=simulated")
    expect(page.locator("main")).not_to_contain_text("(simulado)")
    page.goto("/")
    expect(page.locator("main")).to_contain_text("Kancab")
    time.sleep(2)
    assert (len(mail.messages), len(web.requests)) == (3, 3)
    assert traces_of_simulation(server.data) == []


def figure(page: Page, address: str, shown: str) -> str:
    """Return the text of an indicator's page where it shows a figure, nothing where it does not."""
    page.goto(address)
    text = page.locator("main").inner_text()
    return text if shown in text else ""


def has_started_for_real(data: Path) -> bool:
    register = open_register(f"sqlite:///{data / 'register.db'}")
    with closing(register), register.reading() as unit:
        wish = read_wish(unit)
    return wish is not None and wish.phase is Phase.DONE


def traces_of_simulation(data: Path) -> list[str]:
    """Return the tables of register and series store in which a simulated site is named; the audit may."""
    found = []
    for name in ("register.db", "series.db"):
        with closing(sqlite3.connect(f"file:{data / name}?mode=ro", uri=True)) as database:
            tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                text = " || ' ' || ".join(f"coalesce(CAST({column} AS TEXT), '')" for column in columns)
                told = database.execute(f"SELECT count(*) FROM {table} WHERE {text} LIKE '%sim-%'").fetchone()[0]
                if told and table != "audit_entry":
                    found.append(f"{name} {table}: {told}")
    return found
