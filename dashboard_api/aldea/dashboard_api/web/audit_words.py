"""Words of the page that says who did what."""

from __future__ import annotations

from collections.abc import Mapping

from aldea.dashboard_api.charts.panels import N_

ACTION_WORDS: Mapping[str, str] = {
    "sign_in": N_("signed in"),
    "sign_in_failed": N_("attempt to sign in failed"),
    "sign_out": N_("signed out"),
    "set_up": N_("set up the first administrator"),
    "password_set": N_("set a password"),
    "password_link_made": N_("made a link to set a password"),
    "person_added": N_("added a person"),
    "person_disabled": N_("disabled an account"),
    "person_enabled": N_("let an account in again"),
    "grant_given": N_("gave a role"),
    "grant_ended": N_("ended a role"),
    "token_made": N_("made a token"),
    "token_revoked": N_("revoked a token"),
    "sessions_ended": N_("ended other sessions"),
    "site_added": N_("added a site"),
    "site_changed": N_("changed a site"),
    "site_state": N_("changed a site's state"),
    "sites_imported": N_("imported sites"),
    "code_issued": N_("made a code for a device"),
    "device_enrolled": N_("enrolled a device"),
    "device_replaced": N_("replaced a device"),
    "device_revoked": N_("ended a device's access"),
    "disk_lost": N_("gave up a device's old disk"),
    "contact_added": N_("added a contact point"),
    "contact_changed": N_("changed a contact point"),
    "contact_removed": N_("removed a contact point"),
    "started_for_real": N_("sent the simulated sites away"),
    "command_asked": N_("asked something of a box"),
    "command_cancelled": N_("took back what was asked of a box"),
    "settings_sent": N_("sent settings to boxes"),
    "profile_added": N_("added a profile of settings"),
    "profile_changed": N_("changed a profile of settings"),
    "profile_deleted": N_("deleted a profile of settings"),
    "profile_assigned": N_("assigned a profile of settings"),
    "device_settings_changed": N_("changed a device's own settings"),
    "release_added": N_("added a release of the agent"),
    "release_key_trusted": N_("let a key sign releases"),
    "release_key_distrusted": N_("no longer lets a key sign releases"),
    "rollout_begun": N_("began to roll out a release"),
    "rollout_running": N_("let a rollout go on"),
    "rollout_paused": N_("paused a rollout"),
    "rollout_halted": N_("halted a rollout"),
    "rollout_stopped": N_("ended a rollout"),
    "rollout_done": N_("ended a rollout"),
}
"""Action → what somebody did."""

DETAIL_WORDS: Mapping[str, str] = {
    "address": N_("address"),
    "bake_hours": N_("hours between waves"),
    "by": N_("by"),
    "command": N_("command"),
    "devices": N_("devices"),
    "disk_lost": N_("old disk given up"),
    "facts": N_("what changed"),
    "first": N_("first"),
    "from": N_("from"),
    "instance": N_("instance"),
    "kind": N_("kind"),
    "label": N_("name"),
    "permissions": N_("may"),
    "person": N_("person"),
    "programme": N_("programme"),
    "region": N_("region"),
    "revision": N_("revision"),
    "role": N_("role"),
    "sessions": N_("sessions"),
    "state": N_("state"),
}
"""Key of an entry's detail → what it is."""
