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
        ("GET", "/sign-in"): P.PUBLIC,
        ("POST", "/sign-in"): P.PUBLIC,
        ("POST", "/sign-out"): P.PUBLIC,
        ("GET", "/setup"): P.PUBLIC,
        ("POST", "/setup"): P.PUBLIC,
        ("GET", "/set-password/{code}"): P.PUBLIC,
        ("POST", "/set-password/{code}"): P.PUBLIC,
        ("GET", "/account"): P.ACCOUNT,
        ("POST", "/account/password"): P.ACCOUNT,
        ("POST", "/account/language"): P.ACCOUNT,
        ("POST", "/account/tokens"): P.ACCOUNT,
        ("POST", "/account/tokens/{token}/revoke"): P.ACCOUNT,
        ("POST", "/account/sessions/end"): P.ACCOUNT,
        ("GET", "/admin/people"): P.MANAGE_PEOPLE,
        ("POST", "/admin/people"): P.MANAGE_PEOPLE,
        ("GET", "/admin/people/{person}"): P.MANAGE_PEOPLE,
        ("POST", "/admin/people/{person}/grants"): P.MANAGE_PEOPLE,
        ("POST", "/admin/people/{person}/grants/{number}/end"): P.MANAGE_PEOPLE,
        ("POST", "/admin/people/{person}/disable"): P.MANAGE_PEOPLE,
        ("POST", "/admin/people/{person}/enable"): P.MANAGE_PEOPLE,
        ("POST", "/admin/people/{person}/reset-password"): P.MANAGE_PEOPLE,
        ("GET", "/admin/audit"): P.MANAGE_PEOPLE,
        # Truth: intervals, availability, maintenance
        ("GET", "/api/v1/sites/{site}/intervals"): P.VIEW,
        ("GET", "/api/v1/sites/{site}/availability"): P.VIEW,
        ("GET", "/api/v1/maintenance"): P.VIEW,
        ("POST", "/api/v1/maintenance"): P.MAINTAIN,
        ("POST", "/api/v1/maintenance/{maintenance}/end"): P.MAINTAIN,
        ("GET", "/maintenance"): P.VIEW,
        ("POST", "/maintenance"): P.MAINTAIN,
        ("POST", "/maintenance/{maintenance}/end"): P.MAINTAIN,
        # Incidents
        ("GET", "/api/v1/incidents"): P.VIEW,
        ("GET", "/api/v1/incidents/{incident}"): P.VIEW,
        ("POST", "/api/v1/incidents/{incident}/acknowledge"): P.ACKNOWLEDGE,
        ("POST", "/api/v1/incidents/{incident}/comment"): P.ACKNOWLEDGE,
        ("GET", "/incidents"): P.VIEW,
        ("GET", "/incidents/{incident}"): P.VIEW,
        ("POST", "/incidents/{incident}/acknowledge"): P.ACKNOWLEDGE,
        ("POST", "/incidents/{incident}/comment"): P.ACKNOWLEDGE,
        ("POST", "/incidents/{incident}/owner"): P.ACKNOWLEDGE,
        # Contacts and notifications
        ("GET", "/admin/contacts"): P.MANAGE_CONTACTS,
        ("POST", "/admin/contacts"): P.MANAGE_CONTACTS,
        ("GET", "/admin/contacts/new"): P.MANAGE_CONTACTS,
        ("GET", "/admin/contacts/{contact}"): P.MANAGE_CONTACTS,
        ("POST", "/admin/contacts/{contact}"): P.MANAGE_CONTACTS,
        ("POST", "/admin/contacts/{contact}/remove"): P.MANAGE_CONTACTS,
        ("POST", "/admin/contacts/{contact}/test"): P.MANAGE_CONTACTS,
        ("GET", "/admin/notifications"): P.MANAGE_CONTACTS,
        ("GET", "/api/v1/notifications"): P.MANAGE_CONTACTS,
        ("POST", "/api/v1/contacts/{contact}/test"): P.MANAGE_CONTACTS,
        # Indicators
        ("GET", "/indicators"): P.VIEW,
        ("GET", "/indicators/{indicator}"): P.VIEW,
        ("GET", "/api/v1/indicators"): P.VIEW,
        ("GET", "/api/v1/indicators/{indicator}"): P.VIEW,
        ("GET", "/api/v1/indicators/{indicator}/values"): P.VIEW,
        # Records and programmes
        ("GET", "/records"): P.RECORD,
        ("GET", "/records/new/{form}"): P.RECORD,
        ("POST", "/records/new/{form}"): P.RECORD,
        ("POST", "/records/nothing"): P.RECORD,
        ("GET", "/records/print/{form}"): P.VIEW,
        ("GET", "/records/import"): P.RECORD,
        ("POST", "/records/import"): P.RECORD,
        ("GET", "/records/import/{form}.csv"): P.RECORD,
        ("GET", "/records/{record}"): P.RECORD,
        ("GET", "/records/{record}/correct"): P.RECORD,
        ("POST", "/records/{record}/withdraw"): P.RECORD,
        ("GET", "/api/v1/forms"): P.VIEW,
        ("GET", "/api/v1/records"): P.RECORD,
        ("POST", "/api/v1/records"): P.RECORD,
        ("GET", "/api/v1/records/{record}"): P.RECORD,
        ("GET", "/admin/programmes"): P.MANAGE_PROGRAMMES,
        ("POST", "/admin/programmes"): P.MANAGE_PROGRAMMES,
        ("GET", "/admin/programmes/{programme}"): P.MANAGE_PROGRAMMES,
        ("POST", "/admin/programmes/{programme}"): P.MANAGE_PROGRAMMES,
        ("POST", "/admin/programmes/{programme}/sites"): P.MANAGE_PROGRAMMES,
        # Sites' import, enrolment, the real start
        ("POST", "/api/v1/enrol"): P.PUBLIC,
        ("GET", "/api/v1/throughput/{bytes}"): P.PUBLIC,
        ("POST", "/api/v1/throughput"): P.PUBLIC,
        ("GET", "/api/v1/releases/{version}/{file}"): P.PUBLIC,
        ("GET", "/api/v1/releases"): P.ADMINISTER,
        ("POST", "/api/v1/rollouts"): P.ADMINISTER,
        ("POST", "/api/v1/rollouts/change"): P.ADMINISTER,
        ("GET", "/admin/releases"): P.ADMINISTER,
        ("POST", "/admin/releases"): P.ADMINISTER,
        ("POST", "/admin/releases/change"): P.ADMINISTER,
        ("GET", "/admin/sites"): P.MANAGE_SITES,
        ("GET", "/admin/sites/new"): P.MANAGE_SITES,
        ("POST", "/admin/sites/new"): P.MANAGE_SITES,
        ("GET", "/admin/sites/{site}"): P.MANAGE_SITES,
        ("POST", "/admin/sites/{site}"): P.MANAGE_SITES,
        ("POST", "/admin/sites/{site}/state"): P.MANAGE_SITES,
        ("POST", "/admin/sites/{site}/enrol"): P.MANAGE_SITES,
        ("POST", "/admin/sites/{site}/replace"): P.MANAGE_SITES,
        ("POST", "/admin/sites/{site}/revoke"): P.MANAGE_SITES,
        # Devices operated from afar
        ("GET", "/admin/sites/{site}/devices/{device}"): P.ACKNOWLEDGE,
        ("POST", "/admin/sites/{site}/devices/{device}/commands"): P.ACKNOWLEDGE,
        ("POST", "/admin/sites/{site}/devices/{device}/commands/{command}/cancel"): P.ACKNOWLEDGE,
        ("GET", "/admin/import"): P.MANAGE_SITES,
        ("POST", "/admin/import"): P.MANAGE_SITES,
        ("GET", "/admin/import/template.{kind}"): P.MANAGE_SITES,
        ("GET", "/admin/import/{upload}"): P.MANAGE_SITES,
        ("POST", "/admin/import/{upload}"): P.MANAGE_SITES,
        ("GET", "/admin/import/{upload}/rejects.{kind}"): P.MANAGE_SITES,
        ("GET", "/admin/start-for-real"): P.ADMINISTER,
        ("POST", "/admin/start-for-real"): P.ADMINISTER,
        # Index of administration
        ("GET", "/admin"): P.VIEW,
    }
)
"""(method, path as the router declares it) → the permission it needs. HEAD needs what GET needs."""

BARE = frozenset({"/healthz", "/readyz", "/api/v1/openapi.json", "/static/{tag}/{name}", "/favicon.ico"})
"""Public routes for which nobody is looked up: they answer while the register does not."""
