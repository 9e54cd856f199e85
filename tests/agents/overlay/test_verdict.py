"""Whose fault it was is said only when it is known."""

from __future__ import annotations

import pytest

from aldea.agents.trial_verdict import BLAMED_AFTER, MOST_TRIES, GivenUp, Verdict, judged, settling_ms, verdict_words

PATIENCE_MS = 600_000


def test_nothing_is_known_until_what_ran_before_is_heard() -> None:
    assert judged(GivenUp("a", 0, PATIENCE_MS), "a", 10 * PATIENCE_MS, heard=False) is Verdict.OPEN


@pytest.mark.parametrize(
    ("after_ms", "verdict"), [(PATIENCE_MS, Verdict.AT_FAULT), (PATIENCE_MS + 1, Verdict.TRY_AGAIN)]
)
def test_what_ran_before_gets_the_same_time(after_ms: int, verdict: Verdict) -> None:
    given_up = GivenUp("a", 5000, PATIENCE_MS, tries=BLAMED_AFTER)
    assert judged(given_up, "a", 5000 + after_ms, heard=True) is verdict


def test_one_silent_trial_alone_is_not_blamed_and_one_that_ended_by_itself_is() -> None:
    silent = GivenUp("a", 5000, PATIENCE_MS)
    assert judged(silent, "a", 6000, heard=True) is Verdict.TRY_AGAIN
    said = verdict_words(Verdict.TRY_AGAIN, silent)
    assert "a server that was away just then; another try follows by itself (2 of 3)" in said.en
    assert "un servidor que justo entonces no estaba; sigue otro intento" in said.es
    assert judged(GivenUp("a", 5000, PATIENCE_MS, ended_itself=True), "a", 6000, heard=True) is Verdict.AT_FAULT


def test_of_what_kept_ending_is_not_said_that_the_server_was_away() -> None:
    ended = GivenUp("a", 5000, PATIENCE_MS, ended_itself=True)
    assert judged(ended, "b", 6000, heard=True) is Verdict.TRY_AGAIN
    said = verdict_words(Verdict.TRY_AGAIN, ended)
    assert "with what was there before the server was not heard in the same time either" in said.en
    assert "con lo anterior tampoco se oyó al servidor" in said.es


def test_after_another_boot_nobody_knows() -> None:
    assert judged(GivenUp("a", 5000, PATIENCE_MS), "b", 6000, heard=True) is Verdict.TRY_AGAIN


def test_what_the_power_cut_short_each_time_is_not_at_fault() -> None:
    cut = GivenUp("a", 5000, PATIENCE_MS, tries=BLAMED_AFTER, had_its_time=False)
    assert judged(cut, "a", 6000, heard=True) is Verdict.TRY_AGAIN
    assert "power" in verdict_words(Verdict.TRY_AGAIN, cut).en


def test_what_had_no_link_is_not_at_fault_however_soon_the_one_before_is_heard() -> None:
    cut = GivenUp("a", 5000, PATIENCE_MS, tries=BLAMED_AFTER, had_link=False)
    assert judged(cut, "a", 6000, heard=True) is Verdict.TRY_AGAIN
    assert "not even where it was before" in verdict_words(Verdict.TRY_AGAIN, cut).en


def test_the_tries_have_an_end_that_says_that_nobody_knows() -> None:
    last = GivenUp("a", 0, PATIENCE_MS, tries=MOST_TRIES)
    assert judged(last, "b", 0, heard=True) is Verdict.INCONCLUSIVE
    said = verdict_words(Verdict.INCONCLUSIVE, last)
    assert (f"after {MOST_TRIES} tries" in said.en, f"{MOST_TRIES} intentos" in said.es) == (True, True)
    assert [item for item in Verdict if item.is_over] == [Verdict.AT_FAULT, Verdict.INCONCLUSIVE]


def test_the_pause_before_another_try_is_short_beside_the_trial() -> None:
    assert (settling_ms(PATIENCE_MS), settling_ms(3000)) == (60_000, 300)
