"""The budget as it is kept: on disk, over restarts and wrong clocks, by hand, when its file is broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aldea.agents.budget import Budget, LedgerFile, Meter, Plan, Rung, SiteCalendar, Terms, wan_bytes_of
from aldea.agents.budget.ledger import Ledger, Month, from_text, to_text
from aldea.model.sample import Reading

NOON = round(datetime(2026, 6, 10, 12, tzinfo=UTC).timestamp()) * 1000
DAY = 86_400_000
TERMS = Terms()


class Time:
    """The time as far as it is known."""

    def __init__(self, now_ms: int | None = NOON) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int | None:
        return self.now_ms


def budget_in(folder: Path, time: Time, terms: Terms = TERMS) -> Budget:
    return Budget(Plan(terms, SiteCalendar(UTC, ((18 * 60, 23 * 60),))), LedgerFile(folder), time, Meter())


def run_to_a_test(budget: Budget, time: Time) -> None:
    assert time.now_ms is not None
    while budget.ask(busy=False) is None:
        time.now_ms = budget.plan.next_ms(budget.file.read(), time.now_ms + 1)


def test_a_test_is_booked_whole_before_it_runs_and_given_back_after(tmp_path: Path) -> None:
    time = Time()
    budget = budget_in(tmp_path, time)
    allowed = budget.by_hand()
    assert allowed is not None
    assert (allowed.rung, allowed.by_hand) == (Rung.FULL, True)
    assert budget_in(tmp_path, time).file.read().charged().bytes == allowed.cap_bytes
    budget.settle(allowed, 3_000_000, valid=True)
    assert budget.file.read().charged() == Month(hand_bytes=3_000_000, tests=1, since_ms=NOON)


def test_tests_by_hand_have_their_tenth_and_no_more(tmp_path: Path) -> None:
    budget = budget_in(tmp_path, Time())
    sizes = []
    while (allowed := budget.by_hand()) is not None:
        sizes.append(allowed.rung)
    assert sizes == [Rung.FULL] * 5
    assert budget.file.read().charged().hand_bytes == TERMS.hand_bytes
    assert budget.plan.forecast(budget.file.read(), NOON).left_bytes > 0, "the scheduled tests have theirs still"


def test_while_nobody_vouches_for_the_time_nothing_is_scheduled_but_a_person_may_test(tmp_path: Path) -> None:
    time = Time(None)
    budget = budget_in(tmp_path, time)
    assert not budget.is_due()
    assert budget.ask(busy=False) is None
    assert budget.by_hand() is not None
    assert budget.reading().fields["month"] is None
    time.now_ms = NOON
    reading = budget.reading()
    assert reading.fields["month"] == "202606"
    assert reading.fields["spent_bytes"] == 20_000_000, "what was spent before the month was known belongs to it"


def test_a_clock_that_steps_back_finds_what_was_spent_in_the_later_month(tmp_path: Path) -> None:
    time = Time(NOON + 40 * DAY)
    budget = budget_in(tmp_path, time)
    assert budget.by_hand() is not None
    time.now_ms = NOON
    assert budget.reading().fields["spent_bytes"] == 20_000_000
    time.now_ms = NOON + 40 * DAY
    assert budget.reading().fields["spent_bytes"] == 20_000_000


def test_a_new_month_begins_with_nothing_spent(tmp_path: Path) -> None:
    time = Time()
    budget = budget_in(tmp_path, time)
    while budget.by_hand() is not None:
        pass
    time.now_ms = NOON + 30 * DAY
    assert budget.by_hand() is not None
    assert budget.file.read().charged().hand_bytes == 20_000_000


def test_each_slot_is_decided_once_also_over_a_restart(tmp_path: Path) -> None:
    time = Time()
    run_to_a_test(budget_in(tmp_path, time), time)
    again = budget_in(tmp_path, time)
    assert again.ask(busy=False) is None
    assert not again.is_due()


def test_a_file_that_cannot_be_read_is_set_aside_and_the_month_counts_as_spent(tmp_path: Path) -> None:
    time = Time()
    (tmp_path / "budget.json").write_bytes(b"\xff{half")
    budget = budget_in(tmp_path, time)
    assert budget.by_hand() is None
    assert (tmp_path / "budget.broken").exists()
    assert budget.reading().fields["rung"] == "ping"
    time.now_ms = NOON + 30 * DAY
    assert budget.reading().fields["rung"] != "ping"
    assert budget.by_hand() is not None


def test_telemetry_beyond_the_budget_ends_the_tests_and_nothing_else(tmp_path: Path) -> None:
    budget = budget_in(tmp_path, Time())
    budget.meter.add(2_000_000_000)
    reading = budget.reading()
    assert reading.fields["telemetry_bytes"] == 2_000_000_000
    assert reading.fields["rung"] == "ping"
    assert budget.by_hand() is None


def test_the_ledger_comes_back_from_its_text_as_it_was() -> None:
    ledger = Ledger("s", "202606", {"202606": Month(1, 2, 3, 4, 5, 6)}, {"full": 7}, {"3": 8}, "d", "m", 9, 10)
    assert from_text(to_text(ledger)) == ledger
    assert from_text(to_text(replace(ledger, spent_up=True))).spent_up
    for text in ("", "{}", "[]", '{"months": 3}', to_text(ledger).replace("7", '"x"')):
        with pytest.raises(ValueError):  # noqa: PT011 - json's own is one as well
            from_text(text)


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading("ping", {"sent": 3, "received": 2, "method": "icmp"}, {"role": "anchor"}), 220),
        (Reading("ping", {"sent": 1, "received": 1, "method": "icmp"}, {"role": "gateway"}), 0),
        (Reading("ping", {"sent": 1, "received": 1, "method": "tcp"}, {"role": "anchor"}), 220),
        (Reading("dns", {"answers": 1}), 180),
        (Reading("http", {"body_bytes": 950}, {"target": "http://example.com/"}), 2_000),
        (Reading("snmp", {"rx_bytes": 5}), 0),
    ],
)
def test_what_a_probe_puts_on_the_link_is_counted(reading: Reading, expected: int) -> None:
    assert wan_bytes_of(reading) == expected
