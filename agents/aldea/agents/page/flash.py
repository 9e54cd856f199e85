"""Sentences shown once after a form was sent: the address carries a key, never the sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aldea.agents.page.words import N_

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "checked_just_now": N_("That was checked just now: this is what was found."),
        "tested_just_now": N_("That was tested just now: this is what was found."),
        "no_speed_server": N_("No server to test with is set for this box."),
        "not_kept": N_("The box could not keep the report: see its disk."),
        "signed_in": N_("Signed in. It ends after half an hour without use."),
        "signed_out": N_("Signed out."),
    }
)


def sentence_of(key: str | None) -> str | None:
    """Return the sentence for a key of the address, None for one that is none."""
    return None if key is None else SENTENCES.get(key)
