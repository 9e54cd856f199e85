"""Which settings say where a box sends to: changed from afar, they lead it elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable

from aldea.model.overlays import Document, leaves

LEADS = ("broker.host", "broker.port", "broker.tls", "broker.ca_file")
"""Where a box sends to, and by what it knows whom it sends to. Its log-in for the broker goes there as well."""


def is_led(changes: Iterable[str]) -> bool:
    """Say whether changed keys lead a box elsewhere; a table as a whole does, where one of them is in it."""
    return any(lead == key or lead.startswith(f"{key}.") for key in changes for lead in LEADS)


def leads_to(document: Document) -> str:
    """Return where a document says to send to, as it is written there; a dash where it leaves that to the machine."""
    said = dict(leaves(document))
    return (
        ", ".join(f"{key} = {json.dumps(said[key], ensure_ascii=False)}" for key in LEADS if said.get(key) is not None)
        or "\N{EN DASH}"
    )
