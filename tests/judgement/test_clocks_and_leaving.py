"""The server's own clock jumps; sites leave while their judgement is under way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from aldea.indicators.periods import month_at, period_of
from aldea.indicators.work import IndicatorWork
from aldea.model.truth.slots import DAY_MS
from aldea.storage.register.leases import find_lease
from aldea.storage.register.simulated import remove_simulated
from aldea.storage.register.tables import metadata
from alertkit import DAY, MINUTE, SECOND, Country
from settlingkit.station import Station, at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.storage.register import Register, Unit


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """A register, a series store and a settler."""
    made = Station(tmp_path)
    yield made
    made.close()


@pytest.fixture
def country(register: Register) -> Country:
    """A country without sites."""
    made = Country(register)
    made.report()
    made.judge()
    return made


def all_leave_before_the_next_transaction(register: Register, patch: pytest.MonkeyPatch) -> None:
    """Let the simulated sites go between what is read now and what is written of it."""
    transaction = register.transaction

    @contextmanager
    def late() -> Iterator[Unit]:
        patch.setattr(register, "transaction", transaction)
        with transaction() as unit:
            remove_simulated(unit)
        with transaction() as unit:
            yield unit

    patch.setattr(register, "transaction", late)


def traces(register: Register) -> dict[str, int]:
    """Return the rows that are left of simulated sites, by table."""
    with register.reading() as unit:
        names = [name for name, table in metadata.tables.items() if "site" in table.c or "simulated" in table.c]
        counts = {name: len(unit.connection.execute(metadata.tables[name].select()).all()) for name in names}
        left = {name: count for name, count in counts.items() if count}
        if "alert_state" in left:
            table = metadata.tables["alert_state"]
            left["alert_state"] = len(unit.connection.execute(table.select().where(table.c.site != "")).all())
    return {name: count for name, count in left.items() if count}


def test_a_clock_that_was_a_month_ahead_does_not_hide_a_silence_afterwards(country: Country) -> None:
    country.add("uno", "dos", "tres", "cuatro")
    country.run(300)
    country.clock.step_wall(30 * DAY)
    country.run(120)
    country.clock.step_wall(-30 * DAY)
    country.run(15 * 60)
    assert country.firing("platform") == []
    country.cut("uno")
    country.run(17 * 60, every=10)
    assert country.firing("site_silent") == ["uno"]


def test_an_engine_that_died_with_a_clock_ahead_is_followed_by_another(country: Country) -> None:
    country.add("uno")
    country.clock.step_wall(30 * DAY)
    country.run(60)
    country.clock.step_wall(-30 * DAY)
    country.engine = country.new_engine("another")
    country.run(30)
    assert country.engine.active
    with country.register.reading() as unit:
        lease = find_lease(unit, "alerts")
    assert lease is not None
    assert lease.expires_ms < country.clock.wall_ms() + MINUTE


def test_sites_that_leave_while_the_engine_looks_leave_no_trace(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aldea.alert_rules.engine.turn.REFRESH_LEAST_MS", DAY)  # no look at the list by chance
    country.add("uno", simulated=True)
    country.run(60)
    country.cut("uno")
    country.run(14 * 60 + 50, every=10)
    for _ in range(2):
        country.clock.advance(5 * SECOND)
        country.report()
    all_leave_before_the_next_transaction(country.register, monkeypatch)
    country.judge()
    country.run(60)
    assert traces(country.register) == {}


def test_sites_that_leave_while_their_days_are_settled_leave_no_trace(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.add("demo", simulated=True, sees={"clients": False})
    station.move(at("10 12:00"))
    station.deliver("demo", station.rows([(at("10 06:00"), at("10 11:00"), "good")]))
    station.settler.step()
    station.deliver("demo", station.rows([(at("10 11:00"), at("10 12:00"), "good")]))
    settle = station.settler._settle

    def settle_late(now_ms: int) -> bool:
        all_leave_before_the_next_transaction(station.register, monkeypatch)
        return settle(now_ms)

    monkeypatch.setattr(station.settler, "_settle", settle_late)
    station.settler.step()
    monkeypatch.undo()
    station.settle()
    assert traces(station.register) == {}


def test_sites_that_leave_while_their_indicators_are_worked_out_leave_no_trace(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.add("demo", simulated=True)
    station.move(at("10 12:00"))
    station.deliver("demo", station.rows([(at("10 06:00"), at("10 11:00"), "good")]))
    station.settle()
    work = IndicatorWork(station.register, station.clock)
    all_leave_before_the_next_transaction(station.register, monkeypatch)
    work.publish(period_of(month_at(station.clock.wall_ms(), "UTC").code), simulated=True)
    assert traces(station.register) == {}


def test_a_settler_whose_clock_was_ahead_goes_on_judging_silence(station: Station) -> None:
    station.add("uno")
    station.settle(at("10 12:00"))
    station.settle(at("10 12:00") + 2 * DAY_MS)
    station.settle(at("10 14:00"))
    station.settle(at("10 16:00"))
    with station.register.reading() as unit:
        ends = [row.end_ms for row in unit.connection.execute(metadata.tables["truth_interval"].select())]
    assert at("10 15:40") <= max(ends) <= at("10 16:00")
