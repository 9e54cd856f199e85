"""From an agent's bytes to settled truth: a real journal, its followers, a real register, a settler behind them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from aldea.model.sample import Reading
from aldea.storage.register.boots import boots_of
from aldea.storage.register.truth import settled_until
from delivery.world import HOUR, SITE
from settlingkit.whole import MINUTE, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.model.truth import Interval


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    """All of it."""
    made = Whole(tmp_path)
    yield made
    made.close()


def states(intervals: list[Interval]) -> list[tuple[str, str | None, int]]:
    """Return (state, cause, hours, rounded)."""
    return [(item.state.value, item.cause, round((item.end_ms - item.start_ms) / HOUR)) for item in intervals]


def test_an_outage_that_only_the_agent_saw(whole: Whole) -> None:
    whole.world.run(3)
    whole.measure(120, anchor=3)
    whole.world.run(5)
    assert states(whole.settle()) == [("up", None, 2)]
    whole.world.disconnect()
    whole.measure(180, anchor=0)
    assert states(whole.settle()) == [("up", None, 2), ("unknown", None, 3)]
    whole.measure(60, anchor=3)
    whole.world.run(40)
    found = whole.settle()
    assert states(found) == [("up", None, 2), ("down", "backhaul", 3), ("up", None, 1)]
    assert found[1].evidence["gateway"] == "answers"
    with whole.register.reading() as unit:
        settled = settled_until(unit, SITE)
    assert settled is not None
    assert whole.world.clock.wall_ms() - settled < HOUR // 2


def test_a_power_cut_without_a_witness_and_the_boots_that_tell_of_it(whole: Whole) -> None:
    whole.world.run(3)
    whole.measure(120, anchor=3)
    whole.world.run(5)
    whole.world.power_cut(minutes=180)
    whole.world.run(3)
    whole.measure(60, anchor=3)
    whole.world.run(5)
    found = whole.settle()
    assert states(found) == [("up", None, 2), ("unknown", None, 3), ("up", None, 1)]
    assert found[1].evidence["reason"] == "power_cut_or_agent_unplugged"
    with whole.register.reading() as unit:
        first, second = sorted(boots_of(unit, SITE), key=lambda boot: boot.started_ms or 0)
    assert first.started_ms is not None
    assert second.started_ms is not None
    assert abs(second.started_ms - (first.started_ms + first.last_mono_ms) - 3 * HOUR) < HOUR // 6


def test_a_boot_that_never_knew_the_time_is_judged_once_it_has_a_place(whole: Whole) -> None:
    whole.world.run(3)
    whole.measure(120, anchor=3)
    whole.world.run(5)
    whole.world.power_cut(minutes=60)
    whole.measure(120, anchor=0)
    whole.world.power_cut(minutes=60)
    whole.world.run(3)
    whole.measure(60, anchor=3)
    whole.world.run(60)
    found = states(whole.settle())
    assert found == [
        ("up", None, 2),
        ("unknown", None, 1),
        ("down", "backhaul", 2),
        ("unknown", None, 1),
        ("up", None, 1),
    ]
    with whole.register.reading() as unit:
        middle = sorted(boots_of(unit, SITE), key=lambda boot: boot.started_ms or 0)[1]
    assert middle.estimated


def test_a_power_cut_between_two_boots_that_never_knew_the_time_has_its_witness(whole: Whole) -> None:
    whole.world.run(3)
    whole.measure(60, anchor=3)
    whole.world.run(5)
    whole.world.power_cut(minutes=60)
    whole.measure(120, anchor=3)
    whole.world.power_cut(minutes=60)
    whole.world.record(Reading("snmp", {"uptime_seconds": 60}, {"target": "router"}))
    whole.measure(120, anchor=3)
    whole.world.power_cut(minutes=60)
    whole.world.run(3)
    whole.measure(60, anchor=3)
    whole.world.run(60)
    found = whole.settle()
    assert states(found)[:7] == [
        ("up", None, 1),
        ("unknown", None, 1),
        ("up", None, 2),
        ("down", "power", 1),
        ("up", None, 2),
        ("unknown", None, 1),
        ("up", None, 1),
    ]
    assert [item.evidence.get("stop") for item in found if item.state.value in {"down", "unknown"}][:3] == [
        "power_lost"
    ] * 3


def refuse(_db: object) -> None:
    """A disk without room."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


@pytest.mark.parametrize("told_by", ["the reserve", "what was sent"])
def test_hours_on_a_full_disk_before_a_power_cut_are_none_of_it(
    whole: Whole, monkeypatch: pytest.MonkeyPatch, told_by: str
) -> None:
    """The agent was there, whether it could write that down or its signs of life alone say so."""
    whole.world.run(3)
    whole.measure(120, anchor=3)
    whole.world.run(5)
    with monkeypatch.context() as patch:
        patch.setattr("aldea.agents.outbox.outbox.transaction", refuse)
        if told_by == "the reserve":
            whole.world.disconnect()
        for _ in range(36):
            whole.measure(5, anchor=3)
            whole.world.step(0)
    if told_by == "what was sent":  # the card took nothing, not even that it takes nothing
        (whole.world.folder / "agent" / "outbox.reserve").unlink()
    whole.world.power_cut(minutes=60)
    whole.world.run(3)
    whole.world.record(Reading("snmp", {"uptime_seconds": 120}, {"target": "router"}))
    whole.measure(60, anchor=3)
    whole.world.run(5)
    found = whole.settle()
    assert states(found) == [("up", None, 2), ("unknown", None, 3), ("down", "power", 1), ("up", None, 1)]
    assert found[1].evidence["reason"] == "not_measured"
    assert found[1].evidence.get("stop") == ("disk_full" if told_by == "the reserve" else None)
    assert found[2].evidence["stop"] == "power_lost"
    assert abs(found[2].end_ms - found[2].start_ms - HOUR) <= 10 * MINUTE
