"""What an agent measured, all the way to what people are told and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.model.truth import TruthState
from aldea.storage.register.incidents import IncidentState, incident_events
from aldea.storage.register.streams import list_completeness
from aldea.storage.register.truth import settled_until
from delivery.world import SITE
from judgement.world import HOUR, MINUTE, Judged

if TYPE_CHECKING:
    import pytest

    from alert_rules.notify.servers import Web


def said(web: Web) -> list[str]:
    """Return what was said, in order."""
    return [str(one.document["transition"]) for one in web.requests]


def minutes_of(judged: Judged, state: TruthState) -> int:
    """Return for how long the site was in a state."""
    return sum(one.end_ms - one.start_ms for one in judged.intervals() if one.state is state) // MINUTE


def cut_the_link(judged: Judged, minutes: int, *, anchor: int) -> None:
    """The site can't be heard for a while; its probes say whether that is the village's fault or ours."""
    judged.world.disconnect()
    judged.village.anchor = anchor
    judged.minutes(minutes)
    judged.village.anchor = 3
    judged.world.connect()


def test_a_backhaul_that_breaks_is_told_once_and_ends_in_truth_and_figure(judged: Judged, web: Web) -> None:
    judged.world.connect()
    judged.minutes(60)
    cut_the_link(judged, 60, anchor=0)
    (open_one,) = judged.incidents()
    assert (open_one.site, open_one.rule, open_one.state) == (SITE, "site_silent", IncidentState.FIRING)
    assert said(web) == ["fired"]
    judged.minutes(60)
    (incident,) = judged.incidents()
    assert (incident.state, incident.cause) == (IncidentState.RESOLVED, "backhaul")
    assert said(web) == ["fired", "resolved"]
    assert len(set(web.keys)) == 2
    assert 55 <= minutes_of(judged, TruthState.DOWN) <= 65
    assert {one.cause for one in judged.intervals() if one.state is TruthState.DOWN} == {"backhaul"}
    found = judged.availability()
    assert found.numerator is not None
    assert found.denominator is not None
    down = found.denominator - found.numerator
    assert down == minutes_of(judged, TruthState.DOWN)
    with judged.register.reading() as unit:
        (whole,) = list_completeness(unit, sites=[SITE])
        settled = settled_until(unit, SITE)
    assert (whole.open_rows, whole.lost_rows) == (0, 0)
    assert settled is not None
    assert judged.clock.wall_ms() - settled < HOUR // 4


def test_a_site_that_was_up_all_along_is_no_longer_blamed(judged: Judged, web: Web) -> None:
    judged.world.connect()
    judged.minutes(60)
    cut_the_link(judged, 60, anchor=3)
    judged.minutes(60)
    (incident,) = judged.incidents()
    assert incident.cause == "platform"
    assert minutes_of(judged, TruthState.DOWN) == minutes_of(judged, TruthState.UNKNOWN) == 0
    assert said(web) == ["fired", "resolved"], "late data revises and annotates, it tells nobody"
    with judged.register.reading() as unit:
        kinds = [event.kind for event in incident_events(unit, incident.id)]
    assert kinds[:3] == ["opened", "fired", "resolved"]


def test_a_process_that_dies_at_every_turn_tells_everything_once(judged: Judged, web: Web) -> None:
    judged.world.connect()
    judged.minutes(30)
    judged.world.disconnect()
    judged.village.anchor = 0
    for _ in range(6):
        judged.minutes(5)
        judged.dispatcher.close()
        judged.start_judging()
    judged.world.connect()
    judged.village.anchor = 3
    for _ in range(6):
        judged.minutes(5)
        judged.dispatcher.close()
        judged.start_judging()
    judged.minutes(5)
    assert said(web) == ["fired", "resolved"]
    assert [one.state for one in judged.incidents()] == [IncidentState.RESOLVED]


def test_a_server_that_was_off_for_an_hour_blames_no_site(judged: Judged, web: Web) -> None:
    judged.world.connect()
    judged.minutes(30)
    judged.collecting = judged.judging = False
    judged.world.disconnect()
    judged.minutes(60)
    judged.collecting = judged.judging = True
    judged.dispatcher.close()
    judged.start_judging()
    judged.judge()
    judged.world.connect()
    judged.minutes(40)
    assert [one.rule for one in judged.incidents() if one.site is not None] == []
    assert "fired" not in said(web)
    assert minutes_of(judged, TruthState.UP) >= 100
    assert minutes_of(judged, TruthState.UNKNOWN) == 0


def test_a_series_store_that_lags_keeps_truth_waiting_but_no_alert(
    judged: Judged, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged.world.connect()
    judged.minutes(30)
    before = minutes_of(judged, TruthState.UP)
    with monkeypatch.context() as away:
        away.setattr(judged, "series", judged.feed)
        behind = judged.world.desk.cursors.position("series")
        away.setattr("judgement.world.last_position", lambda *_: behind)
        judged.minutes(60)
    assert minutes_of(judged, TruthState.DOWN) == 0
    judged.minutes(30)
    assert minutes_of(judged, TruthState.UP) >= before + 75
    assert minutes_of(judged, TruthState.UNKNOWN) == 0
    assert [one.rule for one in judged.incidents() if one.site is not None] == []
