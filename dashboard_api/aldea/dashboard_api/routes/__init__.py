"""The API's endpoints, one module a subject."""

from __future__ import annotations

from typing import Final

from aldea.dashboard_api.routes import completeness, enrolment, health, series, sites, stream

ROUTERS: Final = (health.router, sites.router, series.router, completeness.router, stream.router, enrolment.router)
