"""Roles and permissions in words."""

from __future__ import annotations

from collections.abc import Mapping

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.charts.panels import N_
from aldea.storage.register.passwords import Weakness

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

ROLE_DEEDS: Mapping[str, str] = {
    "viewer": N_("sees sites, incidents and indicators"),
    "facilitator": N_("sees, and enters forms at the site"),
    "technician": N_("sees, takes over incidents, announces maintenance"),
    "operator": N_("as a technician; also sites, devices and who is notified"),
    "partner": N_("sees and enters forms, for a partner organisation"),
    "programme_manager": N_("sees, enters forms, manages programmes and who is notified"),
    "admin": N_("everything, people and the instance included"),
}

WEAKNESS_WORDS: Mapping[Weakness, str] = {
    Weakness.SHORT: N_("The password needs at least 10 characters: several words in a row are good."),
    Weakness.LONG: N_("The password has 200 characters at most."),
    Weakness.EVEN: N_("The password needs at least 5 different characters."),
    Weakness.NAME: N_("The password must not be the name."),
}
