"""What can be allowed, and which role allows what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """One kind of right. A route needs exactly one; a role gives several."""

    PUBLIC = "public"
    """Everybody, signed in or not."""
    VIEW = "view"
    """Sites, series, incidents, indicators."""
    RECORD = "record"
    """Enter and correct forms."""
    ACKNOWLEDGE = "acknowledge"
    """Take over an incident and write into its timeline."""
    MAINTAIN = "maintain"
    """Announce and end maintenance."""
    MANAGE_SITES = "manage_sites"
    """Import sites, enrol and replace devices."""
    MANAGE_PROGRAMMES = "manage_programmes"
    """Programmes, who owes which form, publishing of indicators."""
    MANAGE_CONTACTS = "manage_contacts"
    """Who is told of an incident, and how."""
    MANAGE_PEOPLE = "manage_people"
    """Accounts, grants, links to set a password."""
    ADMINISTER = "administer"
    """Settings of the whole instance; the real start."""
    ACCOUNT = "account"
    """One's own password, language, tokens and sessions: whoever is signed in."""


_VIEW = frozenset({Permission.VIEW, Permission.ACCOUNT})

ROLES: Mapping[str, frozenset[Permission]] = MappingProxyType(
    {
        "viewer": _VIEW,
        "facilitator": _VIEW | {Permission.RECORD},
        "technician": _VIEW | {Permission.ACKNOWLEDGE, Permission.MAINTAIN},
        "operator": _VIEW
        | {Permission.ACKNOWLEDGE, Permission.MAINTAIN, Permission.MANAGE_SITES, Permission.MANAGE_CONTACTS},
        "partner": _VIEW | {Permission.RECORD},
        "programme_manager": _VIEW | {Permission.RECORD, Permission.MANAGE_PROGRAMMES, Permission.MANAGE_CONTACTS},
        "admin": frozenset(Permission) - {Permission.PUBLIC},
    }
)
"""Role → what it allows. A grant gives a role for a programme and a region, between two dates."""
