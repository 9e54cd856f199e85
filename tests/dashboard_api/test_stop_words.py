"""How the agent came to stop, in words, in both languages."""

from __future__ import annotations

import pytest

from aldea.dashboard_api.web.cause_words import REASON_WORDS, STOP_WORDS, evidence_sentences
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.web.words import load_languages
from aldea.model.starts import StartCause

HOLE: dict[str, object] = {"reason": "power_cut_or_agent_unplugged", "hole": [0, 1], "stopped_in_order": True}
WORDS = {
    ("en", "stopped"): "The agent was stopped in order; nothing broke.",
    ("en", "power_lost"): "The measuring box lost power or was unplugged: it was not shut down in order.",
    ("es", "shut_down"): "La caja de medición se apagó o se reinició en orden, no de golpe.",
    ("es", "crashed"): "El agente falló y volvió a arrancar; la caja de medición siguió encendida.",
    ("es", "upgraded"): "El agente se estaba actualizando.",
    ("en", "asleep"): (
        "The measuring box was asleep (its lid was closed, or it was put on hold): nothing was measured."
    ),
    ("es", "disk_full"): (
        "La caja de medición estaba encendida, pero su disco estaba lleno: no se pudo registrar nada."
    ),
}


@pytest.mark.parametrize(("language", "stop"), WORDS)
def test_a_hole_says_how_the_agent_came_to_stop_in_place_of_a_guess(language: str, stop: str) -> None:
    shown = Shown(load_languages()[language], 0)
    assert evidence_sentences({**HOLE, "stop": stop}, shown) == [WORDS[language, stop]]


def test_a_hole_of_which_the_agent_says_nothing_keeps_its_reason() -> None:
    shown = Shown(load_languages()["en"], 0)
    assert evidence_sentences({**HOLE, "stop": "first_start"}, shown)[0] == REASON_WORDS["power_cut_or_agent_unplugged"]


def test_each_stop_that_the_truth_knows_has_words() -> None:
    unrecorded = {"disk_full", "read_only", "disk_error", "busy", "asleep"}
    assert STOP_WORDS.keys() == (set(StartCause) - {StartCause.FIRST}) | unrecorded


def test_a_box_that_was_on_and_could_record_nothing_says_so_of_a_hole() -> None:
    shown = Shown(load_languages()["es"], 0)
    told = evidence_sentences({**HOLE, "stop": "power_lost", "unrecorded_seconds": 7_200}, shown)
    assert told[1] == (
        "Durante una parte de este tiempo la caja de medición estuvo encendida, pero no pudo registrar nada."
    )


def test_who_restarted_with_the_box_is_named() -> None:
    shown = Shown(load_languages()["es"], 0)
    told = {"stop": "power_lost", "restarted": ["modem", "router"], "kept_running": ["ups"], "on_battery": True}
    assert evidence_sentences(told, shown)[1:] == [
        "Se reiniciaron junto con la caja de medición: modem, router.",
        "Siguieron encendidos mientras tanto: ups.",
        "El UPS funcionaba con su batería.",
    ]
