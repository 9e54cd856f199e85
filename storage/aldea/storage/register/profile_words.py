"""Why a profile or its settings cannot be, in both languages."""

from __future__ import annotations

from aldea.model.said import Said


def taken(profile: str) -> Said:
    """Return why: a profile's id is taken."""
    return Said(
        f"profile {profile!r} is already there: choose another id",
        f"el perfil {profile!r} ya existe: hay que elegir otra clave",
    )


def changed_meanwhile(profile: str, revision: int) -> Said:
    """Return why: a profile was changed by somebody else."""
    return Said(
        f"profile {profile!r} was changed meanwhile: it is at revision {revision}; look at it again",
        f"alguien cambió mientras tanto el perfil {profile!r}: va en la revisión {revision}; hay que verlo de nuevo",
    )


def in_use(profile: str, sites: int) -> Said:
    """Return why: a profile that sites have stays."""
    return Said(
        f"profile {profile!r} has {sites} sites: give them another one first",
        f"el perfil {profile!r} tiene {sites} sitios: primero hay que darles otro",
    )


def no_profile(profile: str) -> Said:
    """Return why: there is no such profile."""
    return Said(
        f"there is no profile {profile[:39]!r}: see `aldea profile list`",
        f"no existe el perfil {profile[:39]!r}",
    )


def no_site(site: str) -> Said:
    """Return why: there is no such site."""
    return Said(
        f"site {site[:39]!r} is not registered: add it first (`aldea site add`)",
        f"el sitio {site[:39]!r} no está registrado: primero hay que agregarlo (`aldea site add`)",
    )


def simulated(site: str) -> Said:
    """Return why: a simulated site has no profile."""
    return Said(
        f"site {site!r} is simulated: it has no box to set",
        f"el sitio {site!r} es simulado: no tiene equipo que ajustar",
    )


def too_deep() -> Said:
    """Return why: settings have too many tables within tables."""
    return Said(
        "the settings have tables within tables that no agent knows: leave them out",
        "los ajustes tienen tablas dentro de tablas que ningún agente conoce: hay que quitarlas",
    )


def not_json(why: object) -> Said:
    """Return why: settings cannot be stored."""
    return Said(f"the settings are not JSON: {why}", f"los ajustes no son JSON: {why}")


def too_large(size: int, most: int) -> Said:
    """Return why: settings are too large."""
    return Said(
        f"the settings have {size} bytes, a device takes {most}: leave something out",
        f"los ajustes tienen {size} bytes y un equipo recibe {most}: hay que quitar algo",
    )


def bad_id() -> Said:
    """Return why: a profile's id cannot be."""
    return Said(
        "id must be 1 to 39 of a-z, 0-9 and -, not starting with -",
        "la clave lleva de 1 a 39 caracteres: a-z, 0-9 y -, sin empezar con -",
    )


def bad_name() -> Said:
    """Return why: a profile's name cannot be."""
    return Said("name must be 1 to 120 characters of text", "el nombre lleva de 1 a 120 caracteres")
