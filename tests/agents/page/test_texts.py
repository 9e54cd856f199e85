"""Every text of the box's page is marked, translated, and compiled."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from aldea.agents.page.words import LOCALES
from aldea.agents.page_settings import LANGUAGES
from aldea.deploy.box_catalogues import SHELF, collected
from rigs.catalogues import check_template, check_translated, check_values

VALUES = re.compile(r"%\(\w+\)[sd]|%%")


def test_the_template_catalogue_is_up_to_date() -> None:
    check_template(SHELF, collected(), "python -m aldea.deploy.box_catalogues")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_translated_and_compiled(code: str) -> None:
    check_translated(SHELF, code)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_translation_keeps_the_values_of_its_text(code: str) -> None:
    check_values(SHELF, code, VALUES)


class Literals(HTMLParser):
    """Collects words that stand in a template outside of any mark."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"[A-Za-zÁÉÍÓÚáéíóúñ]{2,}", data)


@pytest.mark.parametrize("path", sorted((LOCALES.parent / "templates").glob("*.html")), ids=lambda path: path.name)
def test_no_template_has_a_word_outside_of_a_mark(path: Path) -> None:
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    literals = Literals()
    literals.feed(source)
    assert [word for word in literals.found if word not in {"Aldea", "Español", "English"}] == []
