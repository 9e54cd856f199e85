"""What the page of one site shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request

from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.charts.axes import SPANS, Span
from aldea.dashboard_api.charts.charts import Chart, draw
from aldea.dashboard_api.charts.drawing import Window
from aldea.dashboard_api.charts.panels import N_, plot
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.health import delivery
from aldea.dashboard_api.site_view import SiteView, view_site
from aldea.dashboard_api.web.completeness import stream_shown
from aldea.dashboard_api.web.latest import glance, latest_rows
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.web.site_truth import site_truth
from aldea.model.series import StoreUnavailable
from aldea.storage.register.collectors import collector_statuses
from aldea.storage.register.feed import newest_feed_id
from aldea.storage.register.status import SiteStatus

SPAN_WORDS: Mapping[str, str] = {
    "1h": N_("1 hour"),
    "24h": N_("24 hours"),
    "7d": N_("7 days"),
    "30d": N_("30 days"),
}
CLOCK_WORDS: Mapping[str, str] = {
    "ntp": N_("set by NTP"),
    "rtc": N_("from the machine's own clock"),
    "unsynced": N_("not set: the server's time is used"),
}
PRESENCE_WORDS: Mapping[str, str] = {
    "online": N_("connected"),
    "offline": N_("disconnected"),
    "unknown": N_("not known"),
}
SEES_WORDS: Mapping[str, str] = {
    "wan_bytes": N_("internet traffic"),
    "clients": N_("connected devices"),
    "power": N_("power supply"),
}


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device at the site."""

    id: str
    kind: str
    primary: bool
    presence: str
    seen_ms: int | None
    ago: str
    version: str
    sees: Sequence[str]
    blind: Sequence[str]
    retired: bool


def site_page(context: Context, request: Request, visitor: Visitor, site_id: str, span: Span) -> dict[str, Any]:
    """Return the values of the site's template. Raises Problem (404) for a site that is not registered."""
    now = context.clock.wall_ms()
    with context.register.reading() as unit:
        feed_id = newest_feed_id(unit)
        state = delivery(collector_statuses(unit), now, context.settings)
    view = view_site(context, site_id, visitor)
    shown = context.pages.shown(request, now)
    zone = ZoneInfo(view.overview.site.timezone)
    charts = _charts(context, site_id, span, now, zone, shown)
    primary = view.statuses.get(view.overview.primary_device or "")
    return {
        "shown": shown,
        "view": view,
        "site": view.overview.site,
        "spans": [(item.name, SPAN_WORDS[item.name], item is span) for item in SPANS],
        "span": span.name,
        "charts": charts or [],
        "charts_fail": charts is None,
        "tiles": glance(view.latest, view.overview.primary_device, shown),
        "latest": latest_rows(view.latest, shown, zone, several=len(view.devices) > 1),
        "facts": _facts(view, primary, shown),
        "devices": [_device(view, device.id, shown) for device in view.devices],
        "streams": [stream_shown(stream, shown) for stream in view.streams],
        "complete": shown.percent(view.overview.completeness.ratio),
        "settled": shown.exact(view.overview.settled_until_ms, zone),
        "ago": shown.ago(view.overview.last_arrival_ms),
        "exact": shown.exact(view.overview.last_arrival_ms, zone),
        "delivery": state,
        "stale_since": shown.moment(state.since_ms, zone),
        "feed_id": feed_id,
        **site_truth(context, visitor, view, span.length_ms, shown, zone),
    }


def _charts(context: Context, site_id: str, span: Span, now: int, zone: ZoneInfo, shown: Shown) -> list[Chart] | None:
    window = Window(now - span.length_ms, now, span.step_ms)
    try:
        catalogue = context.series.catalogue(site_id)
        plotted = plot(context.series, site_id, window, catalogue, shown.say)
    except StoreUnavailable:
        return None
    return draw(plotted, window, span, zone, shown)


def _facts(view: SiteView, primary: SiteStatus | None, shown: Shown) -> list[tuple[str, str]]:
    facts = view.overview.facts
    clock = None if primary is None else primary.clock_state
    found = [
        (shown.say("Municipality"), _joined(facts.get("municipality"), facts.get("state_name"))),
        (shown.say("INEGI code"), _joined(facts.get("inegi_code"))),
        (shown.say("Provider"), _joined(facts.get("provider"), facts.get("technology"))),
        (shown.say("Programmes"), _joined(*facts.get("programme", ()))),
        (shown.say("Run by"), _joined(facts.get("organisation"))),
        (shown.say("Agent version"), "" if primary is None else primary.agent_version or ""),
        (shown.say("Agent's clock"), _say(shown, CLOCK_WORDS, clock)),
        (shown.say("Time zone"), view.overview.site.timezone.replace("_", " ")),
    ]
    return [(label, text) for label, text in found if text]


def _say(shown: Shown, words: Mapping[str, str], key: str | None) -> str:
    return shown.say(words[key]) if key is not None and key in words else key or ""


def _joined(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part)


def _device(view: SiteView, device_id: str, shown: Shown) -> DeviceRow:
    device = next(item for item in view.devices if item.id == device_id)
    status = view.statuses.get(device_id, SiteStatus(device.site, device_id))
    words = {key: shown.say(SEES_WORDS.get(key, key)) for key in device.sees}
    return DeviceRow(
        id=device.id,
        kind=device.kind,
        primary=device.is_primary,
        presence=shown.say(PRESENCE_WORDS[status.presence.value]),
        seen_ms=status.last_arrival_ms,
        ago=shown.ago(status.last_arrival_ms),
        version=status.agent_version or "",
        sees=[words[key] for key, seen in device.sees.items() if seen],
        blind=[words[key] for key, seen in device.sees.items() if not seen],
        retired=device.retired_at_ms is not None,
    )
