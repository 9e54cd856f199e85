"""The API's endpoints, one module a subject."""

from __future__ import annotations

from typing import Final

from aldea.dashboard_api.routes import (
    commands,
    completeness,
    enrolment,
    health,
    incidents,
    indicators,
    maintenance,
    notifications,
    profiles,
    records,
    releases,
    series,
    sites,
    stream,
    throughput,
    truth,
)

ROUTERS: Final = (
    health.router,
    sites.router,
    series.router,
    completeness.router,
    stream.router,
    truth.router,
    incidents.router,
    maintenance.router,
    notifications.router,
    indicators.router,
    records.router,
    enrolment.router,
    commands.router,
    throughput.router,
    profiles.router,
    releases.router,
)
