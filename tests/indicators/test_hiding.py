"""What is hidden of people's figures is the same, whether all values are looked at or as few as a question needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from aldea.dashboard_api.figures import hiding
from aldea.dashboard_api.figures.hiding import Hiding
from aldea.dashboard_api.figures.places import Places
from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.sharing import Tree, hidden_nodes, node_of, tree_of
from aldea.indicators.terms import Disclosure, Level
from aldea.storage.register import Register, Unit, open_register
from aldea.storage.register.facts import NewFact
from aldea.storage.register.indicator_values import (
    IndicatorValue,
    PersonCount,
    ValueFilter,
    disagg_key,
    read_person_counts,
    read_values,
)
from aldea.storage.register.indicator_writing import put_values
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PERIOD = "202503"
INDICATOR = next(entry for entry in CATALOGUE.values() if entry.disclosure is Disclosure.SHARE)
SEX_SPLITS: tuple[dict[str, str], ...] = ({}, {"sex": "F"}, {"sex": "M"})
STATES = (("A", ("01001", "01002", "01003")), ("B", ("02001", "02002")), ("C", ("03001",)))
TOWNS = [(state, town) for state, towns in STATES for town in towns]
LOOSE = [("A", None), (None, None), (None, "09009")]


class _Undone(Exception):
    """Nothing of an example stays in the register."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    register = open_register(f"sqlite:///{tmp_path_factory.mktemp('hiding') / 'register.db'}")
    register.migrate()
    yield register
    register.close()


PLACE = st.one_of(st.sampled_from(TOWNS), st.sampled_from(TOWNS), st.sampled_from(TOWNS + LOOSE))
PEOPLE = st.tuples(
    st.one_of(st.integers(0, 40), st.integers(0, 12)),
    st.one_of(st.integers(0, 40), st.integers(0, 12)),
)
SITE = st.tuples(PLACE, st.booleans(), st.sampled_from(["", "one", "two"]), PEOPLE)
Drawn = tuple[tuple[str | None, str | None], bool, str, tuple[int, int]]


def _one_gives_away(*places: tuple[str | None, str | None]) -> list[Drawn]:
    """Return sites of which only the first has women, whose number its few men would tell."""
    first, *others = places
    return [(first, False, "", (20, 3)), *((other, False, "", (0, 30)) for other in others)]


def _one_of_two_states_in_town() -> list[Drawn]:
    """Return sites of one municipality in two states: its state by the last of them has no site in a town."""
    return [
        (("A", "01001"), True, "", (4, 3)),
        *((("B", town), False, "", (30, 30)) for town in ("01001", "02001", "02002")),
        (("C", "03001"), True, "", (40, 40)),
    ]


@example(_one_gives_away(("C", "03001"), ("C", "03001")), [], False)
@example(_one_gives_away(("A", None), ("A", "01001"), ("A", "01002")), [], False)
@example(_one_gives_away((None, None), ("A", "01001")), [], False)
@example(_one_gives_away((None, "09009"), ("A", "01001")), [], False)
@example(_one_gives_away(("A", "01001"), ("A", "01002")), [("A", "01001")], False)
@example(_one_gives_away(("A", None), ("A", None), (None, None)), [], False)
@example(_one_of_two_states_in_town(), [], False)
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(SITE, min_size=1, max_size=10), st.lists(PLACE, max_size=3), st.booleans())
def test_every_question_hides_what_all_values_together_would_have_hidden(
    empty: Register, drawn: list[Drawn], gone: list[tuple[str | None, str | None]], analyst: bool
) -> None:
    try:
        with empty.transaction() as unit:
            _enter(unit, drawn, gone)
            _compare(unit, analyst=analyst)
            raise _Undone
    except _Undone:
        pass


def test_a_part_whose_own_area_has_no_figure_gives_nothing_away_of_the_next_one_up() -> None:
    above = {("municipality", "01001"): ("state", "A"), ("state", "A"): ("all", "all"), ("state", "B"): ("all", "all")}
    above["site", "s1"] = "municipality", "01002"
    above["municipality", "01002"] = "state", "B"
    few, of_few, rest = ("municipality", "01001", "", ""), ("site", "s1", "", ""), ("state", "B", "", "")
    counts = {("all", "all", "", ""): 47, few: 7, rest: 40, ("municipality", "02001", "", ""): 33, of_few: 6}
    values = [_value(node, count, {}) for node, count in counts.items()]
    hidden = hidden_nodes(INDICATOR.disclosure, values, Tree(above, frozenset()))
    assert hidden == {few, of_few, rest}  # of the whole and its parts, and of B and its parts, two each


def test_a_figure_of_many_sites_is_read_without_the_sites(empty: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Drawn] = [(place, False, "", (30 + number, 20)) for number, place in enumerate(TOWNS[:5] * 3)]
    levels: list[str] = []
    read = read_person_counts

    def noted(
        unit: Unit,
        ids: Sequence[str],
        periods: Sequence[str],
        level: str,
        codes: Sequence[str] | None,
        *,
        simulated: bool,
    ) -> list[PersonCount]:
        levels.append(level)
        return read(unit, ids, periods, level, codes, simulated=simulated)

    monkeypatch.setattr(hiding, "read_person_counts", noted)
    try:
        with empty.transaction() as unit:
            _enter(unit, drawn, [])
            places = Places(unit, 1, simulated=False)
            Hiding(unit, places, simulated=False, analyst=False).nodes([INDICATOR], [PERIOD], Level.STATE, None)
            assert Level.SITE.value not in levels
            Hiding(unit, places, simulated=False, analyst=False).nodes([INDICATOR], [PERIOD], Level.SITE, ["s3"])
            assert Level.SITE.value in levels
            raise _Undone
    except _Undone:
        pass


def _compare(unit: Unit, *, analyst: bool) -> None:
    whole = read_values(unit, ValueFilter(False, [INDICATOR.id], [PERIOD], disagg=None))
    places = Places(unit, 1, simulated=False)
    tree = tree_of(places.areas, places)
    expected = hidden_nodes(INDICATOR.disclosure, whole, tree, analyst=analyst)
    asked: list[tuple[Level, str | None]] = [(level, None) for level in Level]
    asked += [(Level(level), code) for level, code in tree.above]
    for level, code in asked:
        finder = Hiding(unit, Places(unit, 1, simulated=False), simulated=False, analyst=analyst)
        found = finder.nodes([INDICATOR], [PERIOD], level, None if code is None else [code]).get(
            (INDICATOR.id, PERIOD), frozenset()
        )
        for node in map(node_of, whole):
            if node[0] == level and code in {None, node[1]}:
                assert (node in found) == (node in expected), (level, code, node)


def _enter(unit: Unit, drawn: Sequence[Drawn], gone: Sequence[tuple[str | None, str | None]]) -> None:
    """Enter sites, and the values of them and of their areas; `gone`: areas with values in which no site is left."""
    sums: dict[tuple[str, str, str, str], int] = {}
    splits = {disagg_key(split): split for split in _all_splits()}
    entries = []
    for number, ((state, town), urban, programme, people) in enumerate(drawn):
        site = f"s{number}"
        facts = {"state_name": state, "inegi_code": town, "urban": urban or None}
        told = tuple(NewFact(name, value) for name, value in facts.items() if value is not None)
        entries.append(SiteEntry(Site(site, site, "UTC", 0), 0, SiteState.COMMISSIONED, told, ()))
        _add(sums, [("site", site)], {"", programme}, people, {})
        _add(sums, _areas(state, town), {"", programme}, people, {"setting": "urban"} if urban else {})
    for state, town in gone:
        _add(sums, _areas(f"{state}-gone", f"8{town}"[:5])[:-1], {""}, (7, 30), {})
    add_sites(unit, entries)
    values = [_value(node, count, splits[node[3]]) for node, count in sums.items()]
    put_values(unit, PERIOD, values, simulated=False, closing=True, at_ms=1, positions={})


def _areas(state: str | None, town: str | None) -> list[tuple[str, str]]:
    known = (("municipality", town), ("state", state), ("all", "all"))
    return [(level, code) for level, code in known if code is not None]


def _add(
    sums: dict[tuple[str, str, str, str], int],
    areas: Sequence[tuple[str, str]],
    programmes: set[str],
    people: tuple[int, int],
    setting: dict[str, str],
) -> None:
    parts: list[tuple[dict[str, str], int]] = [({}, sum(people)), ({"sex": "F"}, people[0]), ({"sex": "M"}, people[1])]
    for area in areas:
        for programme in programmes:
            for split, count in parts:
                if count or not split:
                    key = (*area, programme, disagg_key({**setting, **split}))
                    sums[key] = sums.get(key, 0) + count


def _all_splits() -> list[dict[str, str]]:
    return [{**setting, **split} for setting in ({}, {"setting": "urban"}) for split in SEX_SPLITS]


def _value(node: tuple[str, str, str, str], count: int, disagg: dict[str, str]) -> IndicatorValue:
    level, code, programme, _ = node
    return IndicatorValue(
        INDICATOR.id,
        "1",
        level,
        code,
        PERIOD,
        programme,
        False,
        "percent",
        "administrative",
        "A" if count else "L",
        value=50.0 if count else None,
        numerator=float(count // 2),
        denominator=float(count),
        n=count,
        disagg=disagg,
    )
