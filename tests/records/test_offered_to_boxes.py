"""What boxes are sent so that their records are right: newer forms, and the dates of their programmes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import select, update

from aldea.collector.commanding.form_offers import FormOffers
from aldea.collector.commanding.records import take_forms
from aldea.model.clock import ManualClock
from aldea.model.forms import load_forms
from aldea.model.forms.programmes import programmes_number, read_programmes
from aldea.storage.register import Register
from aldea.storage.register.commands import commands_of, note_answer
from aldea.storage.register.device_forms import offer_forms
from aldea.storage.register.device_programmes import offer_programmes
from aldea.storage.register.programmes import Programme, add_programme, assign_site, change_programme
from aldea.storage.register.records import newest_version
from aldea.storage.register.site_records import open_returned
from aldea.storage.register.tables import device_forms
from dashboard_api.village import DAY, NOW_MS
from records.site_rows import ATTENDANCE, SITE, row_of, take


def test_an_unknown_form_is_kept_and_a_newer_version_of_a_known_one_is_taken(site: Register) -> None:
    take(site, row_of({"x": 1}, form="weather"))
    with site.reading() as unit:
        (returned,) = open_returned(unit)
    assert (returned.payload, "weather" in returned.sentences["en"][0]) == ({"x": 1}, True)
    newer = str(int(load_forms()["attendance"].version) + 1)
    take(site, row_of({**ATTENDANCE, "weather": "rain"}, form_version=newer, record="b" * 32))
    with site.reading() as unit:
        stored = newest_version(unit, "b" * 32)
    assert stored is not None
    assert (stored.payload["weather"], stored.form_version) == ("rain", newer)


def test_a_box_with_older_forms_is_offered_the_newer_ones_once(site: Register) -> None:
    shipped = load_forms()
    told = (
        " ".join(f"{form.id}={form.version}" for form in shipped.values() if form.id != "attendance") + " attendance=1"
    )
    row = row_of()
    with site.transaction() as unit:
        for _ in range(3):
            take_forms(unit, type(row)(SITE, "agent", "e", 9, None, NOW_MS, "forms", {"versions": told}))
        offer_forms(unit, NOW_MS + DAY)
        (command,) = commands_of(unit, SITE)
        assert unit.connection.execute(select(device_forms.c.versions)).scalar_one()["attendance"] == 1
    assert command.kind == "form"
    assert json.loads(json.dumps(command.payload["definition"])) == dict(shipped["attendance"].document)
    with site.transaction() as unit:
        unit.connection.execute(update(device_forms).values(versions={form.id: 9 for form in shipped.values()}))
        assert offer_forms(unit, NOW_MS + 2 * DAY) == 0


def told(has: int, at_ms: int = NOW_MS) -> Any:
    """Return a row by which a box says what it has: every form, and dates of programmes by their number."""
    versions = " ".join(f"{form.id}={form.version}" for form in load_forms().values())
    row = row_of()
    fields = {"versions": f"{versions} programmes={has}"}
    return type(row)(SITE, "agent", "e", 9, None, at_ms, "forms", fields)


def test_a_box_is_sent_the_dates_of_its_programmes_again_when_they_change(site: Register) -> None:
    programme = Programme("sur", "Sur", date(2024, 1, 1), date(2026, 6, 30))
    with site.transaction() as unit:
        take_forms(unit, told(0))
        assert commands_of(unit, SITE) == (), "it is in none"
        add_programme(unit, programme)
        assign_site(unit, "sur", SITE, NOW_MS - 200 * DAY)
        for _ in range(3):
            offer_programmes(unit, NOW_MS)
        (command,) = commands_of(unit, SITE)
        document = command.payload["programmes"]
        assert document == [{"id": "sur", "starts_on": "2024-01-01", "ends_on": "2026-06-30"}]
        assert read_programmes(document)["sur"].ends_on == date(2026, 6, 30)
        take_forms(unit, told(programmes_number(document), NOW_MS + 1))
        change_programme(unit, replace(programme, ends_on=None))
        assert offer_programmes(unit, NOW_MS + 2) == 1
        newest, older = commands_of(unit, SITE)
        assert (newest.payload["programmes"][0]["ends_on"], older.state.is_over) == (None, True)
        take_forms(unit, told(programmes_number(newest.payload["programmes"]), NOW_MS + 3))
        change_programme(unit, programme)
        assert offer_programmes(unit, NOW_MS + 4) == 1, "back to what they were"
        newest = commands_of(unit, SITE)[0]
        note_answer(unit, SITE, "agent", newest.id, "failed", {"why": "disk"}, NOW_MS)
        assert offer_programmes(unit, NOW_MS + DAY // 2) == 0, "not at once again"
        assert offer_programmes(unit, NOW_MS + DAY + 4) == 1


def test_a_box_that_knows_nothing_of_programmes_is_sent_none(site: Register) -> None:
    with site.transaction() as unit:
        add_programme(unit, Programme("sur", "Sur", date(2024, 1, 1)))
        assign_site(unit, "sur", SITE, NOW_MS - 200 * DAY)
        row = told(0)
        take_forms(unit, replace(row, fields={"versions": str(row.fields["versions"]).replace(" programmes=0", "")}))
        assert commands_of(unit, SITE) == ()


def test_what_happened_after_a_programmes_end_goes_back_or_is_of_none(site: Register) -> None:
    with site.transaction() as unit:
        add_programme(unit, Programme("sur", "Sur", date(2024, 1, 1), date(2026, 11, 19)))
        assign_site(unit, "sur", SITE, NOW_MS - 200 * DAY)
    take(
        site, row_of(programme="sur"), row_of(record="b" * 32, seq=2), row_of(record="c" * 32, seq=3, day="2026-11-19")
    )
    with site.reading() as unit:
        (waits,) = open_returned(unit)
        after, within = newest_version(unit, "b" * 32), newest_version(unit, "c" * 32)
    assert "después del fin del programa (2026-11-19)" in waits.sentences["es"][0]
    assert "after the programme's end (2026-11-19)" in waits.sentences["en"][0]
    assert after is not None
    assert within is not None
    assert (after.programme, within.programme) == ("", "sur")


def test_the_collector_offers_dates_each_time_and_forms_once_a_day(site: Register) -> None:
    clock = ManualClock(NOW_MS)
    offers = FormOffers(site, clock)
    with site.transaction() as unit:
        take_forms(unit, told(0))
    offers.step()
    with site.transaction() as unit:
        assert commands_of(unit, SITE) == ()
        add_programme(unit, Programme("sur", "Sur", date(2024, 1, 1)))
        assign_site(unit, "sur", SITE, NOW_MS - 200 * DAY)
    clock.advance(600_000)
    offers.step()
    with site.reading() as unit:
        assert [one.kind for one in commands_of(unit, SITE)] == ["programmes"]
