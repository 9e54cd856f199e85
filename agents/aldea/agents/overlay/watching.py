"""Was there a link while settings were on trial? Asked of the broker that was sent to before them."""

from __future__ import annotations

from collections.abc import Callable

from aldea.agents.link_watch import LinkWatch, Place
from aldea.agents.overlay.source import Source
from aldea.agents.overlay.state import State
from aldea.model.settings import SettingsError

Watched = Callable[[Place, int], LinkWatch]
"""Makes what looks at a place during a trial of so many milliseconds."""


class TrialWatch:
    """Looks at the link during each trial of a desk. `watched` None: nobody looks, and the link is trusted."""

    def __init__(self, source: Source, watched: Watched | None) -> None:
        self._source = source
        self._watched = watched
        self._looking: LinkWatch | None = None
        self._can_look = watched is not None

    @property
    def had_link(self) -> bool:
        """Whether what is on trial had a link for long enough; True as well where nobody can look."""
        return not self._can_look if self._looking is None else self._looking.had_link

    def begin(self, state: State) -> None:
        """Look from now on, where something is on trial."""
        self.end()
        if state.trial is None or self._watched is None:
            return
        try:
            broker = self._source.settings(state.kept.document).broker
        except SettingsError:
            self._can_look = False  # what was kept cannot be used any more: there is no place to look at
            return
        self._can_look = True
        self._looking = self._watched(Place(broker.host, broker.port, broker.tls), state.trial.patience_ms)
        self._looking.start()

    def end(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.stop()
        self._looking = None
