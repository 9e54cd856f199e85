"""Keeps the catalogues of the box's page in step with its texts: `python -m aldea.deploy.box_catalogues`.

As `aldea.dashboard_api.web.catalogues` does for the dashboard; apart, since a box carries no Babel, and the
dashboard no texts of the box.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir

from aldea.agents.page.words import DOMAIN, LOCALES
from aldea.agents.page_settings import LANGUAGES
from aldea.dashboard_api.web.catalogues import Shelf

PACKAGE = LOCALES.parent.parent
COMMANDS = Path(__file__).with_name("cli")
OF_COMMANDS = [("main.py", "python"), ("agent.py", "python"), ("helping.py", "python")]
METHODS = [
    ("page/**.py", "python"),
    ("checkup/**.py", "python"),
    ("page/templates/**.html", "jinja2"),
    ("*.py", "python"),
    ("outbox/*.py", "python"),
]
KEYWORDS = {**DEFAULT_KEYWORDS, "say": None}
SHELF = Shelf(LOCALES, DOMAIN, LANGUAGES)


def collected() -> Catalog:
    """Return the template catalogue of every text of the box's page and of the commands that are typed at a site."""
    found = Catalog(project="Aldea", domain=DOMAIN, fuzzy=False)
    for folder, methods in ((PACKAGE, METHODS), (COMMANDS, OF_COMMANDS)):
        extracted = extract_from_dir(folder, methods, {}, KEYWORDS, strip_comment_tags=True)
        for name, _line, message, comments, context in extracted:
            found.add(message, None, [(Path(name).as_posix(), 0)], auto_comments=comments, context=context)
    return found


def main() -> int:
    """Collect, update and compile; the exit status says whether anything is untranslated."""
    return SHELF.bring_up_to_date(collected())


if __name__ == "__main__":
    sys.exit(main())
