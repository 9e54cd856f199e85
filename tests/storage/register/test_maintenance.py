"""Maintenance windows in the register, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from aldea.model.truth import TruthState
from aldea.storage.register import RegisterError
from aldea.storage.register.maintenance import (
    Maintenance,
    add_maintenance,
    end_maintenance,
    maintenance_between,
    set_considered,
    unconsidered,
)
from aldea.storage.register.settling import Progress, mark_days, write_progress
from aldea.storage.register.simulated import remove_simulated_sites
from aldea.storage.register.tables import metadata
from aldea.storage.register.usage_days import UsageDay, write_usage_days
from storage.register.settled import DAY, HOUR, OVER, START, keep, settled

if TYPE_CHECKING:
    from aldea.storage.register import Register

pytestmark = pytest.mark.usefixtures("three_sites")


def _window(**other: object) -> Maintenance:
    values = {"site": "norte", "from_ms": START, "to_ms": START + HOUR, "announced_ms": 0, "reason": "mast", **other}
    return Maintenance(**values)  # type: ignore[arg-type]  # a test's choice


def test_a_window_is_listed_and_ends_early(register: Register) -> None:
    with register.transaction() as unit:
        one = add_maintenance(unit, _window())
        other = add_maintenance(unit, _window(from_ms=START + HOUR, to_ms=START + 3 * HOUR))
        assert maintenance_between(unit, START, START + HOUR) == (one,)
        assert end_maintenance(unit, one.id, START + HOUR // 2)
        assert not end_maintenance(unit, one.id, START + HOUR)
        assert end_maintenance(unit, other.id, START)
        assert maintenance_between(unit, START, START + 5 * HOUR) == (replace(one, to_ms=START + HOUR // 2),)


def test_a_window_that_changed_is_to_be_considered_again(register: Register) -> None:
    with register.transaction() as unit:
        one = add_maintenance(unit, _window())
        assert unconsidered(unit) == ((one, None),)
        set_considered(unit, [one])
        assert unconsidered(unit) == ()
        end_maintenance(unit, one.id, START + HOUR // 2)
        assert unconsidered(unit) == ((replace(one, to_ms=START + HOUR // 2), (START, START + HOUR)),)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"to_ms": START}, "must end after it begins"),
        ({"reason": " "}, "needs a reason"),
        ({"site": "nowhere"}, "is not registered"),
    ],
)
def test_a_bad_window_gets_a_sentence(register: Register, other: dict[str, object], sentence: str) -> None:
    with pytest.raises(RegisterError, match=sentence), register.transaction() as unit:
        add_maintenance(unit, _window(**other))


def test_a_window_of_a_simulated_site_is_simulated_and_leaves_with_it(register: Register) -> None:
    with register.transaction() as unit:
        assert add_maintenance(unit, _window(site="demo")).simulated
        add_maintenance(unit, _window(site=None, region="Yucatán", simulated=True))
        real = add_maintenance(unit, _window())
        mark_days(unit, [("demo", DAY)])
        write_progress(unit, [Progress("demo", START, START)])
        write_usage_days(unit, [(UsageDay("demo", date(2026, 1, 1), 3, 1.0, "A"), True)])
    keep(register, settled("U", (0, 24, TruthState.UP), site="demo"), OVER)
    with register.transaction() as unit:
        remove_simulated_sites(unit)
        assert maintenance_between(unit, 0, OVER) == (real,)
        for name in ("slot_day", "truth_interval", "truth_dirty", "truth_progress", "usage_day"):
            assert unit.connection.execute(metadata.tables[name].select()).all() == [], name
