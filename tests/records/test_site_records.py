"""Records from the boxes: in the box's order whatever order they come in, or given back with the reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import Any

import pytest

from aldea.collector.commanding.records import take_record
from aldea.storage.register import Register
from aldea.storage.register.commands import commands_of
from aldea.storage.register.devices import Device
from aldea.storage.register.records import NewRecord, newest_version, put_record, record_versions, withdraw_record
from aldea.storage.register.site_records import Resolution, find_returned, open_returned
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from dashboard_api.village import DAY, NOW_MS
from records.site_rows import ATTENDANCE, RECORD, SITE, row_of, take


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
