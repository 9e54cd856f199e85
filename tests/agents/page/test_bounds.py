"""What costs bytes of the link is bounded for whoever has no PIN."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentkit.box import Browser, Idle, make_view
from aldea.agents.budget import LedgerFile
from aldea.agents.outbox import Machine
from aldea.agents.page.allowance import Allowance
from aldea.agents.page.app import build_site
from aldea.agents.page.pins import PinStore
from aldea.agents.page.repairing import ONE_REPORT_EACH_MS, REPORTS_AT_ONCE
from aldea.agents.page.rounds import CHECKS_AT_ONCE, ONE_CHECK_EACH_MS, CheckRounds, SpeedRounds
from aldea.agents.page.wiring import BoxPage
from aldea.agents.probe import ProbeContext
from aldea.agents.probes.budget import budget_of
from aldea.agents.settings import AgentSettings
from aldea.agents.throughput_settings import BudgetSettings, ThroughputSettings
from aldea.model.clock import ManualClock
from aldea.model.sample import Reading

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def test_an_allowance_fills_again_and_never_above_its_most(clock: ManualClock) -> None:
    allowance = Allowance(clock, 2, MINUTE)
    assert [allowance.take() for _ in range(3)] == [True, True, False]
    clock.advance(MINUTE)
    assert [allowance.take() for _ in range(2)] == [True, False]
    clock.advance(DAY)
    assert [allowance.take() for _ in range(3)] == [True, True, False]


class Counting(Idle):
    """Counts the rounds that were run."""

    def __init__(self) -> None:
        super().__init__(readings=[Reading("throughput", {"failure": None, "rate_bits_per_second": 1.0})])
        self.checks = self.tests = 0

    async def check(self, told: Any = None) -> Any:
        self.checks += 1
        return await super().check(told)

    async def test(self) -> Any:
        self.tests += 1
        return await super().test()


def test_whoever_presses_all_day_has_so_many_checks_and_the_pin_has_more(tmp_path: Path, clock: ManualClock) -> None:
    PinStore(tmp_path, None).set("4711")
    idle = Counting()
    browser = Browser(
        build_site(make_view(tmp_path, clock, None, idle, checks=CheckRounds(idle.submit, clock, idle.check)))
    )
    pressed = 0
    while pressed < DAY:
        answer = browser.post("/check")
        clock.advance(5 * MINUTE)
        pressed += 5 * MINUTE
    assert DAY // ONE_CHECK_EACH_MS <= idle.checks <= DAY // ONE_CHECK_EACH_MS + CHECKS_AT_ONCE
    assert answer.headers["location"] == "/check?said=checked_too_often"
    assert "Hoy ya se revisó muchas veces" in browser.get(answer.headers["location"]).text
    browser.post("/pin", {"pin": "4711"})
    assert browser.post("/check").headers["location"] == "/check"


def test_without_the_pin_half_of_the_tests_by_hand_stays(tmp_path: Path, clock: ManualClock) -> None:
    PinStore(tmp_path, None).set("4711")
    idle = Counting()
    left = [True, True, False]
    rounds = SpeedRounds(idle.submit, clock, idle.test, lambda: left.pop(0), available=True)
    browser = Browser(build_site(make_view(tmp_path, clock, None, idle, speed=rounds)))
    for _ in range(3):
        answer = browser.post("/check/speed", token_from="/check")
        clock.advance(MINUTE)
    assert idle.tests == 2
    assert answer.headers["location"] == "/check?said=tests_by_hand_spent"
    browser.post("/pin", {"pin": "4711"})
    browser.post("/check/speed", token_from="/check")
    assert idle.tests == 3


@pytest.mark.parametrize(("monthly", "tests"), [(1_000_000_000, 2), (300_000_000, 1), (3_000_000_000, 7)])
def test_the_half_is_that_of_the_months_account(tmp_path: Path, clock: ManualClock, monthly: int, tests: int) -> None:
    settings = AgentSettings(
        site="yaxcaba",
        data=tmp_path,
        throughput=ThroughputSettings(server="http://aldea.example.org"),
        budget=BudgetSettings(monthly_bytes=monthly),
    )
    context = ProbeContext(clock, tmp_path, anchored_ms=clock.wall_ms)

    async def made() -> BoxPage:
        return BoxPage(settings, Machine("hardware", "ab" * 8, "0.1"), context)

    page = asyncio.run(made())
    budget = budget_of(settings, context)
    count = 0
    while page._half_is_left():
        assert budget.by_hand() is not None
        count += 1
    assert count == tests
    assert LedgerFile(tmp_path).read().charged().hand_bytes <= max(20_000_000, monthly / 20)


def test_repairs_that_are_reported_without_end_are_bounded(tmp_path: Path, clock: ManualClock) -> None:
    PinStore(tmp_path, None).set("4711")
    idle = Idle()
    view = make_view(tmp_path, clock, None, idle)
    browser = Browser(build_site(view))
    for _ in range(REPORTS_AT_ONCE + 5):
        answer = browser.post("/repaired", {"note": "x"})
        last = view.repairing.book.last()
        assert last is not None
        view.repairing.book.answered(last.id, {}, confirmed=False)
        clock.advance(MINUTE)
    assert len(idle.recorded) <= REPORTS_AT_ONCE + 2
    assert "said=too_many_reports" in answer.headers["location"]
    browser.post("/pin", {"pin": "4711"})
    assert "said" not in browser.post("/repaired", {"note": "x"}).headers["location"]
    clock.advance(ONE_REPORT_EACH_MS)
