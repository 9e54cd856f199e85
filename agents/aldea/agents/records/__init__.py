"""What the facilitator enters at the box: records kept until the server has them, and the roster that never leaves.

Records lie in `records.db` and travel through the outbox; names lie in `roster.db` alone.
"""

from aldea.agents.records.book import RecordBook
from aldea.agents.records.desk import Desk, open_desk
from aldea.agents.records.entry import Entry, NewEntry, RecordRefused, State
from aldea.agents.records.handing import Handing
from aldea.agents.records.roster import Person, Roster, RosterError
from aldea.agents.records.shelf import FormShelf

__all__ = [
    "Desk",
    "Entry",
    "FormShelf",
    "Handing",
    "NewEntry",
    "Person",
    "RecordBook",
    "RecordRefused",
    "Roster",
    "RosterError",
    "State",
    "open_desk",
]
