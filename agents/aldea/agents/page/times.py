"""Times as the village reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aldea.agents.enrolment import enrolled
from aldea.agents.page.words import N_, Words, say, translate
from aldea.agents.settings import AgentSettings
from aldea.model.settings import SettingsError

_MONTHS = (
    N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"),
    N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec"),
)  # fmt: skip


def zone_of(settings: AgentSettings) -> tzinfo | None:
    """Return the site's zone: the page's own, as enrolled, as for clients or the budget; None: the machine's."""
    try:
        found = enrolled(settings.data)
    except SettingsError:
        found = None
    names = (
        settings.page.timezone,
        None if found is None else found.timezone,
        settings.clients.timezone,
        settings.budget.timezone,
    )
    for name in names:
        if name is not None:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return None


def local(at_ms: int, zone: tzinfo | None) -> datetime:
    """Return a moment (milliseconds since 1970) in the site's zone."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)


def date_and_time(at_ms: int, zone: tzinfo | None, language: str) -> str:
    """Return such as `22 nov 2026, 17:05`."""
    at = local(at_ms, zone)
    return f"{_day(at.year, at.month, at.day, language)}, {at:%H:%M}"


def day_said(text: str, language: str) -> str:
    """Return a day, or a day and time, as people say it: `2025-11-03T06:30` is `3 nov 2025, 06:30`.

    What is none is returned as it is: a form of tomorrow may hold anything.
    """
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9:]+))?", text)
    if found is None or not 1 <= int(found[2]) <= len(_MONTHS):
        return text
    day = _day(found[1], int(found[2]), int(found[3]), language)
    return f"{day}, {found[4]}" if found[4] else day


def _day(year: object, month: int, day: int, language: str) -> str:
    return f"{day} {translate(language, _MONTHS[month - 1], {})} {year}"


def duration(ms: int) -> Words:
    """Return a length of time in the words of a person: the largest unit that fits."""
    minutes = max(0, ms) // 60_000
    if minutes < 1:
        return say("less than a minute")
    if minutes < 120:
        return say("%(n)d min", n=minutes)
    if minutes < 48 * 60:
        return say("%(n)d hours", n=minutes // 60)
    return say("%(n)d days", n=minutes // 1440)
