"""`[agent.page]`: the box's own page on the site's network."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from aldea.model.checks import a_zone
from aldea.model.said import Said
from aldea.model.settings import about

LANGUAGES = ("es", "en")
"""Spanish first: it is what is served when nobody asks for another."""

PIN_HASH = re.compile(r"scrypt\$[0-9a-f]{32}\$[0-9a-f]{64}")
"""What `aldea agent pin --hash` prints."""


def _a_pin_hash(text: str) -> str | None:
    if PIN_HASH.fullmatch(text):
        return None
    return Said("what `aldea agent pin --hash` prints", "lo que imprime `aldea agent pin --hash`")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeChoice:
    """`[[agent.page.programmes]]`: a programme of this site, for the records entered here."""

    id: str = field(metadata=about("the programme's id, as it is registered"))
    name: str = field(metadata=about("what people call it"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """`[agent.page]`: who sees it is up to the network; only private addresses are answered."""

    enabled: bool = field(default=False, metadata=about("serve the box's page on the site's network"))
    host: str = field(default="0.0.0.0", metadata=about("address to listen on; 0.0.0.0: all of IPv4, :: also of IPv6"))  # noqa: S104 - peers are checked one by one
    port: int = field(default=8080, metadata=about("port to listen on", minimum=1, maximum=65535))
    names: tuple[str, ...] = field(
        default=("aldea", "aldea.lan", "aldea.local"),
        metadata=about("names by which the page may be called, besides any address"),
    )
    language: str = field(default="es", metadata=about("language until another is chosen", choices=LANGUAGES))
    site_name: str | None = field(default=None, metadata=about("the village's name; unset: the site's id"))
    timezone: str | None = field(
        default=None, metadata=about("zone of the times shown (IANA); unset: as enrolled", check=a_zone)
    )
    contact: str | None = field(
        default=None, metadata=about("who answers questions about the measurements, and how to reach them")
    )
    programmes: tuple[ProgrammeChoice, ...] = field(
        default=(), metadata=about("the site's programmes, to choose from in records")
    )
    pin_hash: str | None = field(
        default=None,
        metadata=about("the facilitator's PIN, as `aldea agent pin --hash` prints it", check=_a_pin_hash),
    )
