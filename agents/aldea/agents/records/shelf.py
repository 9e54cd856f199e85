"""The forms that the box offers: those that ship with it, and newer ones that the server has sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from aldea.agents.whole_file import write_whole
from aldea.model.forms import Definition, FormError, load_forms, read_definition

FOLDER = "forms"
MOST_SENT = 40
MOST_BYTES = 16_384
_LOG = logging.getLogger(__name__)


class FormShelf:
    """Definitions by id. A newer version takes the place of an older one; an older one is passed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._forms: Mapping[str, Definition] = dict(load_forms())
        for path in sorted(self._folder.glob("*.json"))[:MOST_SENT] if self._folder.is_dir() else ():
            try:
                found = read_definition(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                _LOG.warning("the form %s is passed over: %s", path.name, error)
                continue
            if self._is_newer(found):
                self._forms = {**self._forms, found.id: found}

    def forms(self) -> Mapping[str, Definition]:
        """Return the forms by id, in the order in which they are offered."""
        return self._forms

    def versions_text(self) -> str:
        """Return the versions as they are told to the server: `attendance=2 course=1`."""
        return " ".join(f"{form.id}={form.version}" for form in sorted(self._forms.values(), key=lambda form: form.id))

    def take(self, document: object) -> bool:
        """Keep a definition that the server sent; False when the box has this version or a newer one.

        Raises FormError for what is no definition or has mistakes, OSError when it cannot be written.
        """
        if not isinstance(document, Mapping):
            raise FormError("the command holds no definition")
        found = read_definition(document)
        if not self._is_newer(found):
            return False
        text = json.dumps(document, ensure_ascii=False)
        if len(text.encode()) > MOST_BYTES:
            raise FormError(f"form {found.id!r} has more than {MOST_BYTES} bytes: make it shorter")
        if found.id not in self._forms and len(self._forms) >= MOST_SENT:
            raise FormError(f"the box has {len(self._forms)} forms, which is all it takes")
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / f"{found.id}.json", text.encode())
        self._forms = {**self._forms, found.id: found}
        return True

    def _is_newer(self, found: Definition) -> bool:
        own = self._forms.get(found.id)
        return own is None or int(found.version) > int(own.version)
