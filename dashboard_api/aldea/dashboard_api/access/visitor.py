"""Who asks: the demo administrator, a person with grants, a token, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from aldea.dashboard_api.access.permissions import Permission


@dataclass(frozen=True, slots=True)
class SiteScope:
    """Where a site belongs: its programmes and its region (the federal state's name)."""

    programmes: frozenset[str]
    region: str


@dataclass(frozen=True, slots=True)
class Held:
    """What one grant allows now, and where: an empty programme is every programme, an empty region everywhere."""

    permissions: frozenset[Permission]
    programme: str = ""
    region: str = ""

    def covers(self, scope: SiteScope) -> bool:
        """Whether a site of this scope is within the grant."""
        return self.programme in {"", *scope.programmes} and self.region in {"", scope.region}

    @property
    def everywhere(self) -> bool:
        """Whether the grant has no limits of place or programme."""
        return not self.programme and not self.region


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who makes a request.

    `person`: the account's id, None for nobody and for the demo administrator. `session`: the digest of the
    session it came with; `token`: the number of the API token it came with.
    """

    person: str | None = None
    label: str = ""
    held: tuple[Held, ...] = ()
    demo: bool = False
    session: str | None = None
    token: int | None = None
    language: str | None = None

    @property
    def signed_in(self) -> bool:
        """Whether anybody is known to ask."""
        return self.demo or self.person is not None

    def may(self, permission: Permission, site_scope: SiteScope | None = None) -> bool:
        """Whether the visitor may do this at a site of `site_scope`, or (None) anywhere at all."""
        if permission is Permission.PUBLIC or self.demo:
            return True
        if permission is Permission.ACCOUNT:
            return self.person is not None and self.token is None
        return any(
            permission in held.permissions and (site_scope is None or held.covers(site_scope)) for held in self.held
        )

    def everywhere(self, permission: Permission) -> bool:
        """Whether the visitor may do this at every site, also at those that come later."""
        return self.demo or any(permission in held.permissions and held.everywhere for held in self.held)


NOBODY = Visitor()
DEMO_ADMIN = Visitor(label="Demo administrator", demo=True)


def visitor_of(request: Request) -> Visitor:
    """Return who makes this request, as the gate has found out."""
    found: Visitor = getattr(request.state, "visitor", NOBODY)
    return found


SignedIn = Annotated[Visitor, Depends(visitor_of)]
"""How an endpoint asks who is there; that they may use the route at all has been decided by then."""
