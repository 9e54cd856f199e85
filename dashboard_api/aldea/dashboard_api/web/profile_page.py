"""What the pages of profiles show: the form of a profile, and how its devices stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response

from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.settings_view import MANAGE, managed_settings, tally
from aldea.dashboard_api.web.settings_form import Typed, sections
from aldea.dashboard_api.web.settings_words import STANDING_KINDS, STANDING_WORDS, said_of
from aldea.dashboard_api.web.shown import Shown
from aldea.storage.register.device_overlays import DeviceSettings, Standing
from aldea.storage.register.profiles import Profile, history_of, subject_of

LISTED = 300
"""So many devices are listed on a page; all of them are counted, and can be sent to."""

_SAYING = frozenset({Standing.FAILED, Standing.ROLLED_BACK, Standing.UNDER_WAY})
"""Where what the device says of the newest settings is of use in a list."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a profile's form holds: its settings, its other inputs, and what is wrong."""

    typed: Typed
    texts: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def faulty(self) -> dict[str, str]:
        """What is wrong, for the list on top."""
        return {f"s.{key}": f"{key}: {text}" for key, text in self.typed.errors.items()} | dict(self.errors)


def profile_form(
    aldea: Context,
    request: Request,
    visitor: Visitor,
    found: Profile | None,
    filled: Filled,
    code: int = 200,
) -> Response:
    """Return the page of a profile, or of a new one (`found` None)."""
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    values: dict[str, Any] = {}
    if found is not None:
        with aldea.register.reading() as unit:
            values["history"] = history_of(unit, subject_of(found.id))
            devices = managed_settings(aldea, unit, visitor, found.id)
        counts = tally(devices)
        values["counts"] = [(shown.say(STANDING_WORDS[key]), STANDING_KINDS[key], n) for key, n in counts.items() if n]
        values["rows"] = [device_row(item, shown) for item in devices[:LISTED]]
        values["count"] = len(devices)
        values["unsent"] = len(devices) - counts[Standing.SAME] - counts[Standing.UNDER_WAY]
    return aldea.pages.render(
        request,
        "profile.html",
        code,
        profile=found,
        title=shown.say(N_("New profile")) if found is None else shown.say(found.name),
        texts=filled.texts,
        errors=filled.errors,
        faulty=filled.faulty,
        sections=sections(aldea.guide.settings, filled.typed, shown),
        may_change=visitor.everywhere(MANAGE),
        shown=shown,
        zone=aldea.pages.zone,
        **values,
    )


def device_row(item: DeviceSettings, shown: Shown) -> dict[str, Any]:
    """Return a device as the lists have it."""
    return {
        "site": item.site,
        "site_name": item.site_name,
        "device": item.device,
        "changes": item.changes,
        "differs": bool(item.differences),
        "standing": shown.say(STANDING_WORDS[item.standing]),
        "kind": STANDING_KINDS[item.standing],
        "said": said_of(item, shown.code) if item.standing in _SAYING else "",
    }
