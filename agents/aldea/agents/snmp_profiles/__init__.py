"""Profiles of common gear: files of data that say which objects of a device to ask.

To add one: a `.toml` file here that names its source, and its name in ROUTERS or UPSES.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTERS = (
    "generic",
    "mikrotik",
    "mikrotik-capsman",
    "mikrotik-dhcp",
    "ubiquiti-airos",
    "ubiquiti-unifi",
    "cambium-epmp",
    "cambium-cnpilot",
    "tplink-eap",
)
UPSES = ("ups",)


@dataclass(frozen=True, slots=True)
class ClientCount:
    """Where a device says how many are connected: an object's value, the sum of a column, or its number of rows."""

    oid: str
    how: str


@dataclass(frozen=True, slots=True)
class UpsObject:
    """One field of a UPS: a number times `scale`, or a flag (`yes` and `no` are the numbers that say so).

    `is_column`: `oid` is a table's column, of which the first row counts.
    """

    field: str
    oid: str
    is_column: bool = False
    scale: float | None = None
    yes: tuple[int, ...] = ()
    no: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a kind of device. `wan`: the names its WAN interface has as delivered."""

    title: str
    wan: tuple[str, ...] = ()
    clients: ClientCount | None = None
    ups: tuple[UpsObject, ...] = ()


def load_profile(name: str) -> Profile:
    """Return the profile called `name`, of ROUTERS or UPSES. Raises ValueError for another name."""
    if name not in (*ROUTERS, *UPSES):
        raise ValueError(f"there is no profile {name!r}; there are {', '.join((*ROUTERS, *UPSES))}")
    raw = tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))
    return parse_profile(raw)


def parse_profile(raw: Mapping[str, Any]) -> Profile:
    """Return the profile in a parsed file. Raises KeyError when it lacks something."""
    clients = raw.get("clients")
    ups = tuple(
        UpsObject(
            field,
            item["column"] if "column" in item else item["oid"],
            "column" in item,
            item.get("scale"),
            tuple(item.get("yes", ())),
            tuple(item.get("no", ())),
        )
        for field, item in raw.get("ups", {}).items()
    )
    counted = None if clients is None else ClientCount(clients["oid"], clients["from"])
    return Profile(raw["title"], tuple(raw.get("wan", ())), counted, ups)
