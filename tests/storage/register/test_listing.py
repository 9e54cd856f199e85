"""Coverage of streams, boots, and the lists of sites."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from aldea.storage.register.boots import Boot, boots_of, upsert_boots
from aldea.storage.register.devices import Device, enrol_device
from aldea.storage.register.facts import NewFact, set_fact
from aldea.storage.register.listing import (
    SiteFilter,
    count_listed,
    list_sites,
    overviews_of,
    site_overview,
)
from aldea.storage.register.sites import SiteState, add_sites, set_state
from aldea.storage.register.status import Presence, StatusUpdate, upsert_status
from aldea.storage.register.streams import (
    Completeness,
    Gap,
    GapState,
    Stream,
    list_completeness,
    streams_of,
    upsert_streams,
)
from storage.register.places import DAY, entry

if TYPE_CHECKING:
    from aldea.storage.register import Register

STREAM = Stream("a-1", "box", "e1", 1, 100, 90, 4, 1, 5, 60, 6000, 1000, (Gap(61, 65, GapState.OPEN),))


def fill(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(
            unit,
            [
                entry("a-1", NewFact("provider", "north"), NewFact("programme", "p1", "p1"), name="Yaxcabá"),
                entry("a-2", NewFact("provider", "south"), state=SiteState.PLANNED, name="100%_real"),
                entry("b-1", NewFact("provider", "north"), name="Tekax", simulated=True),
                entry("b-2", name="Ticum", simulated=True),
            ],
        )
        set_fact(unit, "a-1", "programme", "p2", 2 * DAY, item="p2")


def ids(register: Register, at_ms: int = 5 * DAY, **options: Any) -> list[str]:
    with register.reading() as unit:
        return [found.site.id for found in list_sites(unit, at_ms, **options)]


def test_pages_join_up_to_the_whole(register: Register) -> None:
    fill(register)
    assert ids(register) == ["a-1", "a-2", "b-1", "b-2"]
    assert ids(register, limit=3) == ["a-1", "a-2", "b-1"]
    assert ids(register, after="b-1", limit=3) == ["b-2"]
    assert ids(register, after="b-2") == []


def test_a_list_of_forty_thousand_sites_that_one_may_see_is_one_parameter(register: Register) -> None:
    fill(register)
    mine = {"a-2", "b-2", *(f"other-{number}" for number in range(40_000))}
    assert ids(register, only=SiteFilter(sites=mine)) == ["a-2", "b-2"]
    assert ids(register, only=SiteFilter(sites=mine), limit=1) == ["a-2"]
    assert ids(register, only=SiteFilter(sites=mine), after="a-2") == ["b-2"]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (SiteFilter(sites=()), []),
        (SiteFilter(sites={"a-1", "b'1"}, simulated=False), ["a-1"]),
        (SiteFilter(simulated=True), ["b-1", "b-2"]),
        (SiteFilter(simulated=False), ["a-1", "a-2"]),
        (SiteFilter(state=SiteState.PLANNED), ["a-2"]),
        (SiteFilter(search="YAXCABA"), ["a-1"]),
        (SiteFilter(search="b-"), ["b-1", "b-2"]),
        (SiteFilter(search="0%_r"), ["a-2"]),
        (SiteFilter(search="%"), ["a-2"]),
        (SiteFilter(facts={"provider": "north"}), ["a-1", "b-1"]),
        (SiteFilter(facts={"provider": "north", "programme": "p2"}), ["a-1"]),
        (SiteFilter(facts={"provider": "north"}, simulated=True, search="te"), ["b-1"]),
        (SiteFilter(search="nothing"), []),
    ],
)
def test_filters_choose_sites(register: Register, only: SiteFilter, expected: list[str]) -> None:
    fill(register)
    assert ids(register, only=only) == expected
    with register.reading() as unit:
        assert count_listed(unit, 5 * DAY, only) == len(expected)


def test_a_list_shows_what_held_at_its_time(register: Register) -> None:
    fill(register)
    with register.transaction() as unit:
        set_state(unit, "a-1", SiteState.SUSPENDED, 4 * DAY)
        set_fact(unit, "a-1", "provider", "west", 4 * DAY)
    with register.reading() as unit:
        before = site_overview(unit, "a-1", 2 * DAY - 1)
        now = site_overview(unit, "a-1", 4 * DAY)
        assert site_overview(unit, "zzz", 4 * DAY) is None
    assert before is not None
    assert now is not None
    assert (before.state, before.facts) == (
        SiteState.COMMISSIONED,
        {"provider": "north", "programme": ("p1",)},
    )
    assert (now.state, now.facts) == (SiteState.SUSPENDED, {"provider": "west", "programme": ("p1", "p2")})
    assert ids(register, 4 * DAY, only=SiteFilter(facts={"provider": "north"})) == ["b-1"]


def test_an_overview_joins_status_and_coverage_of_all_devices(register: Register) -> None:
    fill(register)
    with register.transaction() as unit:
        enrol_device(unit, Device("a-1", "tap", "snmp", DAY, is_primary=False))
        upsert_status(
            unit,
            [
                StatusUpdate(
                    "a-1",
                    "box",
                    50,
                    40,
                    presence=Presence.ONLINE,
                    presence_ms=45,
                    connection=1,
                    interval_seconds=300,
                ),
                StatusUpdate("a-1", "tap", 70, 30, interval_seconds=60),
            ],
        )
        done = replace(STREAM, epoch="e0", open_rows=0, gaps=(), contiguous_event_ms=9000)
        upsert_streams(unit, [STREAM, done, replace(done, device="tap", contiguous_event_ms=1)])
    with register.reading() as unit:
        found = site_overview(unit, "a-1", 5 * DAY)
        nothing = overviews_of(unit, ["a-2", "zzz"], 5 * DAY)
    assert found is not None
    assert found.primary_device == "box"
    assert (found.last_arrival_ms, found.last_event_ms) == (70, 40)
    assert (found.presence, found.presence_changed_ms, found.interval_seconds) == (Presence.ONLINE, 45, 300)
    assert found.settled_until_ms == 6000, "the open gap of the primary holds it back"
    assert found.completeness == Completeness("a-1", 270, 12, 3, 5)
    assert list(nothing) == ["a-2"]
    assert nothing["a-2"].last_arrival_ms is None
    assert nothing["a-2"].presence is Presence.UNKNOWN
    assert nothing["a-2"].completeness.ratio is None


@pytest.mark.parametrize("count", [3, 1200])
def test_a_list_takes_two_queries_however_many_sites(register: Register, count: int) -> None:
    with register.transaction() as unit:
        facts = (NewFact("provider", "north"), NewFact("municipality", "Tekax"))
        add_sites(unit, [entry(f"s{n:05}", *facts) for n in range(count)])
    asked: list[str] = []
    here = threading.get_ident()

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == here and "SELECT" in statement and "pg_catalog" not in statement:
            asked.append(statement)

    with register.reading() as unit:
        event.listen(Engine, "before_cursor_execute", note)
        try:
            found = list_sites(unit, 5 * DAY, limit=count, facts=("provider", "municipality"))
        finally:
            event.remove(Engine, "before_cursor_execute", note)
    assert len(found) == count
    assert all(site.facts == {"provider": "north", "municipality": "Tekax"} for site in found)
    assert len(asked) == 2


def test_coverage_is_replaced_by_a_later_report_only(register: Register) -> None:
    with register.transaction() as unit:
        upsert_streams(unit, [STREAM])
        assert streams_of(unit, "a-1") == (STREAM,)
        upsert_streams(unit, [replace(STREAM, updated_at_ms=999, stored_rows=1)])
        assert streams_of(unit, "a-1") == (STREAM,)
        newer = replace(STREAM, updated_at_ms=1001, stored_rows=95, open_rows=0, gaps=())
        upsert_streams(unit, [newer])
        assert streams_of(unit, "a-1") == (newer,)


def test_completeness_is_summed_by_site_in_pages(register: Register) -> None:
    fill(register)
    with register.transaction() as unit:
        others = [replace(STREAM, site=site) for site in ("a-2", "b-1", "not-registered")]
        upsert_streams(unit, [STREAM, replace(STREAM, epoch="e2"), *others])
    with register.reading() as unit:
        found = list_completeness(unit, simulated=False)
        assert found == (Completeness("a-1", 180, 8, 2, 10), Completeness("a-2", 90, 4, 1, 5))
        assert found[0].expected_rows == 200
        assert found[0].ratio == pytest.approx(0.9)
        assert [row.site for row in list_completeness(unit, limit=1, after="a-1")] == ["a-2"]
        assert [row.site for row in list_completeness(unit)] == ["a-1", "a-2", "b-1"]


def test_a_boot_keeps_its_anchor_and_widens(register: Register) -> None:
    unknown = Boot("a-1", "box", "b1", None, True, "unsynced", 5000, 100, 100)
    guessed = replace(unknown, started_ms=900, last_mono_ms=4000, last_arrival_ms=150)
    anchored = replace(unknown, started_ms=1000, estimated=False, clock_state="ntp", last_arrival_ms=200)
    late = replace(guessed, started_ms=800, last_mono_ms=9000, first_arrival_ms=50, last_arrival_ms=60)
    with register.transaction() as unit:
        for boot in (unknown, guessed):
            upsert_boots(unit, [boot])
        assert boots_of(unit, "a-1") == (replace(guessed, last_mono_ms=5000),)
        for boot in (anchored, late, unknown):
            upsert_boots(unit, [boot])
        assert boots_of(unit, "a-1") == (Boot("a-1", "box", "b1", 1000, False, "ntp", 9000, 50, 200),)
