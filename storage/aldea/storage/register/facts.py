"""What is known about a site, dated: a figure for March uses what held in March."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, Select, select

from aldea.model.said import Said
from aldea.storage.register.dated import end_entry, holds_at, put_entry
from aldea.storage.register.encoding import plain
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import site, site_fact

KNOWN_FACTS: Mapping[str, str] = MappingProxyType(
    {
        "address": "how to get there, in words",
        "contracted_down_mbps": "download speed the provider has promised, Mbit/s",
        "contracted_up_mbps": "upload speed the provider has promised, Mbit/s",
        "contracted_volume_bytes": "volume the provider gives in a month, bytes",
        "inegi_code": "INEGI code of the locality (9 digits) or the municipality (5), text",
        "indigenous_languages": "languages spoken there, ISO 639-3, a list",
        "locality": "name of the locality",
        "municipality": "name of the municipality",
        "opening_hours": "weekday (mon to sun) to a list of [from, to] in local time, HH:MM",
        "organisation": "who runs the site",
        "population": "inhabitants of the locality",
        "population_15plus": "inhabitants of the locality aged 15 or more",
        "power_region": "places with the same value lose power together",
        "primary_device": "id of the device whose rows decide up and down; kept by the devices' functions",
        "programme": "id of a programme the site is in; several hold at once, item = value",
        "provider": "who sells the connection",
        "responsible": "id of a responsible person; several hold at once, item = value",
        "silence_means": "`off_when_closed` where the site is switched off outside its opening hours",
        "site_kind": "school, library, community centre, …",
        "state_name": "name of the federal state",
        "technology": "geo, leo, terrestrial, …",
        "upstream": "the gateway, teleport or mast that sites have in common",
        "urban": "true where the site is in a town, so that it stays out of rural roll-ups",
    }
)
"""The facts that Aldea itself reads. Others are free to use with a name that starts with `x_`."""

SEVERAL_AT_ONCE = frozenset({"programme", "responsible"})
VALUE_TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact to be entered with a new site; `item` as in `set_fact`."""

    fact: str
    value: Any
    item: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that held for a site from `valid_from_ms` until `valid_to_ms` (None: still)."""

    site: str
    fact: str
    item: str
    value: Any
    valid_from_ms: int
    valid_to_ms: int | None


def set_fact(unit: Unit, site_id: str, fact: str, value: object, from_ms: int, *, item: str = "") -> bool:
    """Let `fact` have `value` from `from_ms` on, closing what held before; say whether anything changed.

    `item` tells several values apart that hold at once (`programme`, `responsible`). A change entered late
    holds until the next one already recorded. Raises RegisterError for a name that is not known or a
    value that is not JSON, UnknownEntryError for a site that is not registered.
    """
    columns = fact_columns(fact, value, item)
    lock_site(unit, site_id)
    values = {name: columns[name] for name in ("value", "value_text")}
    return put_entry(unit, site_fact, _key(site_id, fact, item), values, from_ms)


def end_fact(unit: Unit, site_id: str, fact: str, from_ms: int, *, item: str = "") -> bool:
    """Let `fact` hold no more from `from_ms` on; say whether it did."""
    lock_site(unit, site_id)
    return end_entry(unit, site_fact, _key(site_id, fact, item), from_ms)


def facts_at(unit: Unit, site_id: str, at_ms: int) -> tuple[Fact, ...]:
    """Return every fact that held for the site at `at_ms`, by name and item."""
    return _facts(unit, _of(site_id).where(holds_at(site_fact, at_ms)))


def fact_at(unit: Unit, site_id: str, fact: str, at_ms: int, *, item: str = "") -> Any:
    """Return the value that held at `at_ms`, or None where nothing is recorded."""
    wanted = _of(site_id).where(site_fact.c.fact == fact, site_fact.c.item == item, holds_at(site_fact, at_ms))
    found = _facts(unit, wanted)
    return found[0].value if found else None


def programmes_at(unit: Unit, site_id: str, at_ms: int) -> tuple[str, ...]:
    """Return the ids of the programmes the site was in at `at_ms`."""
    wanted = _of(site_id).where(site_fact.c.fact == "programme", holds_at(site_fact, at_ms))
    return tuple(str(found.value) for found in _facts(unit, wanted))


def fact_history(unit: Unit, site_id: str, fact: str | None = None) -> tuple[Fact, ...]:
    """Return all that was ever recorded, of one fact or of all, oldest first within a fact."""
    wanted = _of(site_id)
    return _facts(unit, wanted if fact is None else wanted.where(site_fact.c.fact == fact))


def fact_columns(fact: str, value: object, item: str) -> dict[str, Any]:
    """Return the columns of a fact after checking it; see `set_fact` for what is raised."""
    if fact not in KNOWN_FACTS and not re.fullmatch(r"x_[a-z0-9_]{1,60}", fact):
        raise RegisterError(
            Said(
                f"fact {fact[:64]!r} is not known: use one of {', '.join(KNOWN_FACTS)}, or your own as x_<name>",
                f"el dato {fact[:64]!r} no se conoce: usar uno de {', '.join(KNOWN_FACTS)}, o uno "
                "propio como x_<nombre>",
            )
        )
    if (fact in SEVERAL_AT_ONCE) != bool(item):
        if item:
            raise RegisterError(Said(f"fact {fact!r} takes no item", f"el dato {fact!r} no lleva elemento"))
        raise RegisterError(
            Said(
                f"fact {fact!r} needs an item, because several hold at once",
                f"el dato {fact!r} necesita un elemento, porque varios valen a la vez",
            )
        )
    try:
        stored = plain(value)
    except (TypeError, ValueError) as error:
        raise RegisterError(
            Said(
                f"fact {fact!r} has a value that is not JSON: {error}",
                f"el dato {fact!r} tiene un valor que no es JSON: {error}",
            )
        ) from error
    if stored is None:
        raise RegisterError(
            Said(
                f"fact {fact!r} has no value: end it instead of setting it to null",
                f"el dato {fact!r} no tiene valor: terminarlo en vez de ponerlo en null",
            )
        )
    return {"fact": fact, "item": item, "value": stored, "value_text": scalar_text(stored)}


def scalar_text(value: object) -> str | None:
    """Return a scalar as the text that listings filter by, None for lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:VALUE_TEXT_LIMIT] if isinstance(value, str | int | float) else None


def lock_site(unit: Unit, site_id: str) -> None:
    """Make other writers of this site's history wait; raises UnknownEntryError when there is no such site."""
    found = unit.connection.execute(select(site.c.id).where(site.c.id == site_id).with_for_update()).first()
    if found is None:
        raise UnknownEntryError(
            Said(
                f"site {site_id!r} is not registered: add it first (`aldea site add`)",
                f"el sitio {site_id!r} no está registrado: primero hay que agregarlo (`aldea site add`)",
            )
        )


def _key(site_id: str, fact: str, item: str) -> dict[str, str]:
    return {"site": site_id, "fact": fact, "item": item}


def _of(site_id: str) -> Select[Any]:
    order = (site_fact.c.fact, site_fact.c.item, site_fact.c.valid_from_ms)
    return select(site_fact).where(site_fact.c.site == site_id).order_by(*order)


def _facts(unit: Unit, wanted: Select[Any]) -> tuple[Fact, ...]:
    return tuple(_fact(row) for row in unit.connection.execute(wanted))


def _fact(row: Row[Any]) -> Fact:
    return Fact(row.site, row.fact, row.item, row.value, row.valid_from_ms, row.valid_to_ms)
