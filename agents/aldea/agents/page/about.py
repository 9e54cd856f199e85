"""`/about`: what is measured here, for whoever asks. Made of what this box really has switched on."""

from __future__ import annotations

from typing import Any

import bottle

from aldea.agents.page.rendering import pages_of, render
from aldea.agents.page.view import BoxView
from aldea.agents.page.words import Words, say
from aldea.agents.settings import AgentSettings, what_it_sees


def add_routes(app: Any, view: BoxView) -> None:
    """Serve the page."""
    app.route("/about", "GET", lambda: _about(view))


def _about(view: BoxView) -> str:
    settings = view.settings
    return render(
        bottle.request,
        "about.html",
        measured=measured(settings),
        not_here=not_measured(settings),
        records=pages_of(bottle.request).gate.pins.current() is not None,
        contact=settings.page.contact,
        days=round(settings.outbox.max_age_days),
        monthly_mb=round(settings.budget.monthly_bytes / 1e6),
    )


def measured(settings: AgentSettings) -> list[Words]:
    """Return what this box measures, in the order in which people ask."""
    sees = what_it_sees(settings)
    told = [
        (settings.ping.enabled, say("Whether the router and the Internet answer, and how fast.")),
        (settings.dns.enabled, say("Whether names of pages are found.")),
        (settings.http.enabled, say("Whether a test page opens. The box asks for its own test page, nobody's pages.")),
        (
            settings.throughput.enabled and settings.throughput.has_server,
            say("How fast the Internet is, by a short test from time to time."),
        ),
        (
            sees.wan_bytes,
            say("How much data the whole village sends and receives, added up. Not by whom, and not for what."),
        ),
        (
            _counts_now(settings),
            say("How many devices are connected: a number, nothing else."),
        ),
        (
            _counts_days(settings),
            say("How many different devices there were in a day: a number. Its key is thrown away at midnight."),
        ),
        (sees.power, say("Whether there is mains power, and how the batteries are.")),
        (settings.interfaces.enabled, say("How much data this box itself sends and receives.")),
        (settings.host.enabled, say("How this box is: heat, memory, disk, when it was started.")),
    ]
    return [words for is_on, words in told if is_on]


def not_measured(settings: AgentSettings) -> list[Words]:
    """Return what people may suspect, and this box does not do."""
    told = [
        (not (_counts_now(settings) or _counts_days(settings)), say("Connected devices are not counted here.")),
        (not what_it_sees(settings).wan_bytes, say("How much the village uses is not measured here.")),
    ]
    return [words for is_off, words in told if is_off]


def _counts_now(settings: AgentSettings) -> bool:
    by_router = settings.snmp.enabled and any(
        target.clients_oid is not None or target.profile is not None for target in settings.snmp.targets
    )
    return by_router or _counts_days(settings)


def _counts_days(settings: AgentSettings) -> bool:
    return settings.clients.enabled and bool(settings.clients.sources)
