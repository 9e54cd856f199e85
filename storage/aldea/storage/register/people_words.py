"""Why a person, a role or its end cannot be, in both languages."""

from __future__ import annotations

from collections.abc import Collection

from aldea.model.said import Said


def bad_account(person_id: str) -> Said:
    """Return why: an account's name cannot be."""
    return Said(
        f"the account's name {person_id[:60]!r} must be 1 to 39 of a-z, 0-9 and -",
        f"el nombre de la cuenta, {person_id[:60]!r}, debe tener de 1 a 39 caracteres de a-z, 0-9 y -",
    )


def bad_name(limit: int) -> Said:
    """Return why: a person's name cannot be."""
    return Said(
        f"the person's name must have 1 to {limit} characters",
        f"el nombre de la persona debe tener de 1 a {limit} caracteres",
    )


def account_taken(person_id: str) -> Said:
    """Return why: an account's name is taken."""
    return Said(
        f"there is an account {person_id!r} already: choose another name",
        f"ya hay una cuenta {person_id!r}: hay que elegir otro nombre",
    )


def role_held(person: str, role: str) -> Said:
    """Return why: somebody has the role already."""
    return Said(
        f"{person} has the role {role!r} there already in that time: end that grant first",
        f"{person} ya tiene ahí el rol {role!r} en ese tiempo: primero hay que terminar ese",
    )


def no_grant(number: int) -> Said:
    """Return why: there is no grant of that number."""
    return Said(
        f"there is no grant {number}: it may have been ended already",
        f"no hay ningún rol con el número {number}: quizá ya terminó",
    )


def no_role(role: str, roles: Collection[str]) -> Said:
    """Return why: there is no such role."""
    return Said(
        f"there is no role {role[:40]!r}: use {', '.join(roles)}",
        f"no hay ningún rol {role[:40]!r}: usar {', '.join(roles)}",
    )


def long_scope(limit: int) -> Said:
    """Return why: a limit is too long."""
    return Said(
        f"programme and region have {limit} characters at most",
        f"programa y región tienen {limit} caracteres como máximo",
    )


def part_of_all() -> Said:
    """Return why: an administrator has no limits."""
    return Said(
        "an administrator is one of everything: leave programme and region empty",
        "quien administra lo hace en todo: dejar programa y región vacíos",
    )


def ends_early() -> Said:
    """Return why: a grant would end before it begins."""
    return Said(
        "the grant would end before it begins: choose a later end",
        "el rol terminaría antes de empezar: hay que elegir un fin posterior",
    )


def no_account(person_id: str) -> Said:
    """Return why: there is no such account."""
    return Said(
        f"there is no account {person_id[:60]!r}: `aldea user list` shows them all",
        f"no hay ninguna cuenta {person_id[:60]!r}: `aldea user list` las muestra todas",
    )


def last_administrator(person_id: str) -> Said:
    """Return why: somebody must stay an administrator."""
    return Said(
        f"{person_id} is the last administrator: make somebody else one first",
        f"{person_id} es la última cuenta de administración: primero hay que dar ese rol a otra persona",
    )
