"""A browser without JavaScript that fills in forms."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from httpx import Client

from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.context import NO_GUIDE
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aldea.model.clock import Clock
    from aldea.model.describing import SettingsGuide
    from dashboard_api.village import Village

DEMO = ApiSettings(demo_admin=True)


@contextmanager
def forms_of(
    village: Village, clock: Clock, settings: ApiSettings = DEMO, guide: SettingsGuide = NO_GUIDE
) -> Iterator[Client]:
    """Yield a client of the pages of `village` that follows redirects and carries the forms' token."""
    server = serve(create_app(village.register, village.series, clock, settings, guide), port=0)
    try:
        with Client(
            base_url=server.url, timeout=60, headers={"Accept-Language": "en"}, follow_redirects=True
        ) as client:
            found = re.search(r'name="csrf"[^>]* value="([^"]+)"', client.get("/admin/import").text)
            assert found is not None
            client.headers["X-CSRF-Token"] = found[1]
            yield client
    finally:
        server.stop()
