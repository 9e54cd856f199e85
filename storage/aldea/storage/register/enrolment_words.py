"""Why a code leads nowhere, in both languages."""

from __future__ import annotations

from aldea.model.said import Said

ASK = Said(
    "ask for a new one (`aldea site enrol SITE`, or the site's page)",
    "pedir otro (`aldea site enrol SITIO`, o la página del sitio)",
)


def no_code(length: int) -> Said:
    """Return why: what was typed cannot be a code."""
    return Said(
        f"the code is not one of ours: it has {length} letters and digits, such as K7QM-3XPT, without 0, 1, I, L, O "
        "and U",
        f"el código no es de los nuestros: tiene {length} letras y dígitos, como K7QM-3XPT, sin 0, 1, I, L, O ni U",
    )


def not_known() -> Said:
    """Return why: nobody was given this code."""
    return Said(
        f"this code is not known: look at it again, or {ASK}", f"este código no se conoce: revisarlo, o {ASK.es}"
    )


def used() -> Said:
    """Return why: the code has had its device."""
    return Said(
        f"this code was used already; each is good for one device once: {ASK}",
        f"este código ya se usó; cada uno sirve una vez para un equipo: {ASK.es}",
    )


def replaced() -> Said:
    """Return why: a newer code was given."""
    return Said(
        f"this code was replaced by a newer one: use that, or {ASK}",
        f"este código fue reemplazado por uno más nuevo: usar ese, o {ASK.es}",
    )


def over() -> Said:
    """Return why: the code's time is up."""
    return Said(f"this code is over: {ASK}", f"este código ya venció: {ASK.es}")


def site_gone() -> Said:
    """Return why: the code's site is no more."""
    return Said(
        "this code's site is gone: ask for a code of another site",
        "el sitio de este código ya no existe: pedir el código de otro sitio",
    )


def other_site(site: str, held: str) -> Said:
    """Return why: the device still holds another site's data."""
    return Said(
        f"this code is for the site {site!r}, but the device's folder belongs to {held[:40]!r} and may hold what was "
        "measured there: give the agent another folder (--data). The code was not used",
        f"este código es del sitio {site!r}, pero la carpeta del equipo es de {held[:40]!r} y puede guardar lo medido "
        "allá: dar otra carpeta al agente (--data). El código no se gastó",
    )


def too_many(minutes: int) -> Said:
    """Return why: no code is looked at for a while."""
    return Said(
        f"too many wrong codes were tried: try again in {minutes} min",
        f"se intentaron demasiados códigos equivocados: intentar de nuevo en {minutes} min",
    )
