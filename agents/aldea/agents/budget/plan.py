"""The plan: when the next test may run and how large. Pure: terms, ledger and moment in; decision and ledger out.

How it shares the month out is told in docs/throughput.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from aldea.agents.budget.ledger import Ledger, Month
from aldea.agents.budget.slots import (
    MINUTE_MS,
    SLOTS_A_DAY,
    Day,
    SiteCalendar,
    Slot,
    days_need,
    main_slots,
    share_of,
)
from aldea.agents.budget.terms import SIZES, Allowed, Forecast, Rung, Terms

DAY_MS = 86_400_000
PEAK_TESTS_A_MONTH = 30
SPARE_PEAK_TESTS = 3
LAST_START_MS = 10 * MINUTE_MS
"""A test begins no later than this before its window ends."""
RETRY_MS = 15 * MINUTE_MS
MISSED_MS = 30 * MINUTE_MS
"""A test that could not begin within this (the agent was off) gets another time: boots are no random moments."""
MAIN_WEIGHT = 20
UNSAMPLED_DAYS = 7
FORECAST_MARGIN = 1.25
_NEW = 0.3
_SETTLES_RATIO = 0.9


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the plan a moment is; `mains`: the indices of the day's main slots."""

    day: Day
    slot: Slot
    ledger: Ledger
    mains: frozenset[int]

    @property
    def is_main(self) -> bool:
        return self.slot.index in self.mains

    @property
    def window(self) -> tuple[int, int]:
        """When this slot's test may be: a main one in the peak hours."""
        peak = self.slot.peak
        return peak if self.is_main and peak is not None else (self.slot.start_ms, self.slot.end_ms)

    @property
    def weight(self) -> int:
        return MAIN_WEIGHT if self.is_main else 1

    @property
    def weight_left(self) -> int:
        """The weights of this slot and all that the month still has."""
        mains_today = sum(index >= self.slot.index for index in self.mains)
        today = SLOTS_A_DAY - self.slot.index + mains_today * (MAIN_WEIGHT - 1)
        return today + (self.day.days_left - 1) * (SLOTS_A_DAY + len(self.mains) * (MAIN_WEIGHT - 1))


class Plan:
    """The rules for one site."""

    def __init__(self, terms: Terms, calendar: SiteCalendar) -> None:
        self.terms = terms
        self.calendar = calendar
        self._drawn: tuple[tuple[str, int, str], frozenset[int]] | None = None

    def next_ms(self, ledger: Ledger, now_ms: int) -> int:
        """Return when a test is due next: this slot's, or the start of the next slot."""
        at = self._place(ledger, now_ms)
        return at.slot.end_ms if at.ledger.decided == at.slot.key else max(now_ms, _planned_ms(at))

    def ask(self, ledger: Ledger, now_ms: int, *, busy: bool) -> tuple[Allowed | None, Ledger]:
        """Decide about a test now, when the time is known for sure; `busy`: people use the link.

        Once for each slot: the decision is in the ledger that is returned, which must be kept before the test runs.
        """
        at = self._place(ledger, now_ms)
        ledger, slot = at.ledger, at.slot
        planned_ms = _planned_ms(at)
        if ledger.decided == slot.key or now_ms < planned_ms:
            return None, ledger
        latest_ms = at.window[1] - LAST_START_MS
        missed = now_ms > planned_ms + MISSED_MS
        if now_ms < latest_ms and (missed or busy):
            by_lot = round(share_of(ledger.salt, slot.key, now_ms) * (latest_ms - now_ms))
            later_ms = now_ms + (by_lot if missed else min(RETRY_MS, latest_ms - now_ms))
            return None, replace(ledger, moved=slot.key, moved_ms=later_ms)
        decided = replace(ledger, decided=slot.key)
        rung = Rung.PING if busy and _may_cancel(at) else self._rung(at, now_ms)
        if rung is Rung.PING:
            return None, decided
        sampled = {**ledger.sampled, str(slot.index): slot.day.toordinal()}
        return self._booked(replace(decided, sampled=sampled), rung, now_ms, by_hand=False)

    def by_hand(self, ledger: Ledger, now_ms: int | None) -> tuple[Allowed | None, Ledger]:
        """Return the largest test that what is kept for tests by hand still has, or None; months as in the ledger.

        The telemetry that is still to come goes first, where the time is known, but for one test: the month is never
        over by more.
        """
        charged = ledger.charged()
        rest = 0 if now_ms is None else self._telemetry_rest(ledger, self.calendar.day_of(now_ms), now_ms)
        spare = self.terms.monthly_bytes - charged.bytes
        left = min(self.terms.hand_bytes - charged.hand_bytes, spare, spare - rest + self.terms.caps[Rung.FULL])
        if ledger.spent_up:
            left = 0
        for rung in SIZES:
            if self.terms.caps[rung] <= left:
                return self._booked(ledger, rung, now_ms, by_hand=True)
        return None, ledger

    def settle(self, ledger: Ledger, test: Allowed, spent_bytes: int, *, valid: bool, whole: bool = True) -> Ledger:
        """Book what a test has cost instead of its cap.

        `valid`: it has shown the link's rate. `whole`: it went to its own end; one that was cut or failed shows
        nothing of what a test usually costs.
        """
        # A test that began before any month was known, and ends after: what it had booked has moved. Where that is gone
        # (the file was removed meanwhile, its month laid to another), nothing is given back.
        month = test.month if test.month in ledger.months else ledger.month
        account = ledger.months.get(month, Month())
        booked = account.hand_bytes if test.by_hand else account.tests_bytes
        settled = max(spent_bytes, booked - test.cap_bytes + spent_bytes)
        counted = replace(
            account,
            tests_bytes=account.tests_bytes if test.by_hand else settled,
            hand_bytes=settled if test.by_hand else account.hand_bytes,
            tests=account.tests + (spent_bytes > 0),
            peak_tests=account.peak_tests + (test.at_peak and valid),
        )
        ledger = replace(ledger, months={**ledger.months, month: counted})
        if not whole:
            return ledger
        before = self._expected(ledger, test.rung)
        return replace(
            ledger, expected={**ledger.expected, test.rung.value: round(before + _NEW * (spent_bytes - before))}
        )

    def forecast(self, ledger: Ledger, now_ms: int) -> Forecast:
        """Return how the month stands."""
        day = self.calendar.day_of(now_ms)
        charged = ledger.charged()
        rest = self._telemetry_rest(ledger, day, now_ms)
        left = self.terms.monthly_bytes - self.terms.hand_bytes - charged.tests_bytes - charged.telemetry_bytes - rest
        if ledger.spent_up:
            left = 0
        passed = max(now_ms - (ledger.this().since_ms or day.month_start_ms), DAY_MS)
        tests_rest = min(max(0, left), charged.tests_bytes * (day.month_end_ms - now_ms) // passed)
        return Forecast(charged.bytes, charged.bytes + rest + tests_rest, left)

    def room_from(self, ledger: Ledger, now_ms: int | None, need_bytes: int) -> int | None:
        """Return None when so many bytes besides tests are within the month now, else when the next month begins.

        `now_ms` None: the time is not known, and 0 is returned where there is no room. What is kept for tests by hand
        may be used, and what scheduled tests would have spent: they adapt.
        """
        rest, ends_ms = 0, 0
        if now_ms is not None:
            ledger = self.in_month(ledger, now_ms)
            day = self.calendar.day_of(now_ms)
            rest, ends_ms = self._telemetry_rest(ledger, day, now_ms), day.month_end_ms
        fits = ledger.charged().bytes + rest + need_bytes <= self.terms.monthly_bytes
        return None if fits and not ledger.spent_up else ends_ms

    def rung_now(self, ledger: Ledger, now_ms: int) -> Rung:
        """Return where on the ladder a test of the present slot stands."""
        return self._rung(self._place(ledger, now_ms), now_ms)

    def in_month(self, ledger: Ledger, now_ms: int) -> Ledger:
        """Return the ledger in the month of a moment that is known for sure."""
        day = self.calendar.day_of(now_ms)
        if ledger.spent_up and ledger.month not in {"", day.month}:
            ledger = replace(ledger, spent_up=False)
        return ledger.at(day.month, now_ms)

    def _place(self, ledger: Ledger, now_ms: int) -> _Place:
        ledger = self.in_month(ledger, now_ms)
        day = self.calendar.day_of(now_ms)
        slot = next(slot for slot in day.slots if now_ms < slot.end_ms)
        wanted = (day.slots[0].key, self._mains_a_day(ledger, day), ledger.salt)
        if self._drawn is None or self._drawn[0] != wanted:
            self._drawn = (wanted, main_slots(day.slots, wanted[1], ledger.salt))
        return _Place(day, slot, ledger, self._drawn[1])

    def _mains_a_day(self, ledger: Ledger, day: Day) -> int:
        """Return how many main tests a day needs. A link that no full test can settle gets no more for it: one."""
        at_most = sum(slot.peak is not None for slot in day.slots)
        if self._expected(ledger, Rung.FULL) >= _SETTLES_RATIO * self.terms.caps[Rung.FULL]:
            return min(1, at_most)
        wanted = PEAK_TESTS_A_MONTH + SPARE_PEAK_TESTS - ledger.this().peak_tests
        return 0 if at_most == 0 else days_need(wanted, day.days_left, at_most)

    def _rung(self, at: _Place, now_ms: int) -> Rung:
        """Return the largest size whose usual cost is within the slot's share, and its cap within what is left."""
        left = self.forecast(at.ledger, now_ms).left_bytes
        share = left * at.weight / at.weight_left
        for rung in SIZES:
            if self._expected(at.ledger, rung) <= share and self.terms.caps[rung] <= left:
                return rung
        return Rung.PING

    def _expected(self, ledger: Ledger, rung: Rung) -> int:
        """Return what a test of this size usually costs; never more than its cap, which may have been another once."""
        cap = self.terms.caps[rung]
        return min(cap, ledger.expected.get(rung, cap))

    def _telemetry_rest(self, ledger: Ledger, day: Day, now_ms: int) -> int:
        """Return what telemetry will still take this month: as it went so far, and a quarter more."""
        account = ledger.this()
        passed = now_ms - (account.since_ms if account.since_ms is not None else now_ms)
        daily = self.terms.daily_bytes if ledger.daily_bytes is None else ledger.daily_bytes
        if passed >= 2 * DAY_MS:
            daily = account.telemetry_bytes * DAY_MS // passed
        return round(FORECAST_MARGIN * daily * (day.month_end_ms - now_ms) / DAY_MS)

    def _booked(self, ledger: Ledger, rung: Rung, now_ms: int | None, *, by_hand: bool) -> tuple[Allowed, Ledger]:
        cap = self.terms.caps[rung]
        account = ledger.this()
        if by_hand:
            account = replace(account, hand_bytes=account.hand_bytes + cap)
        else:
            account = replace(account, tests_bytes=account.tests_bytes + cap)
        # A test by hand is no scheduled one: when a person asks is no random moment.
        at_peak = not by_hand and now_ms is not None and self.calendar.is_peak(now_ms)
        return Allowed(rung, cap, by_hand, ledger.month, at_peak), ledger.with_month(account)


def _planned_ms(at: _Place) -> int:
    if at.ledger.moved == at.slot.key:
        return at.ledger.moved_ms
    start, end = at.window
    return start + round(share_of(at.ledger.salt, at.slot.key) * max(0, end - LAST_START_MS - start))


def _may_cancel(at: _Place) -> bool:
    """Say whether a test may be given up for the people on the link: neither month nor time of day needs it."""
    if at.slot.peak is not None and at.ledger.this().peak_tests < PEAK_TESTS_A_MONTH:
        return False
    # A clock that was ahead has noted days that are still to come: they count for nothing.
    return 0 <= at.slot.day.toordinal() - at.ledger.sampled.get(str(at.slot.index), 0) < UNSAMPLED_DAYS
