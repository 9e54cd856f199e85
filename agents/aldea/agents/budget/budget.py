"""The site's byte budget: the plan's decisions, made durable, at the time that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aldea.agents.budget.ledger import Ledger
from aldea.agents.budget.meter import Meter
from aldea.agents.budget.plan import Plan
from aldea.agents.budget.store import LedgerFile
from aldea.agents.budget.terms import Allowed
from aldea.model.sample import Reading, Value

AHEAD_BYTES = 32_000
"""Telemetry that is booked before it is spent, while the agent runs: a crash finds it spent."""

KnownTime = Callable[[], int | None]
"""The wall clock's milliseconds where something vouches for them (NTP, the server), else None."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One site's budget in one data folder. Its methods read and write a file: call them in a thread.

    While the time is not known, nothing is scheduled and no month begins: what is spent then is booked to the last
    month that was known. A month that was known ends only when a later one is.
    """

    plan: Plan
    file: LedgerFile
    known_time: KnownTime
    meter: Meter

    def is_due(self) -> bool:
        """Say whether a scheduled test may be due, without deciding about it."""
        now_ms = self.known_time()
        return now_ms is not None and self.plan.next_ms(self._read(), now_ms) <= now_ms

    def ask(self, *, busy: bool) -> Allowed | None:
        """Return the test that may run now, its cap booked on disk before it does; None when none may."""
        now_ms = self.known_time()
        if now_ms is None:
            return None
        with self.file.held():
            before = self.file.read()
            allowed, ledger = self.plan.ask(before, now_ms, busy=busy)
            if ledger != before:
                self.file.write(ledger)
        return allowed

    def by_hand(self) -> Allowed | None:
        """Return the test by hand that may run now, booked; None when what is kept for them is spent."""
        with self.file.held():
            ledger = self._now(self.file.read())
            allowed, ledger = self.plan.by_hand(ledger, self.known_time())
            self.file.write(ledger)
        return allowed

    def settle(self, test: Allowed, spent_bytes: int, *, valid: bool, whole: bool = True) -> None:
        """Book what a test has cost. Raises OSError where that cannot be written: its whole cap stays booked."""
        with self.file.held():
            self.file.write(self.plan.settle(self.file.read(), test, spent_bytes, valid=valid, whole=whole))

    def open(self) -> None:
        """Begin an agent's account: book telemetry ahead. What an agent that crashed had booked ahead stays spent."""
        with self.file.held():
            self.file.write(self._now(self.file.read()).opened(AHEAD_BYTES))

    def book_if_due(self) -> None:
        """Book the telemetry since the last time, where it is half of what is booked ahead."""
        if self.meter.waiting() >= AHEAD_BYTES // 2:
            self._book()

    def book(self) -> None:
        """Book the telemetry since the last time."""
        self._book()

    def close(self) -> None:
        """End the account: book the rest, and take back what was booked ahead."""
        self._book(is_last=True)

    def reading(self) -> Reading:
        """Book the telemetry since the last time, and return how the month stands."""
        return self._reading(self._book())

    def room_from(self, need_bytes: int) -> int | None:
        """Return None when so many bytes besides tests may be spent now, else when the next month begins (0: unknown).

        What was spent and is not booked yet counts, and is booked where it is much: whoever asks spends much.
        """
        self.book_if_due()
        return self.plan.room_from(self._read(), self.known_time(), need_bytes + self.meter.waiting())

    def _book(self, *, is_last: bool = False) -> Ledger:
        telemetry = self.meter.take()
        try:
            with self.file.held():
                ledger = self._now(self.file.read()).with_telemetry(telemetry)
                ledger = ledger.with_ahead(0 if is_last else ledger.ahead_bytes)
                self.file.write(ledger)
        except OSError:
            self.meter.add(telemetry)
            raise
        return ledger

    def _read(self) -> Ledger:
        with self.file.held():
            return self.file.read()

    def _now(self, ledger: Ledger) -> Ledger:
        now_ms = self.known_time()
        return ledger if now_ms is None else self.plan.in_month(ledger, now_ms)

    def _reading(self, ledger: Ledger) -> Reading:
        charged = ledger.charged()
        fields: dict[str, Value] = {
            "month": ledger.month or None,
            "planned_bytes": self.plan.terms.monthly_bytes,
            "spent_bytes": charged.bytes,
            "tests_bytes": charged.tests_bytes,
            "hand_bytes": charged.hand_bytes,
            "telemetry_bytes": charged.telemetry_bytes,
            "tests": charged.tests,
            "peak_tests": charged.peak_tests,
            "forecast_bytes": None,
            "rung": None,
        }
        now_ms = self.known_time()
        if now_ms is not None:
            fields["forecast_bytes"] = self.plan.forecast(ledger, now_ms).forecast_bytes
            fields["rung"] = self.plan.rung_now(ledger, now_ms).value
        return Reading("budget", fields)
