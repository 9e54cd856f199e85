"""Sentences shown once after a form was sent: the address carries a key, never the sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aldea.agents.page.words import N_

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "cannot_write_now": N_("That is not possible while the box cannot write to its disk."),
        "still_opening": N_("That is not possible before the box has opened what it has stored."),
        "checked_just_now": N_("That was checked just now: this is what was found."),
        "checked_too_often": N_(
            "It was checked many times today: this is what was found last. Each check uses some of the contract's"
            " bytes; in a quarter of an hour there is one more."
        ),
        "tests_by_hand_spent": N_(
            "Half of this month's bytes for tests by hand is used. The other half is for whoever looks after the"
            " Internet: sign in with the PIN under Records, or ask for a test from afar."
        ),
        "too_many_reports": N_("Many repairs were reported in the last hour. Wait 10 minutes, then report again."),
        "tested_just_now": N_("That was tested just now: this is what was found."),
        "no_speed_server": N_("No server to test with is set for this box."),
        "not_kept": N_("The box could not keep the report: see its disk."),
        "draft_dropped": N_("Thrown away."),
        "laid_aside": N_("Left at that. It stands under all records."),
        "nothing_already": N_("That was noted already: nothing happened today."),
        "something_today": N_("Something was entered for today: it was not noted that nothing happened."),
        "nothing_stored": N_("Noted: nothing happened today."),
        "left_for_now": N_("Kept under “Not finished yet”."),
        "not_stored": N_("The box could not store it: see its disk."),
        "person_added": N_("Added to the roster."),
        "person_changed": N_("Stored. The code stays the same."),
        "reported_already": N_("It was reported already, and is not sent twice: this is what became of it."),
        "restored": N_("The backup was put in."),
        "stored_before": N_("This form was stored before: this is what it stored. To enter another, begin at Records."),
        "stored": N_("Stored here. It goes to the server by itself; this page shows when it has arrived."),
        "withdrawn": N_("Withdrawn: it counts no more. The server hears of it."),
        "signed_in": N_("Signed in. It ends after half an hour without use."),
        "signed_out": N_("Signed out."),
    }
)

_NOT_DONE = frozenset(
    {
        "cannot_write_now",
        "still_opening",
        "checked_too_often",
        "tests_by_hand_spent",
        "too_many_reports",
        "no_speed_server",
        "not_kept",
        "not_stored",
        "something_today",
    }
)


def kind_of(key: str | None) -> str:
    """Return how a sentence is shown: as a warning where what was asked for was not done."""
    return "warning" if key in _NOT_DONE else "good"


def sentence_of(key: str | None) -> str | None:
    """Return the sentence for a key of the address, None for one that is none."""
    return None if key is None else SENTENCES.get(key)
