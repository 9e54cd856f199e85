"""What holds for a catalogue of texts, whoever's it is: the box's page or the server's commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.messages.pofile import read_po

from aldea.dashboard_api.web.catalogues import compiled, texts, untranslated

if TYPE_CHECKING:
    import re

    from babel.messages.catalog import Catalog

    from aldea.dashboard_api.web.catalogues import Shelf


def check_template(shelf: Shelf, collected: Catalog, command: str) -> None:
    """Check that the template has the texts that the code has now; `command` would bring it up to date."""
    with (shelf.folder / f"{shelf.domain}.pot").open("rb") as file:
        kept = {message.id for message in texts(read_po(file))}
    assert kept == {message.id for message in texts(collected)}, f"run {command}"


def check_translated(shelf: Shelf, code: str) -> None:
    """Check that a language lacks no text, and that what is compiled is what is written."""
    catalogue = shelf.read(code)
    assert untranslated(catalogue) == []
    assert shelf.po_path(code).with_suffix(".mo").read_bytes() == compiled(catalogue)


def check_values(shelf: Shelf, code: str, values: re.Pattern[str]) -> None:
    """Check that each translation has the values of its text, as `values` finds them."""
    for message in texts(shelf.read(code)):
        assert sorted(values.findall(str(message.string))) == sorted(values.findall(str(message.id))), message.id
