"""Every text is marked, translated, and compiled."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from aldea.dashboard_api.web import catalogues
from aldea.dashboard_api.web.pages import TEMPLATES
from aldea.dashboard_api.web.words import LANGUAGES, LOCALES

BRAND = {"Aldea"}
SPOKEN = {"alt", "aria-label", "title", "placeholder", "content"}


@pytest.fixture(scope="module")
def template() -> set[object]:
    return {message.id for message in catalogues.texts(catalogues.collected())}


def test_the_template_catalogue_is_up_to_date(template: set[object]) -> None:
    with (LOCALES / "messages.pot").open("rb") as file:
        written = {message.id for message in catalogues.texts(read_po(file))}
    assert written == template, "run python -m aldea.dashboard_api.web.catalogues"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_translated(code: str, template: set[object]) -> None:
    catalogue = catalogues.read_language(code)
    assert {message.id for message in catalogues.texts(catalogue)} == template
    assert catalogues.untranslated(catalogue) == []
    assert not list(catalogue.obsolete)


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_is_compiled_is_what_is_written(code: str) -> None:
    assert catalogues.po_path(code).with_suffix(".mo").read_bytes() == catalogues.compiled(
        catalogues.read_language(code)
    )


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_translation_keeps_the_values_and_tags_of_its_text(code: str) -> None:
    for message in catalogues.texts(catalogues.read_language(code)):
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        wanted = sorted(re.findall(r"%\(\w+\)s|</?\w+>", str(sources[-1])))
        for text in texts:
            assert sorted(re.findall(r"%\(\w+\)s|</?\w+>", str(text))) == wanted, text


class Literals(HTMLParser):
    """Collects words that stand in a template outside of any mark."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        name = dict(attrs).get("name") or ""
        for key, value in attrs:
            if key in SPOKEN and not (tag == "meta" and name in {"viewport", "theme-color", "color-scheme"}):
                self.handle_data(value or "")

    def handle_data(self, data: str) -> None:
        if self.inside == "code":
            self.inside = ""
            return
        self.found += [word for word in re.findall(r"[^\W\d_]{2,}", data) if word not in BRAND]


def literals(source: str) -> list[str]:
    bare = re.sub(r"{%-?\s*trans.*?endtrans\s*-?%}|{#.*?#}|{%.*?%}|{{.*?}}", " ", source, flags=re.DOTALL)
    # A child's block may stand inside its parent's tag.
    bare = re.sub(r'data-[a-z]+="[^"]*"', " ", bare)
    parser = Literals()
    parser.feed(bare)
    return parser.found


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: str(path.name))
def test_no_text_of_a_template_is_unmarked(path: Path) -> None:
    assert literals(path.read_text(encoding="utf-8")) == []


def test_an_unmarked_text_would_be_found() -> None:
    assert literals("<p>Hola {{ _('x') }}</p>") == ["Hola"]
    assert literals('<img alt="a picture">') == ["picture"]
