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


_P = Permission

ROLES: Mapping[str, frozenset[Permission]] = MappingProxyType(
    {
        "viewer": frozenset({_P.VIEW}),
        "facilitator": frozenset({_P.VIEW, _P.RECORD}),
        "technician": frozenset({_P.VIEW, _P.ACKNOWLEDGE, _P.MAINTAIN}),
        "operator": frozenset({_P.VIEW, _P.ACKNOWLEDGE, _P.MAINTAIN, _P.MANAGE_SITES, _P.MANAGE_CONTACTS}),
        "partner": frozenset({_P.VIEW, _P.RECORD}),
        "programme_manager": frozenset({_P.VIEW, _P.RECORD, _P.MANAGE_PROGRAMMES, _P.MANAGE_CONTACTS}),
        "admin": frozenset(Permission) - {_P.PUBLIC, _P.ACCOUNT},
    }
)
"""Role → what it allows. A grant gives a role for a programme and a region, between two dates."""

TOKEN_PERMISSIONS = frozenset(Permission) - {_P.PUBLIC, _P.ACCOUNT, _P.MANAGE_PEOPLE, _P.ADMINISTER}
"""What a token may allow: accounts and the instance as a whole are for people alone."""
