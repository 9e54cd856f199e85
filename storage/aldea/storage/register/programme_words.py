"""Why a programme, or a site in it, cannot be, in both languages."""

from __future__ import annotations

from datetime import date

from aldea.model.said import Said


def taken(programme: str) -> Said:
    """Return why: a programme's id is taken."""
    return Said(
        f"programme {programme!r} is already there: choose another id",
        f"el programa {programme!r} ya existe: hay que elegir otra clave",
    )


def no_programme(programme: str) -> Said:
    """Return why: there is no such programme."""
    return Said(f"there is no programme {programme[:39]!r}", f"no existe el programa {programme[:39]!r}")


def not_added(programme: str) -> Said:
    """Return why: there is no such programme yet."""
    return Said(
        f"there is no programme {programme[:39]!r}: add it first",
        f"no existe el programa {programme[:39]!r}: primero hay que agregarlo",
    )


def no_site(site: str) -> Said:
    """Return why: there is no such site."""
    return Said(
        f"site {site[:39]!r} is not registered: add it first (`aldea site add`)",
        f"el sitio {site[:39]!r} no está registrado: primero hay que agregarlo (`aldea site add`)",
    )


def mixed(site: str, programme: str, *, simulated_site: bool) -> Said:
    """Return why: one is real and the other simulated."""
    kinds = ("simulated", "real") if simulated_site else ("real", "simulated")
    spanish = ("simulado", "real") if simulated_site else ("real", "simulado")
    return Said(
        f"site {site!r} is {kinds[0]} and programme {programme!r} is {kinds[1]}: the two are never mixed",
        f"el sitio {site!r} es {spanish[0]} y el programa {programme!r} es {spanish[1]}: nunca se mezclan",
    )


def faulty(programme: str, fault: Said) -> Said:
    """Return why: something of a programme cannot be."""
    return Said(f"programme {programme[:39]!r}: {fault}", f"programa {programme[:39]!r}: {fault.es}")


def bad_id() -> Said:
    """Return why: a programme's id cannot be."""
    return Said(
        "id must be 1 to 39 of a-z, 0-9 and -, not starting with -",
        "la clave lleva de 1 a 39 caracteres: a-z, 0-9 y -, sin empezar con -",
    )


def bad_name() -> Said:
    """Return why: a programme's name cannot be."""
    return Said("name must be 1 to 200 characters of text", "el nombre lleva de 1 a 200 caracteres")


def bad_english_name() -> Said:
    """Return why: a programme's name in English cannot be."""
    return Said(
        "name_en must be at most 200 characters of text", "el nombre en inglés lleva 200 caracteres como máximo"
    )


def ends_before(starts_on: date, ends_on: date) -> Said:
    """Return why: a programme ends before it begins."""
    return Said(
        f"ends_on {ends_on} is before starts_on {starts_on}: exchange them or leave the end open",
        f"el último día, {ends_on}, es anterior al primero, {starts_on}: intercambiarlos o dejar abierto el final",
    )


def bad_due_days() -> Said:
    """Return why: reports cannot be due then."""
    return Said("due_days must be between 0 and 180", "los días de plazo van de 0 a 180")


def bad_duty(form: str, period: str) -> Said:
    """Return why: a form is owed at no such times."""
    return Said(
        f"duties: {form[:40]!r} is owed each {period[:20]!r}, use month or quarter",
        f"lo que se debe: {form[:40]!r} se debe cada {period[:20]!r}, usar month o quarter",
    )
