"""The telemetry's bytes while the agent runs: no end of it, however sudden, forgets what was spent."""

from __future__ import annotations

import errno
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aldea.agents.budget import Budget, BudgetKeeper, LedgerFile, Meter, Plan, SiteCalendar, Terms
from aldea.agents.budget.budget import AHEAD_BYTES
from aldea.agents.budget.ledger import Ledger

NOON = round(datetime(2026, 6, 10, 12, tzinfo=UTC).timestamp()) * 1000
DAY = 86_400_000


class Time:
    """The time as far as it is known."""

    def __init__(self, now_ms: int | None = NOON) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int | None:
        return self.now_ms


def budget_in(folder: Path, time: Time) -> Budget:
    return Budget(Plan(Terms(), SiteCalendar(UTC, ())), LedgerFile(folder), time, Meter())


def no_space(_file: LedgerFile, _ledger: Ledger) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_crash_forgets_nothing_of_what_was_sent(tmp_path: Path) -> None:
    spent = 0
    for sent in (3_000, 0, 30_000, 25_000, 700_000):
        budget = budget_in(tmp_path, Time())
        keeper = BudgetKeeper(budget)
        keeper.look()
        budget.meter.add(sent)
        if sent > AHEAD_BYTES:
            keeper.look()  # the next minute
        spent += sent
        # Here the power is cut.
    booked = budget_in(tmp_path, Time()).file.read().charged().telemetry_bytes
    assert spent <= booked <= spent + 5 * AHEAD_BYTES


def test_a_stop_in_order_books_what_was_sent_and_nothing_more(tmp_path: Path) -> None:
    time = Time()
    for sent in (3_000, 40_000):
        budget = budget_in(tmp_path, time)
        keeper = BudgetKeeper(budget)
        keeper.look()
        budget.meter.add(sent)
        keeper.close()
        keeper.look()  # a look that was still on its way
    assert budget.file.read().charged().telemetry_bytes == 43_000
    budget.meter.add(1)
    assert budget.reading().fields["telemetry_bytes"] == 43_001


def test_what_is_booked_ahead_goes_with_the_agent_into_the_next_month(tmp_path: Path) -> None:
    time = Time(None)
    budget = budget_in(tmp_path, time)
    keeper = BudgetKeeper(budget)
    keeper.look()
    for time.now_ms in (NOON, NOON + 30 * DAY):
        budget.meter.add(20_000)
        keeper.look()
        assert budget.reading().fields["telemetry_bytes"] == 20_000 + AHEAD_BYTES
    keeper.close()
    months = budget.file.read().months
    assert {name: month.telemetry_bytes for name, month in months.items()} == {"202606": 20_000, "202607": 20_000}


def test_a_disk_that_takes_nothing_ends_no_agent_and_what_was_sent_is_booked_once_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    budget = budget_in(tmp_path, Time())
    keeper = BudgetKeeper(budget)

    keeper.look()
    with monkeypatch.context() as no_room:
        no_room.setattr(LedgerFile, "write", no_space)
        for _ in range(3):
            budget.meter.add(20_000)
            keeper.look()
        with pytest.raises(OSError, match="No space"):
            budget.reading()
    assert caplog.text.count("cannot be written") == 1
    keeper.look()
    assert budget.file.read().charged().telemetry_bytes == 60_000 + AHEAD_BYTES


def test_an_agent_that_stops_at_once_books_nothing_ahead(tmp_path: Path) -> None:
    budget = budget_in(tmp_path, Time())
    keeper = BudgetKeeper(budget)
    budget.meter.add(700)
    keeper.close()
    keeper.look()  # the first look, which came too late
    assert budget.file.read().charged().telemetry_bytes == 700


def test_where_the_account_could_not_be_opened_what_was_sent_is_booked_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = budget_in(tmp_path, Time())
    keeper = BudgetKeeper(budget)
    budget.meter.add(20_000)
    with monkeypatch.context() as no_room:
        no_room.setattr(LedgerFile, "write", no_space)
        keeper.look()
    keeper.look()
    assert budget.file.read().charged().telemetry_bytes == 20_000 + AHEAD_BYTES
