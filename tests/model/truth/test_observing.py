"""What one slot, and its neighbours, say."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.model.truth import (
    SLOT_MS,
    SLOTS_A_DAY,
    BootSpan,
    Code,
    Hole,
    SlotDay,
    Tally,
    TruthState,
    Witness,
    holes_between,
    intervals_of,
    judge_hole,
    observe,
)
from aldea.model.truth.evidence import is_public_server
from aldea.model.truth.observing import of_day
from aldea.model.truth.slots import DAY_MS, slots_from_body
from aldea.model.truth.states import MEANINGS

DAY = 20_000
START = DAY * DAY_MS
END = START + DAY_MS
HOUR = 3_600_000


def slot(index: int) -> int:
    return START + index * SLOT_MS + 1_000


def letters(tally: Tally, until_ms: int = END, boots: tuple[BootSpan, ...] = ()) -> str:
    return of_day(observe(tally, DAY, until_ms, boots, []), DAY)[0]


def one(*calls: tuple[str, tuple[int, ...]]) -> str:
    """Return the letter of a single slot with this evidence."""
    tally = Tally()
    for name, numbers in calls:
        if name == "anchor":
            tally.add_anchor(slot(5), "1.1.1.1", *numbers)
        elif name == "gateway":
            tally.add_gateway(slot(5), *numbers)
        else:
            tally.add_web(slot(5), *numbers)
    return letters(tally)[5]


@pytest.mark.parametrize(
    ("received", "letter"),
    [(100, Code.UP), (81, Code.UP), (80, Code.DEGRADED), (26, Code.DEGRADED), (25, Code.DOWN), (0, Code.DOWN)],
)
def test_loss_decides_between_up_degraded_and_down(received: int, letter: Code) -> None:
    assert one(("anchor", (100, received))) == letter


def test_the_gateway_tells_the_cause() -> None:
    assert one(("anchor", (3, 0)), ("gateway", (3, 3))) == Code.BACKHAUL
    assert one(("anchor", (3, 0)), ("gateway", (3, 0))) == Code.SITE_LAN
    assert one(("anchor", (3, 0))) == Code.DOWN


def test_a_box_without_a_route_has_a_broken_lan() -> None:
    tally = Tally()
    tally.add_anchor(slot(5), "1.1.1.1", 3, 0)
    tally.add_gateway(slot(5), 0, 0, lost_route=1)
    assert letters(tally)[5] == Code.SITE_LAN


def test_the_anchor_that_lost_least_decides() -> None:
    tally = Tally()
    tally.add_anchor(slot(5), "blocked.example", 15, 0)
    tally.add_anchor(slot(5), "1.1.1.1", 15, 15)
    tally.add_anchor(slot(6), "not.resolved.example", 0, 0)
    assert letters(tally)[5:7] == Code.UP + Code.DOWN


def test_a_cause_is_taken_from_the_same_outage_at_most_an_hour_away() -> None:
    tally = Tally()
    for index in range(10, 40):
        tally.add_anchor(slot(index), "1.1.1.1", 3, 0)
    tally.add_gateway(slot(10), 3, 3)
    assert letters(tally)[10:40] == Code.BACKHAUL * 13 + Code.DOWN * 17
    tally.add_anchor(slot(8), "1.1.1.1", 3, 0)
    tally.add_anchor(slot(9), "1.1.1.1", 3, 3)
    assert letters(tally)[8:11] == Code.DOWN + Code.UP + Code.BACKHAUL


def test_a_gateway_that_never_answers_pings_tells_nothing() -> None:
    tally = Tally()
    for index in range(20):
        tally.add_anchor(slot(index), "1.1.1.1", 3, 3 if index < 15 else 0)
        tally.add_gateway(slot(index), 3, 0)
    assert letters(tally)[15:20] == Code.DOWN * 5


def test_the_web_saves_a_slot_only_where_anchors_are_silent_around_it() -> None:
    tally = Tally()
    for index in range(10):
        tally.add_anchor(slot(index), "1.1.1.1", 3, 0)
        if index % 2 == 0:
            tally.add_web(slot(index), 1, 1)
    assert letters(tally)[:9] == Code.WEB_ONLY * 9
    outage = Tally()
    for index in range(10):
        outage.add_anchor(slot(index), "1.1.1.1", 3, 0 if index == 5 else 3)
        if index in (4, 6):
            outage.add_web(slot(index), 1, 1)
    assert letters(outage)[4:7] == Code.UP + Code.DOWN + Code.UP


def test_only_name_servers_in_the_world_prove_the_way_out() -> None:
    assert is_public_server("8.8.8.8")
    assert is_public_server("1.1.1.1:53")
    assert is_public_server("[2606:4700:4700::1111]:53")
    assert not is_public_server("192.168.1.1")
    assert not is_public_server("system")
    assert not is_public_server("[fe80::1]:53")


def test_a_round_that_fell_into_the_next_slot_is_not_a_gap() -> None:
    tally = Tally()
    for index in (3, 5, 5, 6):
        tally.add_anchor(slot(index), "1.1.1.1", 3, 3)
    assert letters(tally)[3:7] == Code.UP * 4
    every_minute = Tally()
    for index in (3, 5, 6):
        every_minute.add_anchor(slot(index), "1.1.1.1", 15, 15)
    assert letters(every_minute)[4] == Code.SILENT


def test_silence_within_a_boot_is_told_from_silence_outside_one() -> None:
    tally = Tally()
    tally.add_anchor(slot(0), "1.1.1.1", 3, 3)
    boot = BootSpan("agent", "a", START, START + 10 * SLOT_MS)
    assert letters(tally, boots=(boot,))[:12] == Code.UP + Code.NO_ROWS * 9 + Code.SILENT * 2


def test_what_is_not_over_yet_is_not_judged() -> None:
    tally = Tally()
    tally.add_anchor(slot(0), "1.1.1.1", 3, 3)
    assert letters(tally, until_ms=START + 3 * SLOT_MS) == Code.UP + Code.SILENT * 2 + Code.LATER * 285


def test_holes_lie_between_the_boots_of_one_device() -> None:
    boots = [BootSpan("a", "2", 500, 900), BootSpan("a", "1", 0, 400), BootSpan("b", "3", 100, 1_000)]
    assert holes_between("norte", boots) == [Hole("norte", 400, 500)]


HOLE = Hole("norte", START, START + 2 * HOUR)


@pytest.mark.parametrize(
    ("witness", "is_power"),
    [
        (Witness(), False),
        (Witness(router_starts_ms=[START + HOUR]), True),
        (Witness(router_starts_ms=[START - HOUR]), False),
        (Witness(router_starts_ms=[START + HOUR], switched_off_when_closed=True), False),
        (Witness(neighbours=[Hole("sur", START + 60_000, START + HOUR)]), True),
        (Witness(neighbours=[Hole("sur", START + HOUR, START + 2 * HOUR)]), False),
        (Witness(neighbours=[HOLE]), False),
        (Witness(neighbours=[Hole("sur", START, START + HOUR)], stopped_in_order=True), False),
        (Witness(neighbours=[Hole("sur", START, START + HOUR)], router_starts_ms=[START - HOUR]), False),
    ],
)
def test_a_hole_is_a_power_cut_only_with_a_witness(witness: Witness, is_power: bool) -> None:
    assert judge_hole(HOLE, witness).is_power is is_power


# ------------------------------------------------------------ what always holds

ROWS = st.lists(
    st.tuples(
        st.integers(0, SLOTS_A_DAY - 1),
        st.sampled_from(["anchor", "other anchor", "gateway", "web", "host"]),
        st.integers(0, 10),
        st.integers(0, 10),
    ),
    max_size=60,
)


def gather(rows: list[tuple[int, str, int, int]], tally: Tally) -> Tally:
    for index, kind, sent, received in rows:
        got = min(sent, received)
        if "anchor" in kind:
            tally.add_anchor(slot(index), kind, sent, got)
        elif kind == "gateway":
            tally.add_gateway(slot(index), sent, got)
        elif kind == "web":
            tally.add_web(slot(index), sent, got, portal=sent - got)
        else:
            tally.add_other(slot(index))
    return tally


def settle(tally: Tally, until_ms: int) -> SlotDay:
    seen, sent, received = of_day(observe(tally, DAY, until_ms, [], []), DAY)
    return SlotDay("norte", DAY, seen, seen, sent, received)


@given(ROWS, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_intervals(
    rows: list[tuple[int, str, int, int]], chance: random.Random
) -> None:
    other = list(rows)
    chance.shuffle(other)
    cut = chance.randint(0, len(rows))
    once = gather(rows, Tally())
    in_two = gather(other[cut:], gather(other[:cut], Tally()))
    assert intervals_of(settle(once, END)) == intervals_of(settle(in_two, END))


@given(ROWS, st.integers(0, SLOTS_A_DAY))
def test_intervals_lie_end_to_end_over_all_that_was_judged(rows: list[tuple[int, str, int, int]], judged: int) -> None:
    until = START + judged * SLOT_MS
    day = settle(gather(rows, Tally()), until)
    intervals = intervals_of(day)
    assert sum(item.end_ms - item.start_ms for item in intervals) == until - START
    edges = [START, *(item.end_ms for item in intervals)]
    assert [item.start_ms for item in intervals] == edges[:-1]
    assert edges[-1] == until


@given(ROWS)
def test_unknown_is_never_made_of_nothing_known_before(rows: list[tuple[int, str, int, int]]) -> None:
    tally = gather(rows, Tally())
    day = settle(tally, END)
    for index, letter in enumerate(day.codes):
        known = MEANINGS[letter].state in (TruthState.UP, TruthState.DOWN)
        evidence = tally.at(START // SLOT_MS + index)
        neighbours = [tally.at(START // SLOT_MS + index + step) for step in (-1, 1)]
        assert not known or evidence is not None or all(neighbours)


@given(ROWS)
def test_a_stored_day_comes_back_as_it_was(rows: list[tuple[int, str, int, int]]) -> None:
    day = settle(gather(rows, Tally()), END)
    assert slots_from_body(day.body()) == (day.observed, day.codes, tuple(day.sent), tuple(day.received))
