"""Records from the boxes: in the box's order whatever order they come in, or given back with the reasons."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select, update

from aldea.collector.commanding.form_offers import FormOffers
from aldea.collector.commanding.records import take_forms, take_record
from aldea.model.clock import ManualClock
from aldea.model.forms import load_forms
from aldea.model.forms.programmes import programmes_number, read_programmes
from aldea.storage.register import Register
from aldea.storage.register.commands import commands_of, note_answer
from aldea.storage.register.device_forms import offer_forms
from aldea.storage.register.device_programmes import offer_programmes
from aldea.storage.register.devices import Device
from aldea.storage.register.programmes import Programme, add_programme, assign_site, change_programme
from aldea.storage.register.records import NewRecord, newest_version, put_record, record_versions, withdraw_record
from aldea.storage.register.site_records import Resolution, find_returned, open_returned
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.register.tables import device_forms
from dashboard_api.village import DAY, NOW_MS
from records.site_rows import ATTENDANCE, RECORD, row_of

SITE = "escuela-01"


@pytest.fixture
def site(register: Register) -> Register:
    """A register with a real site, commissioned 300 days ago, and its box."""
    began = NOW_MS - 300 * DAY
    place, box = Site(SITE, "Escuela", "America/Merida", began), Device(SITE, "agent", "agent", began)
    with register.transaction() as unit:
        add_sites(unit, [SiteEntry(place, began, SiteState.COMMISSIONED, devices=(box,))])
    return register


def take(register: Register, *rows: Any) -> None:
    for row in rows:
        with register.transaction() as unit:
            take_record(unit, row)


def test_a_row_becomes_a_record_once(site: Register) -> None:
    take(site, row_of(), row_of(), row_of(seq=77))
    with site.reading() as unit:
        (stored,) = record_versions(unit, RECORD)
    assert stored.payload == ATTENDANCE
    assert (stored.source, stored.author, stored.event_date, stored.programme) == (
        "agent",
        None,
        date(2026, 11, 20),
        "",
    )


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_versions_stand_in_the_boxes_order_whatever_order_they_come_in(site: Register, order: tuple[int, ...]) -> None:
    rows = {
        1: row_of({**ATTENDANCE, "unkeyed": 1}, version=1),
        2: row_of({**ATTENDANCE, "unkeyed": 2}, version=2, day="2026-11-19"),
        3: row_of({**ATTENDANCE, "unkeyed": 2}, version=3, withdrawn=True),
    }
    take(site, *(rows[number] for number in order))
    with site.reading() as unit:
        found = record_versions(unit, RECORD)
        last = newest_version(unit, RECORD)
    assert [item.payload["unkeyed"] for item in found] == [1, 2, 2]
    assert [(item.version, item.supersedes) for item in found] == [(1, None), (2, 1), (3, 2)]
    assert [item.newest for item in found] == [False, False, True]
    assert last is not None
    assert last.withdrawn


def test_what_is_wrong_goes_back_with_sentences_and_a_later_version_mends_it(site: Register) -> None:
    bad = row_of({"activity": "", "participants": [], "unkeyed": 0})
    take(site, bad, bad)
    with site.reading() as unit:
        (returned,) = open_returned(unit)
        (command,) = commands_of(unit, SITE)
        assert newest_version(unit, RECORD) is None
    assert returned.payload == {"activity": "", "participants": [], "unkeyed": 0}
    assert returned.sentences["es"][0].startswith("Actividad: falta")
    assert (command.kind, command.payload["record"], command.payload["version"]) == ("record_returned", RECORD, 1)
    assert command.payload["sentences"]["en"][0].startswith("Activity: it is missing")
    take(site, row_of(version=2))
    with site.reading() as unit:
        assert open_returned(unit) == ()
        found = find_returned(unit, SITE, RECORD, 1)
        assert found is not None
        assert found.resolution is Resolution.REPLACED
        (stored,) = record_versions(unit, RECORD)
    assert stored.payload == ATTENDANCE


def test_a_bad_version_that_comes_late_bothers_nobody(site: Register) -> None:
    take(site, row_of(version=2), row_of({"activity": ""}, version=1))
    with site.reading() as unit:
        assert open_returned(unit) == ()
        assert commands_of(unit, SITE) == ()
        assert len(record_versions(unit, RECORD)) == 1


def test_a_withdrawal_counts_also_where_its_content_is_not_good(site: Register) -> None:
    take(site, row_of(), row_of({"activity": ""}, version=2, withdrawn=True))
    with site.reading() as unit:
        last = newest_version(unit, RECORD)
    assert last is not None
    assert (last.withdrawn, last.payload) == (True, ATTENDANCE)


def test_what_was_corrected_at_the_server_stays_and_the_box_is_told(site: Register) -> None:
    take(site, row_of())
    with site.transaction() as unit:
        put_record(
            unit,
            NewRecord(
                SITE, "attendance", "2", date(2026, 11, 20), {**ATTENDANCE, "unkeyed": 9}, NOW_MS, id=RECORD, reason="x"
            ),
        )
    take(site, row_of({**ATTENDANCE, "unkeyed": 4}, version=2))
    with site.reading() as unit:
        last = newest_version(unit, RECORD)
        (returned,) = open_returned(unit)
    assert last is not None
    assert last.payload["unkeyed"] == 9
    assert "se corrigió en el servidor" in returned.sentences["es"][0]
    assert returned.payload["unkeyed"] == 4


def test_a_withdrawal_at_the_server_stays_too(site: Register) -> None:
    take(site, row_of())
    with site.transaction() as unit:
        withdraw_record(unit, RECORD, reason="x", author=None, at_ms=NOW_MS)
    take(site, row_of(version=2))
    with site.reading() as unit:
        last = newest_version(unit, RECORD)
        assert last is not None
        assert last.withdrawn
        assert len(open_returned(unit)) == 1


def test_other_content_under_the_same_number_goes_back(site: Register) -> None:
    take(site, row_of(), row_of({**ATTENDANCE, "unkeyed": 8}, seq=50))
    with site.reading() as unit:
        (stored,) = record_versions(unit, RECORD)
        assert find_returned(unit, SITE, RECORD, 1) is not None
    assert stored.payload["unkeyed"] == 3


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


def test_a_record_of_another_site_is_given_back_and_neither_is_touched(site: Register) -> None:
    began = NOW_MS - 300 * DAY
    place, box = Site("otra", "Otra", "America/Merida", began), Device("otra", "agent", "agent", began)
    with site.transaction() as unit:
        add_sites(unit, [SiteEntry(place, began, SiteState.COMMISSIONED, devices=(box,))])
    bad = row_of({**ATTENDANCE, "activity": ""}, version=2)
    take(site, row_of(), replace(row_of({**ATTENDANCE, "unkeyed": 9}), site="otra"), bad, replace(bad, site="otra"))
    with site.reading() as unit:
        (stored,) = record_versions(unit, RECORD)
        waits = {(item.site, item.version): item.sentences["en"][0] for item in open_returned(unit)}
        told = [len(commands_of(unit, name)) for name in (SITE, "otra")]
    assert (stored.site, stored.payload["unkeyed"]) == (SITE, 3)
    assert set(waits) == {(SITE, 2), ("otra", 1), ("otra", 2)}
    assert "a different record" in waits["otra", 1]
    assert told == [1, 2], "each box hears of its own"


def test_the_programme_is_the_sites_only_one_or_the_one_chosen(site: Register) -> None:
    with site.transaction() as unit:
        add_programme(unit, Programme("sur", "Sur", date(2024, 1, 1)))
        assign_site(unit, "sur", SITE, NOW_MS - 200 * DAY)
    take(site, row_of())
    with site.transaction() as unit:
        first = newest_version(unit, RECORD)
        add_programme(unit, Programme("norte", "Norte", date(2024, 1, 1)))
        assign_site(unit, "norte", SITE, NOW_MS - 200 * DAY)
    take(
        site,
        row_of(record="b" * 32, seq=2),
        row_of(record="c" * 32, programme="norte", seq=3),
        row_of(record="d" * 32, programme="x", seq=4),
    )
    take(site, row_of())
    with site.reading() as unit:
        several, chosen = newest_version(unit, "b" * 32), newest_version(unit, "c" * 32)
        assert [item.record for item in open_returned(unit)] == ["d" * 32]
    assert first is not None
    assert several is not None
    assert chosen is not None
    assert [first.programme, several.programme, chosen.programme] == ["sur", "", "norte"]


@pytest.mark.parametrize("day", ["2026-11-20", "2020-01-01", "0001-01-01", "9999-12-31", "ayer"])
def test_what_is_given_back_is_of_the_sites_only_programme_too(site: Register, day: str) -> None:
    with site.transaction() as unit:
        add_programme(unit, Programme("sur", "Sur", date(2024, 1, 1)))
        assign_site(unit, "sur", SITE, NOW_MS - 200 * DAY)
    take(site, row_of({**ATTENDANCE, "activity": ""}, day=day))
    with site.reading() as unit:
        (waits,) = open_returned(unit)
    assert waits.programme == "sur", "whoever looks after that programme alone sees it"


@pytest.mark.parametrize(
    "fields",
    [{"record": "x"}, {"version": 0}, {"version": None}, {"payload": "[]"}, {"payload": "{"}, {"payload": None}],
)
def test_a_row_that_is_no_record_raises_and_changes_nothing(site: Register, fields: dict[str, Any]) -> None:
    row = row_of()
    with site.transaction() as unit, pytest.raises(ValueError):  # noqa: PT011 - the sentence is the log's
        take_record(unit, replace(row, fields={**row.fields, **fields}))
    with site.reading() as unit:
        assert open_returned(unit) == ()


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
