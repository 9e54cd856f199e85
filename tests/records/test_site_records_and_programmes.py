"""Records from the boxes: which programme they are of."""

from __future__ import annotations

from datetime import date

import pytest

from aldea.storage.register import Register
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from aldea.storage.register.records import newest_version
from aldea.storage.register.site_records import open_returned
from dashboard_api.village import DAY, NOW_MS
from records.site_rows import ATTENDANCE, RECORD, SITE, row_of, take


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
