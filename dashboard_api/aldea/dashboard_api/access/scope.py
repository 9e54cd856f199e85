"""Which sites somebody may see or change: those their grants cover now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.visitor import SiteScope
from aldea.storage.register.grants import site_scopes

if TYPE_CHECKING:
    from collections.abc import Collection

    from aldea.dashboard_api.access.visitor import Visitor
    from aldea.storage.register.register import Unit


def visible_sites(
    unit: Unit, visitor: Visitor, at_ms: int, permission: Permission = Permission.VIEW
) -> frozenset[str] | None:
    """Return the ids of the sites that the visitor may see (or use `permission` at); None is every site.

    A site outside of it is to be answered as one that does not exist.
    """
    if visitor.everywhere(permission):
        return None
    if not visitor.may(permission):
        return frozenset()
    scopes = scopes_of(unit, at_ms)
    return frozenset(site for site, scope in scopes.items() if visitor.may(permission, scope))


def visible_programmes(
    unit: Unit, visitor: Visitor, at_ms: int, permission: Permission = Permission.VIEW
) -> frozenset[str] | None:
    """Return the programmes that the visitor may see (or use `permission` in); None is every programme.

    A right in one programme tells of no other, also where a site is in several.
    """
    if visitor.everywhere(permission):
        return None
    own = {held.programme for held in visitor.held if permission in held.permissions}
    if "" not in own:
        return frozenset(own)
    sites = visible_sites(unit, visitor, at_ms, permission)
    found = {programme for scope in scopes_of(unit, at_ms, sites).values() for programme in scope.programmes}
    return frozenset(found | own - {""})


def can_write(unit: Unit, visitor: Visitor, permission: Permission, site: str, at_ms: int) -> bool:
    """Whether the visitor may do this at one site."""
    if visitor.everywhere(permission):
        return True
    return visitor.may(permission) and visitor.may(permission, scope_of(unit, site, at_ms))


def scope_of(unit: Unit, site: str, at_ms: int) -> SiteScope:
    """Return where a site belongs at `at_ms`; nowhere, if it is not registered."""
    return scopes_of(unit, at_ms, [site]).get(site, SiteScope(frozenset(), ""))


def scopes_of(unit: Unit, at_ms: int, sites: Collection[str] | None = None) -> dict[str, SiteScope]:
    """Return where each site belongs at `at_ms`, every site or those named."""
    return {
        site: SiteScope(frozenset(programmes), region)
        for site, (programmes, region) in site_scopes(unit, at_ms, sites).items()
    }
