"""Birth and last will: who is connected, as far as the broker can tell. A hint; arrivals decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aldea.collector.journal import Journal
    from aldea.model.messages import Birth, Will

ONLINE, OFFLINE = "online", "offline"


class PresenceBook:
    """The newest presence of every device, as the journal has it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[tuple[str, str], tuple[int, str, str]] = {
            (site, device): (connection, epoch, state)
            for site, device, connection, epoch, state, _ in journal.presences()
        }

    def birth(self, birth: Birth, arrival_ms: int, *, retained: bool) -> bool:
        """Take a birth in; return whether it is news.

        A retained one is what the broker remembers: news only if it is newer than what is known, or of another
        outbox. One that comes as it happens is news even when its number is lower: the outbox began anew.
        """
        connection, epoch, state = self._known.get((birth.site, birth.device), (0, "", OFFLINE))
        same = (connection, epoch, state) == (birth.connection, birth.epoch, ONLINE)
        older = retained and epoch == birth.epoch and birth.connection <= connection
        if same or older:
            return False
        self._set(birth.site, birth.device, birth.connection, birth.epoch, ONLINE, arrival_ms)
        return True

    def is_newest(self, birth: Birth) -> bool:
        """Say whether a birth is of the newest connection known of its device."""
        connection, epoch, _ = self._known.get((birth.site, birth.device), (0, "", OFFLINE))
        return (connection, epoch) == (birth.connection, birth.epoch)

    def will(self, will: Will, arrival_ms: int) -> bool:
        """Take a will in; return whether it is news: only the will of the newest birth's connection is."""
        connection, epoch, state = self._known.get((will.site, will.device), (0, "", OFFLINE))
        if state != ONLINE or will.connection != connection:
            return False
        self._set(will.site, will.device, connection, epoch, OFFLINE, arrival_ms)
        return True

    def _set(self, site: str, device: str, connection: int, epoch: str, state: str, since_ms: int) -> None:
        self._known[site, device] = (connection, epoch, state)
        self._journal.set_presence(site, device, connection, epoch, state, since_ms)
