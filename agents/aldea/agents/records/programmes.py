"""The dates of the site's programmes, as the server has sent them: what is entered for one must lie within them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from aldea.agents.whole_file import write_whole
from aldea.model.forms.programmes import ProgrammeDates, programmes_number, read_programmes

NAME = "programmes.json"
_LOG = logging.getLogger(__name__)


class ProgrammeShelf:
    """Dates by programme; nothing is known before the server has sent any."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._dates: Mapping[str, ProgrammeDates] = {}
        self._number = 0
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            self._dates, self._number = read_programmes(document), programmes_number(document)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            _LOG.warning("the programmes' dates are passed over: %s", error)

    @property
    def number(self) -> int:
        """Which dates these are, as the server numbers them; 0: none yet."""
        return self._number

    def dates_of(self, programme: str) -> ProgrammeDates | None:
        """Return a programme's dates, None where they are not known."""
        return self._dates.get(programme)

    def take(self, document: object) -> bool:
        """Keep the dates that the server sent; False when they are here already.

        Raises ValueError for what holds no dates, OSError when they cannot be written.
        """
        found = read_programmes(document)
        assert isinstance(document, list)
        number = programmes_number(document)
        if number == self._number:
            return False
        write_whole(self._path, json.dumps(document).encode())
        self._dates, self._number = found, number
        return True
