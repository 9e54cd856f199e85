"""What is registered, over what was observed: commissioned time, closing times, maintenance, our outages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from aldea.model.truth import SLOT_MS, SLOTS_A_DAY, Code, SiteRules, Window, overlay
from aldea.model.truth.overlay import local_ms, month_of, opening_spans, spent_slots
from aldea.model.truth.slots import DAY_MS

ALWAYS = ((0, 2**60),)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
JUAREZ = "America/Ciudad_Juarez"
HOUR = 3_600_000
DAY = date(2026, 11, 10).toordinal() - date(1970, 1, 1).toordinal()
START = DAY * DAY_MS
BLANK = Code.LATER * 12


def judged(observed: str, site: SiteRules, spent: dict[str, int] | None = None, after: str = BLANK) -> str:
    whole = observed + Code.LATER * (SLOTS_A_DAY - len(observed))
    return overlay(whole, after, DAY, site, spent or {})[: len(observed)]


def window(from_slot: int, to_slot: int, announced_hours: float = 48, *, approved: bool = True) -> Window:
    from_ms = START + from_slot * SLOT_MS
    return Window("w", from_ms, START + to_slot * SLOT_MS, from_ms - round(announced_hours * HOUR), approved)


def in_utc(**other: object) -> SiteRules:
    return SiteRules(timezone="UTC", **{"commissioned": ALWAYS, **other})  # type: ignore[arg-type]  # a test's choice


def test_downtime_in_a_window_is_planned_up_and_unknown_stay() -> None:
    site = in_utc(windows=[window(1, 7)])
    assert judged("bUblpad?b", site) == "bUBLPAD?b"


@pytest.mark.parametrize(
    "bad", [window(0, 9, announced_hours=47.9), window(0, 9, approved=False), window(0, 0)], ids=["late", "no", "empty"]
)
def test_a_window_that_does_not_count_leaves_downtime(bad: Window) -> None:
    assert judged("bbb", in_utc(windows=[bad])) == "bbb"


def test_overlapping_windows_spend_the_cap_once() -> None:
    site = in_utc(windows=[window(0, 90), window(50, 150)])
    assert judged("b" * 200, site) == "B" * 96 + "b" * 104
    assert judged("b" * 200, site, {"2026-11": 90}) == "B" * 6 + "b" * 194
    assert judged("b" * 200, site, {"2026-10": 96}) == "B" * 96 + "b" * 104


def test_the_cap_is_of_the_local_month() -> None:
    last_of_october = date(2026, 11, 1).toordinal() - date(1970, 1, 1).toordinal()
    assert month_of(last_of_october * SLOTS_A_DAY, "America/Merida") == "2026-10"
    assert month_of(last_of_october * SLOTS_A_DAY, "UTC") == "2026-11"
    codes = "B" * 100 + "U" * 188
    assert spent_slots(codes, last_of_october, "America/Merida") == {"2026-10": 72, "2026-11": 28}


def test_time_that_was_not_commissioned_is_outside() -> None:
    site = in_utc(commissioned=[(START + SLOT_MS, START + 3 * SLOT_MS)])
    assert judged("UbU?", site) == "-bU-"


def test_our_outage_explains_what_is_unknown_and_nothing_else() -> None:
    site = in_utc(outages=[(START, START + 5 * SLOT_MS)])
    assert judged("Ub?hn?", site) == "Ubccc?"


def closing_at_ten(hours: Mapping[str, object]) -> SiteRules:
    return in_utc(opening_hours=[(ALWAYS[0], hours)], off_when_closed=ALWAYS)


TEN_TO_NOON = {day: [["10:00", "12:00"]] for day in WEEK}


def test_silence_outside_opening_hours_is_off_and_evidence_stays() -> None:
    site = closing_at_ten(TEN_TO_NOON)
    observed = "?" * 100 + "ub" + "h" * 18 + "U" * 24 + "?p" * 72
    assert judged(observed, site) == "o" * 100 + "ub" + "o" * 18 + "U" * 24 + "o" * 144


def test_a_late_start_within_the_hour_is_off_a_later_one_is_unknown_since_opening() -> None:
    site = closing_at_ten(TEN_TO_NOON)
    assert judged("?" * 131 + "U", site) == "o" * 131 + "U"
    assert judged("?" * 132 + "U", site) == "o" * 120 + "?" * 12 + "U"
    assert judged("?" * 125, site) == "o" * 120 + "?" * 5


def test_a_late_start_is_seen_across_midnight() -> None:
    site = closing_at_ten({day: [["23:30", "02:00"]] for day in WEEK})
    observed = "?" * 288
    before = "?" * 24
    assert judged(observed, site, after="??U" + "U" * 9)[24:] == "o" * 264
    assert judged(observed, site, after="?" * 12)[24:] == "o" * 258 + "?" * 6
    assert judged(observed, site)[:24] == before


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 7, 1), 24), (date(2026, 11, 1), 25)])
def test_a_day_of_juarez_may_have_23_or_25_hours(day: date, hours: int) -> None:
    zone = ZoneInfo(JUAREZ)
    start, end = local_ms(day, time(0), zone), local_ms(day + timedelta(days=1), time(0), zone)
    assert end - start == hours * HOUR
    site = SiteRules(timezone=JUAREZ, opening_hours=[(ALWAYS[0], {name: [["00:00", "24:00"]] for name in WEEK})])
    assert opening_spans(site, start, end) == [(start, end)]
    months = {month_of(slot, JUAREZ) for slot in range(start // SLOT_MS, end // SLOT_MS)}
    assert months == {day.strftime("%Y-%m")}


def test_opening_hours_follow_the_clock_change() -> None:
    site = SiteRules(timezone=JUAREZ, opening_hours=[(ALWAYS[0], {name: [["09:00", "17:00"]] for name in WEEK})])
    start = round(datetime(2026, 10, 31, tzinfo=UTC).timestamp() * 1000)
    found = opening_spans(site, start, start + 3 * DAY_MS)
    opened = [datetime.fromtimestamp(low / 1000, UTC).hour for low, _ in found[-2:]]
    assert opened == [16, 16]
    assert datetime.fromtimestamp(found[0][0] / 1000, UTC).hour == 15


def test_hours_that_cannot_be_read_open_nothing() -> None:
    site = SiteRules(timezone="UTC", opening_hours=[(ALWAYS[0], {name: [["soon", "12:00"]] for name in WEEK})])
    assert opening_spans(site, START, START + DAY_MS) == []
