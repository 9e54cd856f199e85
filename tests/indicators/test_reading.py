"""What the page of the four steps reads at once is what each figure alone would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.visitor import Held
from aldea.dashboard_api.figures.asking import Wanted
from aldea.dashboard_api.figures.places import Places, names_of
from aldea.dashboard_api.figures.reading import Reader
from aldea.dashboard_api.figures.rights import Rights
from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.terms import Level, Setting
from aldea.storage.register import Register, open_register
from aldea.storage.register.indicator_values import known_periods
from indicators.shown import NOW_MS, fill

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    register = open_register(f"sqlite:///{tmp_path_factory.mktemp('reading') / 'register.db'}")
    register.migrate()
    fill(register)
    yield register
    register.close()


@pytest.mark.parametrize("simulated", [False, True])
@pytest.mark.parametrize("setting", list(Setting))
@pytest.mark.parametrize("area", [(Level.ALL, "all"), (Level.STATE, "Yucatán"), (Level.MUNICIPALITY, "31079")])
@pytest.mark.parametrize("region", ["", "Yucatán"])
def test_all_figures_read_together_are_those_read_one_by_one(
    full: Register, *, simulated: bool, setting: Setting, area: tuple[Level, str], region: str
) -> None:
    held = (Held(frozenset({Permission.VIEW}), "", region),)
    with full.reading() as unit:
        places = Places(unit, NOW_MS, simulated=simulated)
        states = {(Level.STATE.value, place.state or ""): place.state or "" for place in places}
        reader = Reader(unit, places, Rights(not region, False, held, states))
        seen = 0
        for period in known_periods(unit, simulated=simulated):
            wanted = Wanted(simulated, *area, period, "", setting)
            together = reader.together(wanted, [period])
            assert together == {key: reader.rows(entry, wanted, [period]) for key, entry in CATALOGUE.items()}
            seen += sum(map(len, together.values()))
    assert seen or region or simulated or setting is Setting.URBAN


def test_areas_are_called_the_same_whether_sites_were_looked_at_or_not(full: Register) -> None:
    with full.reading() as unit:
        for simulated in (False, True):
            unread, read = (Places(unit, NOW_MS, simulated=simulated) for _ in range(2))
            assert len(read) > 0
            assert unread.areas == read.areas
            assert read.area_names == unread.area_names == names_of(unread.areas)
            assert read.names(Level.STATE) == unread.names(Level.STATE)
            assert (Level.STATE.value, "Yucatán") in unread.names(Level.STATE)
