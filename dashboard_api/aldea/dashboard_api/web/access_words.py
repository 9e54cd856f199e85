"""Roles and permissions in words."""

from __future__ import annotations

from collections.abc import Mapping

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.charts.panels import N_

PERMISSION_WORDS: Mapping[Permission, str] = {
    Permission.PUBLIC: N_("open to everybody"),
    Permission.VIEW: N_("see sites, incidents and indicators"),
    Permission.RECORD: N_("enter forms"),
    Permission.ACKNOWLEDGE: N_("take over incidents"),
    Permission.MAINTAIN: N_("announce maintenance"),
    Permission.MANAGE_SITES: N_("manage sites and devices"),
    Permission.MANAGE_PROGRAMMES: N_("manage programmes"),
    Permission.MANAGE_CONTACTS: N_("manage who is notified"),
    Permission.MANAGE_PEOPLE: N_("manage people and their rights"),
    Permission.ADMINISTER: N_("administer this instance"),
    Permission.ACCOUNT: N_("have an account of one's own"),
}

ROLE_WORDS: Mapping[str, str] = {
    "viewer": N_("Viewer"),
    "facilitator": N_("Facilitator"),
    "technician": N_("Technician"),
    "operator": N_("Operator"),
    "partner": N_("Partner organisation"),
    "programme_manager": N_("Programme manager"),
    "admin": N_("Administrator"),
}
