"""The register's tables. Changing one means a new migration; a test compares the two."""

from __future__ import annotations

from aldea.storage.register.tables.accounts import (
    api_token,
    audit_entry,
    password,
    password_link,
    sign_in_attempt,
    web_session,
)
from aldea.storage.register.tables.alerts import alert_state, lease
from aldea.storage.register.tables.base import metadata
from aldea.storage.register.tables.collectors import collector_status
from aldea.storage.register.tables.delivery import boot, feed, feed_cursor, setting, site_status, stream
from aldea.storage.register.tables.enrolment import broker_credential, enrolment_attempt, enrolment_code, import_upload
from aldea.storage.register.tables.notifications import contact_point, liveness_mark, notification
from aldea.storage.register.tables.operation import (
    command,
    incident,
    incident_event,
    indicator_value,
    repair,
    returned_document,
)
from aldea.storage.register.tables.people import person, role_grant
from aldea.storage.register.tables.places import device, site, site_fact, site_state
from aldea.storage.register.tables.profiles import device_settings, settings_history, settings_profile, site_profile
from aldea.storage.register.tables.records import programme, record
from aldea.storage.register.tables.releases import release, release_file, rollout, rollout_device
from aldea.storage.register.tables.site_records import device_forms, returned_record
from aldea.storage.register.tables.truth import (
    collector_outage,
    maintenance,
    slot_day,
    truth_dirty,
    truth_interval,
    truth_progress,
    usage_day,
)

__all__ = [
    "alert_state",
    "api_token",
    "audit_entry",
    "boot",
    "broker_credential",
    "collector_outage",
    "collector_status",
    "command",
    "contact_point",
    "device",
    "device_forms",
    "device_settings",
    "enrolment_attempt",
    "enrolment_code",
    "feed",
    "feed_cursor",
    "import_upload",
    "incident",
    "incident_event",
    "indicator_value",
    "lease",
    "liveness_mark",
    "maintenance",
    "metadata",
    "notification",
    "password",
    "password_link",
    "person",
    "programme",
    "record",
    "release",
    "release_file",
    "repair",
    "returned_document",
    "returned_record",
    "role_grant",
    "rollout",
    "rollout_device",
    "setting",
    "settings_history",
    "settings_profile",
    "sign_in_attempt",
    "site",
    "site_fact",
    "site_profile",
    "site_state",
    "site_status",
    "slot_day",
    "stream",
    "truth_dirty",
    "truth_interval",
    "truth_progress",
    "usage_day",
    "web_session",
]
