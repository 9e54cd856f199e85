"""Keeps the catalogues in step with the texts: `python -m aldea.dashboard_api.web.catalogues`.

Collects every marked text (templates, program, and the measurement catalogue's titles) into `messages.pot`,
brings the languages up to date with it, and compiles them. English is filled in by itself, because its texts
are the keys; what another language lacks is listed, to be written into its `messages.po`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from aldea.dashboard_api.web.words import DOMAIN, LANGUAGES, LOCALES
from aldea.model.catalogue import CATALOGUE
from aldea.storage.importing.words import TEXTS

PACKAGE = Path(__file__).resolve().parent.parent
METHODS = [("**.py", "python"), ("web/templates/**.html", "jinja2")]
OPTIONS = {"web/templates/**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {**DEFAULT_KEYWORDS, "say": None}
SOURCE_LANGUAGE = "en"
DATED = datetime(2026, 1, 1, tzinfo=UTC)


def collected() -> Catalog:
    """Return the template catalogue of every text there is."""
    found = Catalog(project="Aldea", domain=DOMAIN, fuzzy=False)
    extracted = extract_from_dir(PACKAGE, METHODS, OPTIONS, KEYWORDS, strip_comment_tags=True)
    for name, _line, message, comments, context in extracted:
        found.add(message, None, [(name, 0)], auto_comments=comments, context=context)
    for measurement in CATALOGUE.values():
        for title in (measurement.title, *(field.title for field in measurement.fields)):
            found.add(title, None, [("model/catalogue", 0)])
    for text in TEXTS:
        found.add(text, None, [("storage/importing/words", 0)])
    return found


def read_language(code: str) -> Catalog:
    """Return a language's catalogue as it is written; an empty one where there is none yet."""
    path = po_path(code)
    if not path.exists():
        return Catalog(code, DOMAIN, project="Aldea", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=code, domain=DOMAIN)


def updated(code: str, template: Catalog) -> Catalog:
    """Return a language's catalogue with exactly the texts of `template`, nothing guessed."""
    catalogue = read_language(code)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    if code == SOURCE_LANGUAGE:
        for message in texts(catalogue):
            message.string = message.id
    return catalogue


def texts(catalogue: Catalog) -> Iterator[Message]:
    """Yield the catalogue's messages without its header."""
    return (message for message in catalogue if message.id)


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the texts that have no translation, or one that nobody has looked at."""
    return [str(message.id) for message in texts(catalogue) if message.fuzzy or not _whole(message)]


def compiled(catalogue: Catalog) -> bytes:
    """Return the catalogue as programs read it."""
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def po_path(code: str) -> Path:
    """Return where a language's catalogue is written by people."""
    return LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def main() -> int:
    """Collect, update and compile; the exit status says whether anything is untranslated."""
    template = collected()
    LOCALES.mkdir(exist_ok=True)
    (LOCALES / f"{DOMAIN}.pot").write_bytes(_written(template))
    missing = 0
    for code in LANGUAGES:
        catalogue = updated(code, template)
        path = po_path(code)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_written(catalogue))
        catalogue = read_language(code)
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        for text in untranslated(catalogue):
            sys.stdout.write(f"{code}: {text}\n")
            missing += 1
    return 1 if missing else 0


def _written(catalogue: Catalog) -> bytes:
    # The date of a run is no change of a text.
    catalogue.creation_date = catalogue.revision_date = DATED
    buffer = BytesIO()
    write_po(buffer, catalogue, width=110, sort_output=True, omit_header=False, include_lineno=False)
    return buffer.getvalue()


def _whole(message: Message) -> bool:
    parts = message.string if isinstance(message.string, list | tuple) else (message.string,)
    return all(parts)


if __name__ == "__main__":
    sys.exit(main())
