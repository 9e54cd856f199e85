"""Settled truth on pages: the list, the page of a site, and its words."""

from __future__ import annotations

import pytest
from httpx import Client

from aldea.dashboard_api.web.cause_words import CAUSE_CHECKS, CAUSE_WORDS, evidence_sentences
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.web.strip import TRUTH_WORDS, Stretch, stretches, strip
from aldea.dashboard_api.web.words import load_languages
from aldea.model.liveness import SiteState
from aldea.model.truth import Cause, Interval, TruthState
from dashboard_api.test_incidents import EN
from dashboard_api.village import DAY, HOUR, MINUTE, NOW_MS

ENGLISH = Shown(load_languages()["en"], NOW_MS)


def test_the_list_draws_the_last_day_and_says_it_in_words(known: Client) -> None:
    page = known.get("/?kind=real", headers=EN).text
    assert "Last 24 hours: 19 h up, 1 h 20 min down, 2 h planned maintenance, 1 h 40 min not known" in page
    assert "1 open incident" in page
    narrow = known.get("/?incident=open", headers=EN).text
    assert "escuela-01" in narrow
    assert "aldea-04" in narrow
    assert "aldea-01" not in narrow


def test_the_list_is_filtered_by_programme(known: Client) -> None:
    assert "escuela-01" in known.get("/?programme=aldeas", headers=EN).text
    assert "No site fits" in known.get("/?programme=other", headers=EN).text
    assert known.get("/?incident=x").json()["errors"][0]["parameter"] == "incident"


def test_the_page_of_a_site_says_why_it_was_down(known: Client) -> None:
    page = known.get("/sites/escuela-01", headers=EN).text
    for text in (
        "The site&#39;s own router answers, what lies beyond it does not.",
        "3 of 240 test packets came back.",
        "The router restarted in this time too, so the electricity was gone.",
        "Power cut or agent unplugged",
        "93.3",
        "Provisional",
        "Cambio de antena",
        "escuela-01-20261122-1",
    ):
        assert text in page, text


def test_silence_that_is_not_settled_is_drawn_as_the_live_guess() -> None:
    judged = [
        Interval("a", 0, 10 * HOUR, TruthState.UP),
        Interval("a", 10 * HOUR, 12 * HOUR, TruthState.UNKNOWN, None, {"reason": "silent"}),
    ]
    found = stretches(judged, 9 * HOUR, SiteState.DOWN, 11 * HOUR, (0, 14 * HOUR))
    assert found == [
        Stretch(0, 9 * HOUR, "up"),
        Stretch(9 * HOUR, 11 * HOUR, "up", provisional=True),
        Stretch(11 * HOUR, 14 * HOUR, "down", provisional=True),
    ]


def test_what_nobody_judged_is_unknown_but_for_the_live_state() -> None:
    found = stretches([], None, SiteState.UP, 20 * HOUR, (0, 24 * HOUR))
    assert found == [Stretch(0, 20 * HOUR, "unknown"), Stretch(20 * HOUR, 24 * HOUR, "up", provisional=True)]
    assert stretches([], None, SiteState.UNKNOWN, None, (0, HOUR)) == [Stretch(0, HOUR, "unknown")]


def test_settled_unknown_time_stays_unknown() -> None:
    judged = [Interval("a", 0, 2 * HOUR, TruthState.UNKNOWN), Interval("a", 3 * HOUR, 4 * HOUR, TruthState.UP)]
    found = stretches(judged, 4 * HOUR, SiteState.UP, 4 * HOUR, (0, 4 * HOUR))
    assert found == [Stretch(0, 3 * HOUR, "unknown"), Stretch(3 * HOUR, 4 * HOUR, "up")]


def test_a_strip_fills_its_width_and_says_its_lengths() -> None:
    drawn = strip([Stretch(0, 23 * HOUR, "up"), Stretch(23 * HOUR, DAY, "down", provisional=True)], ENGLISH)
    assert drawn.summary == "23 h up, 1 h down"
    assert [(piece.at, piece.width) for piece in drawn.pieces] == [("0.00%", "95.83%"), ("95.83%", "4.17%")]
    assert drawn.provisional


@pytest.mark.parametrize(
    ("ms", "text"),
    [(5_000, "5 s"), (22 * HOUR + 40 * MINUTE, "22 h 40 min"), (3 * DAY + 4 * HOUR, "3 d 4 h"), (HOUR, "1 h")],
)
def test_lengths_are_written_in_two_units(ms: int, text: str) -> None:
    assert ENGLISH.length(ms) == text


def test_every_cause_and_state_has_words() -> None:
    assert set(CAUSE_WORDS) == set(CAUSE_CHECKS) == {cause.value for cause in Cause}
    assert {state.value for state in TruthState} <= set(TRUTH_WORDS)


def test_evidence_that_is_newer_than_this_program_is_left_out() -> None:
    assert evidence_sentences({"cosmic_rays": 3, "reason": "unheard_of"}, ENGLISH) == ["unheard_of"]
