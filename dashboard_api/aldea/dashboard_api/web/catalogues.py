"""Keeps the catalogues in step with the texts: `python -m aldea.dashboard_api.web.catalogues`.

Collects every marked text (templates, program, and the measurement catalogue's titles) into `messages.pot`,
brings the languages up to date with it, and compiles them. English is filled in by itself, because its texts
are the keys; what another language lacks is listed, to be written into its `messages.po`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
KEYWORDS = {**DEFAULT_KEYWORDS, "said": None, "say": None}
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


@dataclass(frozen=True, slots=True)
class Shelf:
    """The catalogues of one part: a folder, the files' name in it, and the languages."""

    folder: Path
    domain: str
    languages: Sequence[str]

    def read(self, code: str) -> Catalog:
        """Return a language's catalogue as it is written; an empty one where there is none yet."""
        path = self.po_path(code)
        if not path.exists():
            return Catalog(code, self.domain, project="Aldea", fuzzy=False)
        with path.open("rb") as file:
            return read_po(file, locale=code, domain=self.domain)

    def updated(self, code: str, template: Catalog) -> Catalog:
        """Return a language's catalogue with exactly the texts of `template`, nothing guessed."""
        catalogue = self.read(code)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        if code == SOURCE_LANGUAGE:
            for message in texts(catalogue):
                message.string = message.id
        return catalogue

    def po_path(self, code: str) -> Path:
        """Return where a language's catalogue is written by people."""
        return self.folder / code / "LC_MESSAGES" / f"{self.domain}.po"

    def bring_up_to_date(self, template: Catalog) -> int:
        """Write the template, update and compile every language; return 1 when anything is untranslated, else 0."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{self.domain}.pot").write_bytes(written(template))
        missing = 0
        for code in self.languages:
            catalogue = self.updated(code, template)
            path = self.po_path(code)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written(catalogue))
            catalogue = self.read(code)
            path.with_suffix(".mo").write_bytes(compiled(catalogue))
            for text in untranslated(catalogue):
                sys.stdout.write(f"{code}: {text}\n")
                missing += 1
        return 1 if missing else 0


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


SHELF = Shelf(LOCALES, DOMAIN, LANGUAGES)


def read_language(code: str) -> Catalog:
    """Return a language's catalogue of the dashboard as it is written."""
    return SHELF.read(code)


def updated(code: str, template: Catalog) -> Catalog:
    """Return a language's catalogue of the dashboard with exactly the texts of `template`."""
    return SHELF.updated(code, template)


def po_path(code: str) -> Path:
    """Return where a language's catalogue of the dashboard is written by people."""
    return SHELF.po_path(code)


def main() -> int:
    """Collect, update and compile; the exit status says whether anything is untranslated."""
    return SHELF.bring_up_to_date(collected())


def written(catalogue: Catalog) -> bytes:
    """Return the catalogue as people read it."""
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
