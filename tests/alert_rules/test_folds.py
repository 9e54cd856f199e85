"""Properties of the folds: order within a site, duplicates, backlogs, and the holds both ways."""

from __future__ import annotations

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.alert_rules.events import Batch, Event, PlatformHealth, Presence, Tick
from aldea.alert_rules.flapping import Flap, observe
from aldea.alert_rules.fold import Memory, Transition, Verdict, begin, dump, fold, load
from aldea.alert_rules.kinds.site_silent import SiteSilent
from aldea.alert_rules.kinds.sustained_loss import SustainedLoss
from aldea.alert_rules.opening import parse_opening
from aldea.alert_rules.rule import Place, Rule

PLACE = Place("uno")
SILENT = Rule("silent", "site_silent", SiteSilent(hold_seconds=300, clear_hold_seconds=120))
LOSS = Rule("loss", "sustained_loss", SustainedLoss(window_seconds=600, hold_seconds=120, clear_hold_seconds=120))
MINUTE, SECOND = 60_000, 1_000
START = 1_750_000_000_000


def run(rule: Rule, chunks: list[list[Event]], every_ms: int = MINUTE) -> tuple[list[Verdict], Memory]:
    """Fold each chunk's events, and a tick after it."""
    log: list[Verdict] = []
    memory = begin(rule)
    for number, chunk in enumerate(chunks, 1):
        for event in (*chunk, Tick(START + number * every_ms)):
            memory, verdicts = fold(rule, PLACE, memory, event)
            log += verdicts
    return log, memory


@st.composite
def chunks(draw: st.DrawFn) -> list[list[Event]]:
    """Return a minute's events for each of some minutes."""
    made: list[list[Event]] = []
    for minute in range(draw(st.integers(5, 60))):
        events: list[Event] = []
        for kind in draw(st.lists(st.sampled_from(["live", "bulk", "birth", "will"]), max_size=3)):
            at = START + minute * MINUTE + draw(st.integers(0, 59)) * SECOND
            if kind in ("birth", "will"):
                events.append(Presence(at, kind == "birth", minute, draw(st.sampled_from([30, 60, 300]))))
            else:
                lost = draw(st.integers(0, 15))
                seq = draw(st.integers(1, 10_000))
                events.append(Batch(at, kind, "agent", "e", seq, at - SECOND, {"anchor": (15, 15 - lost)}))
        made.append(events)
    return made


@given(chunks(), st.randoms(use_true_random=False), st.sampled_from([SILENT, LOSS]))
@settings(max_examples=50)
def test_order_between_ticks_and_duplicates_change_nothing(
    made: list[list[Event]], chance: random.Random, rule: Rule
) -> None:
    shuffled = []
    for chunk in made:
        mixed = [*chunk, *(event for event in chunk if chance.random() < 0.5)]
        chance.shuffle(mixed)
        shuffled.append(mixed)
    assert run(rule, made)[0] == run(rule, shuffled)[0]


@given(chunks(), st.sampled_from([SILENT, LOSS]))
@settings(max_examples=40)
def test_a_backlog_opens_nothing(made: list[list[Event]], rule: Rule) -> None:
    """With the backlog's batches taken out there are no fewer incidents: they can only keep one from opening."""
    without = [[event for event in chunk if not isinstance(event, Batch) or event.lane == "live"] for chunk in made]
    only: list[list[Event]] = [
        [event for event in chunk if isinstance(event, Batch) and event.lane == "bulk"] for chunk in made
    ]
    if rule is LOSS:
        assert run(rule, made)[0] == run(rule, without)[0]
        assert run(rule, only)[0] == []
    else:
        fired = [one for one in run(rule, made)[0] if one.transition is Transition.FIRED]
        assert all(one.since_ms < one.at_ms - SILENT.kind.hold_seconds * SECOND + 1 for one in fired)


@given(chunks(), st.sampled_from([SILENT, LOSS]))
@settings(max_examples=50)
def test_the_holds_are_kept_both_ways_and_stages_alternate(made: list[list[Event]], rule: Rule) -> None:
    log, _ = run(rule, made)
    main = [one for one in log if one.transition in (Transition.FIRED, Transition.RESOLVED)]
    assert [one.transition for one in main] == [Transition.FIRED, Transition.RESOLVED] * (len(main) // 2) + [
        Transition.FIRED
    ] * (len(main) % 2)
    for one in main:
        hold = rule.kind.hold_seconds if one.transition is Transition.FIRED else rule.kind.clear_hold_seconds
        assert one.at_ms - one.since_ms >= hold * SECOND


@given(chunks(), st.sampled_from([SILENT, LOSS]))
@settings(max_examples=40)
def test_a_memory_survives_storage(made: list[list[Event]], rule: Rule) -> None:
    _, memory = run(rule, made)
    assert load(rule, json.loads(json.dumps(dump(rule, memory)))) == memory


@given(chunks())
@settings(max_examples=40)
def test_a_tick_that_is_not_due_changes_nothing(made: list[list[Event]]) -> None:
    """The engine skips ticks before `due_ms`; that may lose nothing."""
    log: list[Verdict] = []
    memory = begin(SILENT)
    for number, chunk in enumerate(made, 1):
        for event in chunk:
            memory, _ = fold(SILENT, PLACE, memory, event)
        now = START + number * MINUTE
        if chunk or (memory.due_ms is not None and memory.due_ms <= now):
            memory, verdicts = fold(SILENT, PLACE, memory, Tick(now))
            log += verdicts
    full = [one for one in run(SILENT, made)[0] if "flapping" not in one.transition]
    assert [one for one in log if "flapping" not in one.transition] == full


def test_time_in_which_we_were_deaf_is_not_held_against_a_site() -> None:
    events: list[Event] = [
        Presence(START, online=True, connection=1, send_seconds=60),
        Batch(START, "live", "agent"),
        PlatformHealth(START + 100 * SECOND, healthy=False),
        Tick(START + 1_000 * SECOND),
        PlatformHealth(START + 1_000 * SECOND, True, START + 60 * SECOND, 200 * SECOND),
        Tick(START + 1_150 * SECOND),
        Tick(START + 1_239 * SECOND),
    ]
    log: list[Verdict] = []
    memory = begin(SILENT)
    for event in events:
        memory, verdicts = fold(SILENT, PLACE, memory, event)
        log += verdicts
    assert [one.transition for one in log] == [Transition.PENDING]
    memory, (fired,) = fold(SILENT, PLACE, memory, Tick(START + 1_240 * SECOND))
    assert fired.transition is Transition.FIRED
    assert fired.since_ms == START


def test_flapping_begins_at_a_fifth_and_ends_at_a_twentieth() -> None:
    flap, at = Flap(), START
    begun, ended = [], []
    for step in range(60):
        at += MINUTE
        before = flap.flapping
        flap = observe(flap, at, bad=step % 2 == 0 if step < 20 else False, window_ms=MINUTE)
        if flap.flapping and not before:
            begun.append(step)
        if before and not flap.flapping:
            ended.append(step)
    assert begun == [3], "four changes in the newest windows are more than a fifth"
    assert len(ended) == 1
    assert ended[0] >= 36


def test_opening_hours_follow_the_zone_over_midnight_and_daylight_saving() -> None:
    week = {"sat": [["20:00", "02:00"]], "sun": [["09:00", "10:00"]]}
    opening = parse_opening(week, "America/Ciudad_Juarez")
    assert opening is not None
    # 2025-03-09, a Sunday: at 02:00 clocks go to 03:00. Saturday 20:00 is UTC-7, Sunday 09:00 is UTC-6.
    saturday = 1_741_402_800_000  # 2025-03-08T03:00Z
    first, second = list(opening.spans(saturday, days=2))[:2]
    assert first[0] == 1_741_489_200_000
    assert first[1] - first[0] == 6 * 3_600_000
    assert second[0] == 1_741_532_400_000
    assert parse_opening({"mon": [["nine", "18:00"]]}, "America/Merida") is None
    assert parse_opening(week, "Nowhere/Else") is None
