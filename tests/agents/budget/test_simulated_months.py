"""A thousand months of one plan: never over by more than one capped test, enough tests, every time of day."""

from __future__ import annotations

import random
from calendar import monthrange
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from aldea.agents.budget.ledger import Ledger
from aldea.agents.budget.plan import PEAK_TESTS_A_MONTH, Plan
from aldea.agents.budget.slots import SiteCalendar
from aldea.agents.budget.terms import Allowed, Rung, Terms

START_MS = round(datetime(2026, 1, 1, 7, tzinfo=UTC).timestamp()) * 1000
HOUR_MS = 3_600_000
PEAK = ((18 * 60, 23 * 60),)
ZONES = ("America/Merida", "America/Ciudad_Juarez", "America/Mazatlan", "America/Mexico_City")


@dataclass
class Link:
    """What one simulated site does: how much a settled test needs, how much telemetry takes, who is on the link."""

    dice: random.Random
    settles_bytes: float
    daily_bytes: float
    busy_ratio: float
    off_ratio: float

    @classmethod
    def drawn(cls, number: int, dice: random.Random) -> Link:
        settles = (1e5, 1e6, 4e6, 12e6, 40e6)[number % 5]
        busy = {3: 0.3, 6: 1.0}.get(number % 10, 0.0)
        return cls(dice, settles, dice.uniform(2e5, 3e6), busy, 0.1 if number % 3 == 2 else 0.0)


@dataclass
class Seen:
    """What came of it."""

    over: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    tests: Counter[str] = field(default_factory=Counter)
    peak: Counter[str] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    rungs: Counter[Rung] = field(default_factory=Counter)
    hours_of_month: dict[str, set[int]] = field(default_factory=dict)


def live(plan: Plan, link: Link, zone: ZoneInfo, months: int) -> Seen:
    """Let a site live so many months; a test by hand now and then, a power cut in the midst of a test, too."""
    seen, ledger, dice = Seen(), Ledger(salt=str(dice_seed(link))), link.dice
    now_ms, booked_ms = START_MS, START_MS
    names: list[str] = []
    while True:
        local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
        name = f"{local.year:04d}{local.month:02d}"
        if name not in seen.hours_of_month:
            if len(names) == months:
                return seen
            names.append(name)
            seen.hours_of_month[name] = set()
        if now_ms - booked_ms > 12 * HOUR_MS:
            telemetry = round(link.daily_bytes * (now_ms - booked_ms) / 86_400_000 * dice.uniform(0.5, 1.5))
            ledger = plan.in_month(ledger, now_ms).with_telemetry(telemetry)
            seen.spent[name] += telemetry
            booked_ms = now_ms
        allowed, ledger = plan.ask(ledger, now_ms, busy=dice.random() < link.busy_ratio)
        if allowed is None and dice.random() < 0.02:
            allowed, ledger = plan.by_hand(ledger, now_ms)
        if allowed is not None:
            ledger = spend(plan, ledger, link, seen, allowed, local)
        following = plan.next_ms(ledger, now_ms)
        if dice.random() < link.off_ratio:
            following += round(dice.expovariate(1 / (6 * HOUR_MS)))
        now_ms = max(now_ms + 1000, following)


def spend(plan: Plan, ledger: Ledger, link: Link, seen: Seen, allowed: Allowed, local: datetime) -> Ledger:
    """Run the test: it costs what the link needs to settle, or its cap. Now and then the power is cut meanwhile."""
    dice, name = link.dice, f"{local.year:04d}{local.month:02d}"
    cost = round(min(allowed.cap_bytes, link.settles_bytes * dice.uniform(0.7, 1.4)))
    valid = cost < allowed.cap_bytes
    seen.spent[name] += cost
    if not allowed.by_hand:
        seen.tests[name] += 1
        seen.rungs[allowed.rung] += 1
        seen.hours[local.hour] += 1
        seen.hours_of_month[name].add(local.hour)
        seen.peak[name] += valid and allowed.at_peak
    return ledger if dice.random() > 0.99 else plan.settle(ledger, allowed, cost, valid=valid)


def dice_seed(link: Link) -> float:
    return link.dice.random()


@pytest.fixture(scope="module")
def lives() -> list[tuple[Terms, Link, Seen]]:
    found = []
    for number in range(40):
        terms = Terms(monthly_bytes=(30_000_000, 1_000_000_000, 200_000_000, 1_000_000_000)[number % 8 // 2])
        zone = ZoneInfo(ZONES[number % len(ZONES)])
        link = Link.drawn(number, random.Random(20260101 + number))
        found.append((terms, link, live(Plan(terms, SiteCalendar(zone, PEAK)), link, zone, 25)))
    return found


def test_a_thousand_months_are_never_over_by_more_than_one_capped_test(lives: list[tuple[Terms, Link, Seen]]) -> None:
    assert sum(len(seen.hours_of_month) for _, _, seen in lives) == 1000
    for terms, link, seen in lives:
        over = {
            name: spent - max(terms.monthly_bytes, round(1.6 * 31 * link.daily_bytes))
            for name, spent in seen.spent.items()
        }
        assert max(over.values()) <= terms.caps[Rung.FULL], (terms, link)
        if 31 * 1.6 * link.daily_bytes < terms.monthly_bytes:  # telemetry alone does not fill it
            assert max(seen.spent.values()) <= terms.monthly_bytes + terms.caps[Rung.FULL]


def usual(lives: list[tuple[Terms, Link, Seen]]) -> list[tuple[Link, Seen]]:
    return [(link, seen) for terms, link, seen in lives if terms.monthly_bytes == 1_000_000_000 and not link.off_ratio]


def test_the_usual_budget_has_a_test_in_nearly_each_slot_of_a_quiet_link(
    lives: list[tuple[Terms, Link, Seen]],
) -> None:
    quiet = [seen for link, seen in usual(lives) if not link.busy_ratio]
    assert quiet
    for seen in quiet:
        weeks = {name: monthrange(int(name[:4]), int(name[4:]))[1] / 7 for name in seen.tests}
        assert min(seen.tests[name] / weeks[name] for name in weeks) >= 33, "of the 42 slots that a week has"


def test_people_on_the_link_all_day_leave_each_time_of_day_sampled_each_week(
    lives: list[tuple[Terms, Link, Seen]],
) -> None:
    busy = [(link, seen) for link, seen in usual(lives) if link.busy_ratio == 1]
    assert busy
    for link, seen in busy:
        months = list(seen.tests)
        assert min(seen.tests[name] for name in months) >= 40
        if link.settles_bytes < 14e6:
            assert min(seen.peak[name] for name in months) >= PEAK_TESTS_A_MONTH


def test_every_hour_of_the_day_gets_its_tests(lives: list[tuple[Terms, Link, Seen]]) -> None:
    together: Counter[int] = Counter()
    for seen in (seen for link, seen in usual(lives) if not link.busy_ratio):
        together += seen.hours
        even = sum(seen.hours.values()) / 24
        assert min(seen.hours[hour] for hour in range(24)) >= even / 5, seen.hours
        assert max(seen.hours.values()) <= 2.5 * even, seen.hours
        covered = sum(len(hours) for hours in seen.hours_of_month.values()) / len(seen.hours_of_month)
        assert covered >= 23
    even = sum(together.values()) / 24
    assert min(together[hour] for hour in range(24)) >= even / 3, together


def test_a_link_that_settles_gives_thirty_valid_peak_tests_each_month(lives: list[tuple[Terms, Link, Seen]]) -> None:
    settling = [(link, seen) for link, seen in usual(lives) if link.settles_bytes <= 13e6]
    assert settling
    for link, seen in settling:
        assert min(seen.peak.values()) >= PEAK_TESTS_A_MONTH, (link, seen.peak)


def test_a_small_budget_goes_down_the_ladder(lives: list[tuple[Terms, Link, Seen]]) -> None:
    fast = {terms.monthly_bytes: seen.rungs[Rung.FULL] for terms, link, seen in lives if link.settles_bytes == 40e6}
    assert fast[1_000_000_000] > 200
    assert fast.get(30_000_000, 0) == 0
