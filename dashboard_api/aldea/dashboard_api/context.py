"""What every request needs: the stores, the clock, the settings, and what the app keeps for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from aldea.model.describing import SettingsGuide

if TYPE_CHECKING:
    from aldea.dashboard_api.live import Broadcaster
    from aldea.dashboard_api.settings import ApiSettings
    from aldea.dashboard_api.traffic import Traffic
    from aldea.dashboard_api.web.pages import Pages
    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register


def _unknown(_: Mapping[str, Any]) -> list[str]:
    return ["this program was not told what agents can be set to: use the one that `aldea up` or `aldea api` starts"]


NO_GUIDE = SettingsGuide((), _unknown)
"""Nothing is known of the agents' settings, so nothing can be checked, and nothing is taken."""


@dataclass(frozen=True, slots=True)
class Context:
    """The app's parts, made once by `create_app`."""

    register: Register
    series: SeriesStore
    clock: Clock
    settings: ApiSettings
    version: str
    live: Broadcaster
    traffic: Traffic
    pages: Pages
    guide: SettingsGuide = NO_GUIDE


def context_of(request: Request) -> Context:
    """Return the context of the app that serves this request."""
    context: Context = request.app.state.context
    return context


Aldea = Annotated[Context, Depends(context_of)]
"""How an endpoint asks for the context."""
