"""Words of the pages about settings: how a device stands, what became of a command, in whole sentences."""

from __future__ import annotations

from collections.abc import Mapping

from aldea.dashboard_api.charts.panels import N_
from aldea.storage.register.device_overlays import DeviceSettings, Standing

STANDING_WORDS: Mapping[Standing, str] = {
    Standing.SAME: N_("runs with them"),
    Standing.NOT_SENT: N_("not sent yet"),
    Standing.UNDER_WAY: N_("on their way or on trial"),
    Standing.FAILED: N_("refused by the device"),
    Standing.ROLLED_BACK: N_("tried, and gone back"),
}
STANDING_KINDS: Mapping[Standing, str] = {
    Standing.SAME: "up",
    Standing.NOT_SENT: "unknown",
    Standing.UNDER_WAY: "planned",
    Standing.FAILED: "down",
    Standing.ROLLED_BACK: "suspect",
}

TABLES: Mapping[str, str] = {
    "": N_("Times, log and trial"),
    "broker": N_("Where it sends to"),
    "outbox": N_("What waits on its disk"),
    "sees": N_("What it can see"),
    "ping": N_("Ping"),
    "dns": N_("Names (DNS)"),
    "http": N_("Web pages"),
    "interfaces": N_("Network interfaces"),
    "host": N_("The machine itself"),
    "snmp": N_("Routers by SNMP"),
    "clients": N_("Connected devices"),
    "power": N_("Mains power"),
    "throughput": N_("Tests of the link's speed"),
    "budget": N_("Byte budget"),
    "page": N_("The box's own page"),
    "upgrade": N_("Upgrades"),
}
"""The tables of settings, as people call them."""

READY_NAMES = (N_("Standard"), N_("Frugal"))
"""The names of the profiles that are there from the start."""


def said_of(item: DeviceSettings, language: str) -> str:
    """Return what the device said of the newest settings, in its own words; '' where it has said nothing."""
    found = {} if item.last is None else item.last.answer
    overruled = found.get(f"overruled_{language}") or found.get("overruled")
    own = found.get(f"sentence_{language}") or found.get("sentence")
    words = [own, *(overruled if isinstance(overruled, list) else [])]
    return "; ".join(str(word) for word in words if word)
