"""`/about`: what is measured here, for whoever asks. Made of what this box really has switched on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import bottle

from aldea.agents.device_settings import SnmpTarget
from aldea.agents.page.rendering import pages_of, render
from aldea.agents.page.view import BoxView
from aldea.agents.page.words import Words, say
from aldea.agents.settings import AgentSettings
from aldea.agents.snmp_profiles import load_profile
from aldea.agents.throughput_settings import ThroughputSettings


def add_routes(app: Any, view: BoxView) -> None:
    """Serve the page."""
    app.route("/about", "GET", lambda: _about(view))


def _about(view: BoxView) -> str:
    settings = view.settings
    return render(
        bottle.request,
        "about.html",
        pauses=view.without_outbox,
        measured=measured(settings),
        not_here=not_measured(settings),
        records=pages_of(bottle.request).gate.current() is not None,
        contact=settings.page.contact,
        days=round(settings.outbox.max_age_days),
        monthly_mb=round(settings.budget.monthly_bytes / 1e6),
    )


def measured(settings: AgentSettings) -> list[Words]:
    """Return what this box measures, in the order in which people ask."""
    tests = settings.throughput
    return [
        *_asked_outside(settings),
        *([say("How fast the Internet is, by a short test from time to time.")] if _tests(tests) else []),
        *_bytes_counted(settings),
        *_devices_counted(settings),
        *([say("Whether the router and other devices of the site work, and since when.")] if _snmp(settings) else []),
        *([say("Whether there is mains power, and how the batteries are.")] if _power(settings) else []),
        *([say("How this box is: heat, memory, disk.")] if settings.host.enabled else []),
        say("When this box was on, and when it could speak to the server."),
    ]


def _asked_outside(settings: AgentSettings) -> list[Words]:
    ping, pages = settings.ping, [_host_of(target.url) for target in settings.http.targets]
    told = []
    if ping.enabled and ping.gateway:
        told.append(say("Whether the router answers, and how fast."))
    if ping.enabled and ping.anchors:
        told.append(say("Whether the Internet answers, and how fast. Asked: %(names)s.", names=_listed(ping.anchors)))
    if settings.dns.enabled and settings.dns.names:
        told.append(say("Whether names of pages are found. Asked: %(names)s.", names=_listed(settings.dns.names)))
    if settings.http.enabled and pages:
        told.append(say("Whether these test pages open, and nobody's pages: %(names)s.", names=_listed(pages)))
    return told


def _bytes_counted(settings: AgentSettings) -> list[Words]:
    told = []
    if _counts_wan(settings):
        told.append(say("How much data the whole village sends and receives, added up. Not by whom, and not for what."))
    if settings.interfaces.enabled and _is_passed_by_others(settings):
        told.append(say("How much data passes through this box, everybody's added up. Not by whom, and not for what."))
    elif settings.interfaces.enabled:
        told.append(say("How much data this box itself sends and receives."))
    return told


def _devices_counted(settings: AgentSettings) -> list[Words]:
    told = []
    if _counts_now(settings):
        told.append(say("How many devices are connected: a number, nothing else."))
    if _counts_days(settings):
        told.append(
            say("How many different devices there were in a day: a number. Its key is thrown away at midnight.")
        )
    return told


def not_measured(settings: AgentSettings) -> list[Words]:
    """Return what people may suspect, and this box does not do."""
    counts_bytes = _counts_wan(settings) or (settings.interfaces.enabled and _is_passed_by_others(settings))
    told = [
        (not (_counts_now(settings) or _counts_days(settings)), say("Connected devices are not counted here.")),
        (not counts_bytes, say("How much the village uses is not measured here.")),
        (not _tests(settings.throughput), say("How fast the Internet is, is not tested here by itself.")),
        (not _power(settings), say("Mains power is not measured here.")),
    ]
    return [words for is_off, words in told if is_off]


def _tests(tests: ThroughputSettings) -> bool:
    return tests.enabled and tests.has_server


def _snmp(settings: AgentSettings) -> bool:
    return settings.snmp.enabled and bool(settings.snmp.targets)


def _power(settings: AgentSettings) -> bool:
    return settings.power.has_sources or bool(settings.sees.power)


def _counts_wan(settings: AgentSettings) -> bool:
    """Say whether it is asked for, whatever the box was told to announce of itself."""
    by_router = settings.snmp.enabled and any(target.has_wan for target in settings.snmp.targets)
    return by_router or bool(settings.sees.wan_bytes)


def _is_passed_by_others(settings: AgentSettings) -> bool:
    """Say whether other people's data crosses the box's own interfaces: it is then the site's access point or router.

    It gives out their addresses, or they are connected to its radio.
    """
    return _counts_days(settings)


def _counts_now(settings: AgentSettings) -> bool:
    by_router = settings.snmp.enabled and any(_has_clients(target) for target in settings.snmp.targets)
    return by_router or _counts_days(settings) or bool(settings.sees.clients)


def _has_clients(target: SnmpTarget) -> bool:
    return target.clients_oid is not None or (
        target.profile is not None and load_profile(target.profile).clients is not None
    )


def _counts_days(settings: AgentSettings) -> bool:
    return settings.clients.enabled and bool(settings.clients.sources)


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or url


def _listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))
