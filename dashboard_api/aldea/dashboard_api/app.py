"""Puts the API and the pages together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute

from aldea.dashboard_api import problems
from aldea.dashboard_api.access import csrf
from aldea.dashboard_api.access.accounts import Accounts
from aldea.dashboard_api.access.gate import Gate
from aldea.dashboard_api.access.identify import Identifier
from aldea.dashboard_api.access.matching import entries
from aldea.dashboard_api.access.table import ROUTES
from aldea.dashboard_api.context import NO_GUIDE, Context
from aldea.dashboard_api.live import Broadcaster
from aldea.dashboard_api.routes import ROUTERS
from aldea.dashboard_api.schemas import ProblemDocument
from aldea.dashboard_api.settings import ApiSettings
from aldea.dashboard_api.traffic import Edge, Traffic
from aldea.dashboard_api.web import (
    account_routes,
    admin_index,
    command_routes,
    contact_routes,
    device_routes,
    device_settings_routes,
    import_routes,
    incident_routes,
    indicators_routes,
    maintenance_routes,
    manage_routes,
    people_routes,
    profile_routes,
    programme_routes,
    real_start_routes,
    record_import,
    record_page,
    record_routes,
    release_routes,
    returned_routes,
    sign_in_routes,
)
from aldea.dashboard_api.web import routes as web
from aldea.dashboard_api.web.navigation import addresses
from aldea.dashboard_api.web.pages import Pages
from aldea.model.clock import Clock
from aldea.model.describing import SettingsGuide
from aldea.model.series import SeriesStore
from aldea.storage.register import Register

PAGES = (
    indicators_routes.router,
    record_import.router,
    record_routes.router,
    record_page.router,
    returned_routes.router,
    programme_routes.router,
    sign_in_routes.router,
    account_routes.router,
    people_routes.router,
    web.router,
    incident_routes.router,
    contact_routes.router,
    maintenance_routes.router,
    manage_routes.router,
    device_routes.router,
    command_routes.router,
    device_settings_routes.router,
    profile_routes.router,
    import_routes.router,
    real_start_routes.router,
    release_routes.router,
    admin_index.router,
)
"""The pages' routers, one a room."""

DESCRIPTION = (
    "Open monitoring of village sites. Lists answer `items` and `next`, a cursor for `after`; errors are "
    "problem documents (RFC 9457) that name the parameter and the fix; times are ISO 8601 in UTC."
)


def create_app(
    register: Register,
    series: SeriesStore,
    clock: Clock,
    settings: ApiSettings,
    guide: SettingsGuide = NO_GUIDE,
) -> FastAPI:
    """Return the application; the stores stay their owner's, who closes them after it has stopped.

    `guide` knows what agents can be set to; without it, no settings for them are taken.
    Raises UnlistedRoute when a route is not in access/table.py.
    """
    live, traffic = Broadcaster(register, clock, settings), Traffic()
    app = FastAPI(
        title="Aldea",
        version=version("aldea"),
        description=DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
        routes=list(_routes()),
        dependencies=[Depends(csrf.checked)],  # of what is added later; the routes have it already
    )
    context = Context(register, series, clock, settings, app.version, live, traffic, Pages(settings), guide)
    app.state.context = context
    problems.install(app)
    app.state.accounts = Accounts(register, clock)
    app.state.identify = Identifier(register, clock, demo_admin=settings.demo_admin)
    app.add_middleware(Gate, entries=entries(app.routes, ROUTES), identify=app.state.identify)
    app.state.addresses = addresses(app)
    app.add_middleware(GZipMiddleware, minimum_size=600, compresslevel=6)
    app.add_middleware(Edge, traffic=traffic, clock=clock)
    _document_problems(app)
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Return everything that answers. To find out what each takes is long, and done once for all apps of a process."""
    every = APIRouter(dependencies=[Depends(csrf.checked)])
    for router in (*ROUTERS, *PAGES):
        every.include_router(router)
    return tuple(every.routes)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    await context.live.prime()
    poller = asyncio.create_task(context.live.run())
    try:
        yield
    finally:
        context.live.close()
        await poller


def _document_problems(app: FastAPI) -> None:
    """Put the problem's schema into the document, to which every endpoint refers."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "ProblemDocument" not in schemas:
            schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas["ProblemDocument"] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the way the framework documents for this
