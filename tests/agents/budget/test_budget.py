"""The budget as it is kept: on disk, over restarts and wrong clocks, by hand, when its file is broken."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aldea.agents.budget import Budget, LedgerFile, Meter, Plan, Rung, SiteCalendar, Terms, wan_bytes_of
from aldea.agents.budget.ledger import Ledger, Month, from_text, to_text
from aldea.model.sample import Reading

NOON = round(datetime(2026, 6, 10, 12, tzinfo=UTC).timestamp()) * 1000
DAY = 86_400_000
LEDGER = Ledger("s", "202606", {"202606": Month(1, 2, 3, 4, 5, 6)}, {"full": 7}, {"3": 8}, "d", "m", 9, 10)
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


@pytest.mark.parametrize("hand_ratio", [0.1, 0.5, 1.0])
def test_tests_by_hand_leave_room_for_the_telemetry_that_is_still_to_come(tmp_path: Path, hand_ratio: float) -> None:
    terms = Terms(monthly_bytes=70_000_000, hand_ratio=hand_ratio)
    time = Time(NOON - 9 * DAY)
    budget = budget_in(tmp_path, time, terms)
    tests = 0
    for _day in range(29):
        tests += budget.by_hand() is not None
        budget.meter.add(terms.daily_bytes)
        budget.reading()
        time.now_ms = (time.now_ms or 0) + DAY
    assert tests > 0
    assert budget.file.read().charged().bytes <= terms.monthly_bytes + terms.caps[Rung.FULL]


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


def test_a_clock_that_was_years_ahead_costs_the_month_it_was_in_and_none_after(tmp_path: Path) -> None:
    time = Time(NOON)
    budget = budget_in(tmp_path, time)
    budget.reading()
    time.now_ms = NOON + 9 * 365 * DAY
    assert budget.by_hand() is not None
    time.now_ms = NOON
    assert budget.reading().fields["spent_bytes"] == 20_000_000
    time.now_ms = NOON + 30 * DAY
    assert budget.reading().fields["spent_bytes"] == 0
    assert budget.file.read().months["202606"].hand_bytes == 20_000_000


def test_a_time_of_day_that_a_wrong_clock_has_sampled_counts_as_not_sampled_yet(tmp_path: Path) -> None:
    time = Time(NOON + 400 * DAY)
    budget = budget_in(tmp_path, time)
    for slot in range(6):
        time.now_ms = NOON + 400 * DAY + (slot - 3) * DAY // 6
        run_to_a_test(budget, time)
    time.now_ms = NOON
    while time.now_ms < NOON + 3 * DAY:
        budget.ask(busy=True)
        time.now_ms = budget.plan.next_ms(budget.file.read(), time.now_ms + 1)
    today = datetime.fromtimestamp(NOON / 1000, UTC).toordinal()
    assert all(0 <= day - today <= 3 for day in budget.file.read().sampled.values())


def test_a_test_that_began_before_the_month_was_known_gives_back_to_the_month_it_is_booked_to(tmp_path: Path) -> None:
    time = Time(None)
    budget = budget_in(tmp_path, time)
    allowed = budget.by_hand()
    assert allowed is not None
    time.now_ms = NOON
    budget.reading()
    budget.settle(allowed, 1_000_000, valid=True)
    assert budget.reading().fields["spent_bytes"] == 1_000_000
    time.now_ms = NOON + 30 * DAY
    assert budget.reading().fields["spent_bytes"] == 0, "and not less than nothing"


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_test_whose_account_is_gone_when_it_ends_gives_nothing_back(tmp_path: Path, by_hand: bool) -> None:
    time = Time()
    budget = budget_in(tmp_path, time)
    if by_hand:
        allowed = budget.by_hand()
    else:
        while (allowed := budget.ask(busy=False)) is None:
            assert time.now_ms is not None
            time.now_ms = budget.plan.next_ms(budget.file.read(), time.now_ms + 1)
    assert allowed is not None
    (tmp_path / "budget.json").unlink()
    budget.settle(allowed, 3_000_000, valid=True)
    account = budget.file.read().charged()
    assert (account.bytes, account.hand_bytes > 0) == (3_000_000, by_hand)


def test_a_budget_that_is_lowered_in_mid_month_ends_the_tests_until_the_next(tmp_path: Path) -> None:
    time = Time()
    budget = budget_in(tmp_path, time)
    while budget.by_hand() is not None:
        pass
    lowered = budget_in(tmp_path, time, Terms(monthly_bytes=50_000_000))
    fields = lowered.reading().fields
    assert (fields["spent_bytes"], fields["rung"]) == (100_000_000, "ping")
    assert lowered.by_hand() is None
    assert lowered.room_from(1) == lowered.plan.calendar.day_of(NOON).month_end_ms
    time.now_ms = NOON + 30 * DAY
    assert lowered.by_hand() is not None


def test_a_size_that_is_lowered_is_taken_for_what_it_may_cost_now(tmp_path: Path) -> None:
    time = Time()
    costly = Terms(caps={Rung.FULL: 60_000_000, Rung.SHORT: 6_000_000, Rung.SMALL: 1_000_000})
    budget = budget_in(tmp_path, time, costly)
    for _ in range(9):
        allowed = budget.by_hand()
        if allowed is not None:
            budget.settle(allowed, allowed.cap_bytes, valid=False)
    cheaper = Terms(caps={Rung.FULL: 500_000, Rung.SHORT: 400_000, Rung.SMALL: 300_000})
    assert budget_in(tmp_path, time, cheaper).reading().fields["rung"] == "full"


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


def test_a_file_that_cannot_be_read_on_a_disk_that_takes_nothing_is_no_second_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "budget.json").write_bytes(b"\xff{half")
    with monkeypatch.context() as full:
        full.setattr("aldea.agents.budget.store.write_whole", refuse)
        with pytest.raises(OSError, match="No space"):
            budget_in(tmp_path, Time()).by_hand()
    assert budget_in(tmp_path, Time()).by_hand() is None
    assert (tmp_path / "budget.broken").read_bytes() == b"\xff{half"


def refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave files that the agent may not read")
def test_what_root_has_tested_by_hand_the_agent_can_go_on_with(tmp_path: Path) -> None:
    agent = 54_321
    os.chown(tmp_path, agent, agent)
    assert budget_in(tmp_path, Time()).by_hand() is not None
    assert {path.name: path.stat().st_uid for path in tmp_path.iterdir()} == {
        "budget.json": agent,
        "budget.lock": agent,
    }


def test_telemetry_beyond_the_budget_ends_the_tests_and_nothing_else(tmp_path: Path) -> None:
    budget = budget_in(tmp_path, Time())
    budget.meter.add(2_000_000_000)
    reading = budget.reading()
    assert reading.fields["telemetry_bytes"] == 2_000_000_000
    assert reading.fields["rung"] == "ping"
    assert budget.by_hand() is None


def test_the_ledger_comes_back_from_its_text_as_it_was() -> None:
    assert from_text(to_text(LEDGER)) == LEDGER
    assert from_text(to_text(replace(LEDGER, spent_up=True))).spent_up


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "\0" * 200,
        "[" * 100_000,
        '{"months": 3}',
        '{"months": {"202606": 3}}',
        '{"months": {"June": {}}}',
        to_text(LEDGER)[:-9],
        to_text(LEDGER).replace("7", '"x"'),
        to_text(LEDGER).replace('"since_ms":6', '"since_ms":"x"'),
        to_text(LEDGER).replace('"month":"202606"', '"month":202606'),
        to_text(LEDGER).replace('"daily_bytes":10', '"daily_bytes":"x"'),
        to_text(LEDGER).replace('"tests_bytes":1', '"tests_bytes":-1'),
        to_text(LEDGER).replace('"hand_bytes":2', '"hand_bytes":-900000000'),
        to_text(LEDGER).replace('"telemetry_bytes":3', '"telemetry_bytes":-3'),
        to_text(LEDGER).replace('"since_ms":6', '"since_ms":-6'),
        to_text(LEDGER).replace('"full":7', '"full":-7'),
        to_text(LEDGER).replace('"ahead_bytes":0', '"ahead_bytes":-5'),
        to_text(LEDGER).replace('"daily_bytes":10', '"daily_bytes":1' + "0" * 400),
    ],
)
def test_what_is_no_ledger_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own is one as well
        from_text(text)


def test_a_ledger_of_another_version_keeps_what_is_known() -> None:
    """A release that is rolled back finds what the newer one has written, and the other way round."""
    newer = to_text(LEDGER).replace('"tests":4', '"tests":4,"later":1').replace('"salt"', '"more":[1],"salt"')
    assert from_text(newer) == LEDGER
    assert from_text('{"months":{"202606":{"tests_bytes":5}},"month":"202606"}').charged() == Month(5)


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
