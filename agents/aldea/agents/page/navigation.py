"""The menu of every page: a path and its text. A new room of the page adds its line."""

from __future__ import annotations

from aldea.agents.page.words import N_

PLACES: tuple[tuple[str, str], ...] = (
    ("/", N_("Status")),
    ("/check", N_("Check")),
    ("/repaired", N_("Repaired")),
    ("/records", N_("Records")),
    ("/about", N_("What is measured")),
)
