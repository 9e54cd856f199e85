"""The one table of routes: what each needs. A route that is not in it is refused, and the app does not start."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aldea.dashboard_api.access.permissions import Permission

P = Permission

ROUTES: Mapping[tuple[str, str], Permission] = MappingProxyType(
    {
        # Operation
        ("GET", "/healthz"): P.PUBLIC,
        ("GET", "/readyz"): P.PUBLIC,
        ("GET", "/metrics"): P.VIEW,
        ("GET", "/api/v1/openapi.json"): P.PUBLIC,
        ("GET", "/static/{tag}/{name}"): P.PUBLIC,
        ("GET", "/favicon.ico"): P.PUBLIC,
        # Sites
        ("GET", "/"): P.VIEW,
        ("GET", "/sites/{site}"): P.VIEW,
        ("GET", "/api/v1/sites"): P.VIEW,
        ("GET", "/api/v1/sites/{site}"): P.VIEW,
        ("GET", "/api/v1/sites/{site}/measurements"): P.VIEW,
        ("GET", "/api/v1/sites/{site}/series"): P.VIEW,
        ("GET", "/api/v1/completeness"): P.VIEW,
        ("GET", "/api/v1/stream"): P.VIEW,
        # Accounts
        # Truth: intervals, availability, maintenance
        # Incidents
        ("GET", "/incidents"): P.VIEW,
        ("GET", "/incidents/{incident}"): P.VIEW,
        ("POST", "/incidents/{incident}/acknowledge"): P.ACKNOWLEDGE,
        ("POST", "/incidents/{incident}/comment"): P.ACKNOWLEDGE,
        ("POST", "/incidents/{incident}/owner"): P.ACKNOWLEDGE,
        # Contacts and notifications
        # Indicators
        # Records and programmes
        # Sites' import, enrolment, the real start
        ("POST", "/api/v1/enrol"): P.PUBLIC,
        # Index of administration
        ("GET", "/admin"): P.VIEW,
    }
)
"""(method, path as the router declares it) → the permission it needs. HEAD needs what GET needs."""

BARE = frozenset({"/healthz", "/readyz", "/api/v1/openapi.json", "/static/{tag}/{name}", "/favicon.ico"})
"""Public routes for which nobody is looked up: they answer while the register does not."""
