"""What was spent in which month, and what the plan has to remember over a restart. Pure, but for its text form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

MONTHS_KEPT = 24
_MOST = 2**63 - 1
_MONTH = re.compile(r"(\d{6})?")


@dataclass(frozen=True, slots=True)
class Month:
    """One month's bytes and tests. A test under way is counted with all that it may cost."""

    tests_bytes: int = 0
    hand_bytes: int = 0
    telemetry_bytes: int = 0
    tests: int = 0
    peak_tests: int = 0
    since_ms: int | None = None

    @property
    def bytes(self) -> int:
        """Everything."""
        return self.tests_bytes + self.hand_bytes + self.telemetry_bytes

    def plus(self, other: Month) -> Month:
        """Return both together."""
        return Month(
            self.tests_bytes + other.tests_bytes,
            self.hand_bytes + other.hand_bytes,
            self.telemetry_bytes + other.telemetry_bytes,
            self.tests + other.tests,
            self.peak_tests + other.peak_tests,
            self.since_ms if self.since_ms is not None else other.since_ms,
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """The budget's memory.

    `month` is the last one that was known for sure, "" before there was one. `expected`: what a test of each
    size has cost of late. `decided`: the slot that is done with; `moved`: the slot whose test was put off to
    `moved_ms`. `sampled`: the last day (ordinal) on which each slot of the day was tested. `daily_bytes`: what
    the telemetry of a day costs. `spent_up`: the memory was lost, so this month counts as spent. `ahead_bytes` of
    `ahead_month`'s telemetry are booked ahead by the agent that runs.
    """

    salt: str = ""
    month: str = ""
    months: Mapping[str, Month] = field(default_factory=dict)
    expected: Mapping[str, int] = field(default_factory=dict)
    sampled: Mapping[str, int] = field(default_factory=dict)
    decided: str = ""
    moved: str = ""
    moved_ms: int = 0
    daily_bytes: int | None = None
    spent_up: bool = False
    ahead_bytes: int = 0
    ahead_month: str = ""

    def this(self) -> Month:
        """Return the known month alone."""
        return self.months.get(self.month, Month())

    def charged(self) -> Month:
        """Return what counts against this month: its own, and what was booked to later ones.

        A clock that was ahead and stepped back has booked to a month that is not there yet: that was spent now.
        """
        total = self.this()
        for name, other in self.months.items():
            if name > self.month:
                total = total.plus(other)
        return total

    def with_month(self, month: Month) -> Ledger:
        """Return the ledger with another account of the known month."""
        return replace(self, months={**self.months, self.month: month})

    def with_telemetry(self, count: int) -> Ledger:
        """Return the ledger with so much more telemetry in the known month."""
        account = self.this()
        return self.with_month(replace(account, telemetry_bytes=account.telemetry_bytes + count))

    def opened(self, count: int) -> Ledger:
        """Return the ledger with so much booked ahead. What was ahead before stays spent: its agent never closed."""
        return replace(self, ahead_bytes=0).with_ahead(count)

    def with_ahead(self, count: int) -> Ledger:
        """Return the ledger with so much of the known month's telemetry booked ahead, instead of what was before."""
        months = dict(self.months)
        if self.ahead_bytes:
            name = self.ahead_month if self.ahead_month in months else self.month
            before = months.get(name, Month())
            months[name] = replace(before, telemetry_bytes=max(0, before.telemetry_bytes - self.ahead_bytes))
        if count:
            account = months.get(self.month, Month())
            months[self.month] = replace(account, telemetry_bytes=account.telemetry_bytes + count)
        return replace(self, months=months, ahead_bytes=count, ahead_month=self.month)

    def at(self, month: str, now_ms: int) -> Ledger:
        """Return the ledger in `month`, which is known for sure. What was spent before any was known moves into it.

        As time goes on, months that a clock was ahead in, and that are still to come, have counted by now: they are
        laid to the month that ends.
        """
        if month == self.month and not self.spent_up:
            return self
        months = dict(self.months)
        if self.month and month > self.month:
            for name in [name for name in months if name > month]:
                months[self.month] = months.get(self.month, Month()).plus(months.pop(name))
        nameless = months.pop("", None)
        account = months.get(month, Month(since_ms=now_ms))
        months[month] = account if nameless is None else replace(account.plus(nameless), since_ms=account.since_ms)
        for name in sorted(months)[:-MONTHS_KEPT]:
            if name != month:
                del months[name]
        return replace(self, month=month, months=months, daily_bytes=self._daily(now_ms))

    def _daily(self, now_ms: int) -> int | None:
        """Return the telemetry of a day as the month that ends has shown it."""
        before = self.this()
        days = (now_ms - before.since_ms) / 86_400_000 if before.since_ms is not None else 0.0
        return round(before.telemetry_bytes / min(days, 31.0)) if days >= 2 else self.daily_bytes


def to_text(ledger: Ledger) -> str:
    """Return the ledger as JSON."""
    return json.dumps(asdict(ledger), separators=(",", ":"), sort_keys=True)


def from_text(text: str) -> Ledger:
    """Read what `to_text` wrote, of whatever version: what this one does not know is left out.

    Raises ValueError when it is something else.
    """
    try:
        found: dict[str, Any] = json.loads(text)
        months = {name: Month(**_known(Month, account)) for name, account in found["months"].items()}
        ledger = replace(Ledger(**_known(Ledger, found)), months=months)
        for account in months.values():
            _whole(account.tests_bytes, account.hand_bytes, account.telemetry_bytes, account.tests, account.peak_tests)
        _whole(ledger.moved_ms, ledger.ahead_bytes, *ledger.expected.values(), *ledger.sampled.values())
        _whole(*(known for known in (ledger.daily_bytes, *_since(months)) if known is not None))
        _words(ledger.salt, ledger.decided, ledger.moved)
        _months(ledger.month, ledger.ahead_month, *months)
    except (TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a ledger: {error}") from error
    return ledger


def _known(kind: type[Month | Ledger], found: Mapping[str, Any]) -> dict[str, Any]:
    return {item.name: found[item.name] for item in fields(kind) if item.name in found}


def _since(months: Mapping[str, Month]) -> list[int | None]:
    return [account.since_ms for account in months.values()]


def _whole(*numbers: object) -> None:
    if not all(isinstance(number, int) and 0 <= number <= _MOST for number in numbers):
        raise ValueError("not a ledger: a number is none, below 0 or beyond all measure")


def _words(*words: object) -> None:
    if not all(isinstance(word, str) for word in words):
        raise ValueError("not a ledger: a word is none")


def _months(*names: str) -> None:
    if not all(_MONTH.fullmatch(name) for name in names):
        raise ValueError("not a ledger: a month is none")
