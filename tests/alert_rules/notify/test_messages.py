"""What is written: for people, in both languages, and short enough for an SMS whatever a site is called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.alert_rules.notify.gsm7 import BASIC, EXTENDED, SMS_SEPTETS, septets, written
from aldea.alert_rules.notify.messages import Writer, languages
from aldea.alert_rules.notify.occasion import Occasion, Transition, document_of, occasion_of
from alert_rules.notify.office import MINUTE, NOW_MS

CHECK_BACKHAUL = (
    "las luces del módem y que la antena no esté movida ni tapada; "
    "después, llamar al proveedor con el número de contrato."
)
WRITER = Writer("https://aldea.example.org/")
DOWN = Occasion(
    incident="i-1",
    transition=Transition.FIRED,
    opened_ms=NOW_MS,
    fired_ms=NOW_MS + 15 * MINUTE,
    site="escuela",
    site_name="Escuela Xcopteil",
    place="Yaxcabá, Yucatán",
    zone="America/Merida",
    cause="backhaul",
    reason={"es": "La puerta de enlace responde.", "en": "The gateway answers."},
)


def test_an_outage_says_what_where_since_when_why_and_what_to_check() -> None:
    found = WRITER.render(DOWN, "es")
    assert found.subject == "Aldea: Escuela Xcopteil: sin conexión"
    assert found.body.splitlines() == [
        "Dónde: Escuela Xcopteil, Yaxcabá, Yucatán",
        "Qué: sin conexión. Desde las 11:00 (22 nov), hora de Merida.",
        "Causa probable: el enlace del proveedor.",
        "Por qué lo decimos: La puerta de enlace responde.",
        f"Qué revisar primero: {CHECK_BACKHAUL}",
        "Ver y atender: https://aldea.example.org/incidents/i-1",
    ]
    assert found.short == (
        "Aldea: Escuela Xcopteil SIN CONEXION desde 11:00 (22 nov). Causa probable: el enlace del proveedor."
    )


def test_the_same_in_english() -> None:
    found = WRITER.render(DOWN, "en")
    assert found.subject == "Aldea: Escuela Xcopteil: no connection"
    assert "Likely cause: the provider's link." in found.body
    assert "The gateway answers." in found.body


@pytest.mark.parametrize("cause", [None, "unknown", "something-new"])
def test_a_cause_that_is_not_known_is_not_guessed(cause: str | None) -> None:
    found = WRITER.render(replace(DOWN, cause=cause), "es")
    assert "Causa desconocida." in found.body
    assert "Causa desconocida." in found.short
    assert "Qué revisar primero: por teléfono si hay luz" in found.body


def test_an_outage_that_was_not_told_in_time_is_one_line() -> None:
    over = replace(DOWN, transition=Transition.WAS_DOWN, resolved_ms=NOW_MS + 26 * MINUTE)
    found = WRITER.render(over, "es").short
    assert found == "Aldea: Escuela Xcopteil estuvo SIN CONEXION de 11:00 (22 nov) a 11:26 (26 min)."


def test_a_rule_that_names_its_incidents_is_not_called_an_outage() -> None:
    quota = replace(DOWN, title={"es": "cuota del mes casi agotada", "en": "quota nearly spent"}, cause="account")
    assert WRITER.render(quota, "es").subject == "Aldea: Escuela Xcopteil: cuota del mes casi agotada"
    over = replace(quota, transition=Transition.RESOLVED, resolved_ms=NOW_MS + MINUTE)
    assert "conexión" not in WRITER.render(over, "es").body
    assert "resolved: quota nearly spent" in WRITER.render(over, "en").body


def test_a_common_fault_lists_its_sites_and_what_they_share() -> None:
    names = tuple(f"Aldea {number}" for number in range(30))
    group = replace(
        DOWN, transition=Transition.GROUP, site=None, site_name="", sites=names, site_names=names, shared="Hughes"
    )
    found = WRITER.render(group, "es")
    assert found.subject == "Aldea: 30 sitios sin conexión"
    assert "Lo que tienen en común: Hughes" in found.body
    assert "Aldea 19 y 10 más" in found.body


def test_another_language_gets_spanish() -> None:
    assert WRITER.render(DOWN, "tzo") == WRITER.render(DOWN, "es")


@pytest.mark.parametrize("transition", list(Transition))
def test_every_transition_has_words_in_every_language(transition: Transition) -> None:
    for language in languages():
        found = WRITER.render(replace(DOWN, transition=transition, resolved_ms=NOW_MS + MINUTE), language)
        assert "{" not in found.subject + found.body + found.short
        titled = WRITER.render(replace(DOWN, transition=transition, title={"en": "x"}), language)
        assert "{" not in titled.subject + titled.body + titled.short


def test_languages_say_the_same_things() -> None:
    shapes = [{part: set(texts[part]) for part in texts} for texts in WRITER._texts.values()]
    assert all(shape == shapes[0] for shape in shapes)
    assert languages() == ("en", "es")


@given(
    name=st.text(max_size=250),
    transition=st.sampled_from(list(Transition)),
    language=st.sampled_from(["es", "en"]),
    cause=st.sampled_from([None, "power", "account", "shared_upstream"]),
    title=st.text(max_size=80),
    others=st.lists(st.text(max_size=60), max_size=5),
)
def test_the_short_form_fits_an_sms_whatever_the_site_is_called(
    name: str, transition: Transition, language: str, cause: str | None, title: str, others: list[str]
) -> None:
    changed: dict[str, Any] = {"site_name": name, "cause": cause, "title": {"es": title} if title else {}}
    sites = tuple(f"s{number}" for number, _ in enumerate(others))
    occasion = replace(
        DOWN, transition=transition, resolved_ms=NOW_MS + MINUTE, sites=sites, site_names=tuple(others), **changed
    )
    short = WRITER.render(occasion, language).short
    assert set(short) <= BASIC | EXTENDED
    assert septets(short) <= SMS_SEPTETS
    assert short.startswith("Aldea: ")
    digest = WRITER.digest([(occasion, short)] * 45, language).short
    assert set(digest) <= BASIC | EXTENDED
    assert septets(digest) <= SMS_SEPTETS


@given(st.text())
def test_what_is_written_for_an_sms_stays_as_it_is_when_written_again(text: str) -> None:
    assert set(written(text)) <= BASIC | EXTENDED
    assert written(written(text)) == written(text)


def test_letters_that_an_sms_lacks_are_written_with_those_it_has() -> None:
    assert (
        written("Yaxcabá “Ñuu Savi” \N{EN DASH} Xo\N{MODIFIER LETTER APOSTROPHE}oy…")
        == 'Yaxcaba "Ñuu Savi" - Xo\'oy...'
    )
    assert septets("[a]") == 5


def test_a_document_comes_back_as_the_occasion_it_was() -> None:
    group = replace(DOWN, site=None, site_name="", sites=("a",), site_names=("A",), urgent=True, revision=2)
    for occasion in (DOWN, group):
        assert occasion_of(document_of(occasion, "key")) == occasion
