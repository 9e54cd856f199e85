"""Keeps the catalogues of the server's commands in step with their texts: `python -m aldea.deploy.server_catalogues`.

As `aldea.deploy.box_catalogues` does for the box's page and `aldea agent`. What both have, such as argparse's own
texts, is said here in the words of that one.
"""

from __future__ import annotations

import ast
import sys
from importlib.resources import files
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_from_file

from aldea.agents.page_settings import LANGUAGES
from aldea.dashboard_api.web.catalogues import Shelf, texts
from aldea.deploy import box_catalogues
from aldea.deploy.cli.helping import texts_in
from aldea.deploy.words import DOMAIN, LOCALES

PACKAGE = Path(__file__).parent
METHODS = [("cli/agent.py", "ignore"), ("**.py", "python")]
ELSEWHERE = {
    "agents/terminal.py": files("aldea.agents") / "terminal.py",
    "collector/__main__.py": files("aldea.collector") / "__main__.py",
    "simulator/__main__.py": files("aldea.simulator") / "__main__.py",
}
"""What declares options of ours in another package."""
KEYWORDS = {**DEFAULT_KEYWORDS, "said": None, "say": None}


class ServerShelf(Shelf):
    """The catalogues of the server's commands; what the box's catalogue says too is said in its words."""

    __slots__ = ()

    def updated(self, code: str, template: Catalog) -> Catalog:
        """Return a language's catalogue with exactly the texts of `template`."""
        catalogue = Shelf.updated(self, code, template)
        known = {message.id: message.string for message in texts(box_catalogues.SHELF.read(code))}
        for message in texts(catalogue):
            message.string = known.get(message.id, message.string)
        return catalogue


SHELF = ServerShelf(LOCALES, DOMAIN, LANGUAGES)


def collected() -> Catalog:
    """Return the template catalogue of every text of the server's commands, their docstrings' among them."""
    found = Catalog(project="Aldea", domain=DOMAIN, fuzzy=False)
    extracted = extract_from_dir(PACKAGE, METHODS, {}, KEYWORDS, strip_comment_tags=True)
    for name, _line, message, comments, context in extracted:
        found.add(message, None, [(Path(name).as_posix(), 0)], auto_comments=comments, context=context)
    for name, path in ELSEWHERE.items():
        read = extract_from_file("python", str(path), KEYWORDS, strip_comment_tags=True)
        for _line, message, comments, context in read:
            found.add(message, None, [(name, 0)], auto_comments=comments, context=context)
    for module in sorted((PACKAGE / "cli").glob("*.py")):
        doc = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
        if doc.startswith("`aldea ") and module.name != "agent.py":
            for text in texts_in(doc):
                found.add(text, None, [(f"cli/{module.name}", 0)])
    return found


def main() -> int:
    """Collect, update and compile; the exit status says whether anything is untranslated."""
    return SHELF.bring_up_to_date(collected())


if __name__ == "__main__":
    sys.exit(main())
