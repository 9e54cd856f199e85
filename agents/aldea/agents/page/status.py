"""`/`: works or does not, and what to check first. From what was recorded: opening it costs no byte of the link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bottle

from aldea.agents.checkup.checks import judge
from aldea.agents.checkup.evidence import Box, Evidence
from aldea.agents.checkup.findings import Finding, State, first_wrong
from aldea.agents.page.latest import Seen, newest_round
from aldea.agents.page.plain_words import SHOWN, probe_name, probe_words
from aldea.agents.page.recorded import UplinkState, evidence_without_outbox, internet_since, recorded_evidence
from aldea.agents.page.rendering import render
from aldea.agents.page.view import BoxView
from aldea.agents.page.words import Words, say
from aldea.agents.probes.host import disk_fields
from aldea.model.sample import Reading

REFRESH_SECONDS = 60
REFRESH_OPENING_SECONDS = 10
_JUST_STARTED = (say("Just started: the first round is under way."), "off")
_OPENING = (say("Starting: the box opens what it has stored"), "off")
_VILLAGE = {"cable", "router", "link", "names", "web"}


@dataclass(frozen=True, slots=True)
class Line:
    """One probe's last word. `at_ms` is the time of day where it is known; `age_ms` how old it is."""

    name: Words
    said: Words
    failed: bool
    age_ms: int


@dataclass(frozen=True, slots=True)
class Month:
    """How the month's bytes stand, in MB."""

    spent: int
    planned: int

    @property
    def percent(self) -> int:
        """How much of the plan is spent, at most 100."""
        return min(100, round(100 * self.spent / self.planned)) if self.planned else 0


def add_routes(app: Any, view: BoxView) -> None:
    """Serve the status."""
    app.route("/", "GET", lambda: _status(view))


def _status(view: BoxView) -> str:
    now_ms = view.clock.mono_ms()
    uplink = view.uplink()
    stores = view.trouble() is None
    findings = judge(_evidence(view, uplink, now_ms))
    measured = bool(view.latest.of("ping") or view.latest.of("host"))
    begins = _OPENING if view.opening_ms is not None else None if measured or not stores else _JUST_STARTED
    headline, kind = begins or _said(findings, view)
    return render(
        bottle.request,
        "status.html",
        refresh_seconds=REFRESH_SECONDS if view.opening_ms is None else REFRESH_OPENING_SECONDS,
        headline=headline,
        kind=kind,
        first=None if begins else first_wrong(findings),
        stores=stores,
        measures=not view.without_outbox,
        since=_since(view, now_ms),
        lines=_lines(view, findings, now_ms),
        uplink=uplink,
        heard_at=None if uplink.heard_ms is None else view.time_of(uplink.heard_ms),
        heard_age=None if uplink.heard_ms is None else now_ms - uplink.heard_ms,
        waiting=view.waiting(),
        month=_month(view),
        now=view.known_ms(),
    )


def _evidence(view: BoxView, uplink: UplinkState, now_ms: int) -> Evidence:
    trouble = view.trouble()
    host = newest_round(view.latest.of("host"))
    reading = host[0].reading if host else Reading("host", {})
    if trouble is not None:
        reading = Reading("host", {**reading.fields, **disk_fields(view.settings.data)})
    box = Box(
        reading,
        None if trouble is None else view.folder_error(),
        undervoltage=False,
        knows_time=view.known_ms() is not None,
        trouble=trouble,
    )
    if view.without_outbox:
        return evidence_without_outbox(view.settings, box)
    return recorded_evidence(view.settings, view.latest, uplink, now_ms, box)


def _village_works(findings: tuple[Finding, ...]) -> bool:
    return not any(item.state in {State.WRONG, State.NOT_REACHED} for item in findings if item.key in _VILLAGE)


def _said(findings: tuple[Finding, ...], view: BoxView) -> tuple[Words, str]:
    """Return the headline and its kind."""
    if view.without_outbox:
        return say("The box cannot measure: it cannot write to its disk"), "down"
    if not _village_works(findings):
        return say("Not working"), "down"
    if first_wrong(findings) is None:
        return say("Working"), "up"
    return say("Working, with one thing to look at"), "warn"


def _since(view: BoxView, now_ms: int) -> int | None:
    """Return for how long the Internet has been as it is now, as recorded."""
    since_ms = internet_since(newest_round(view.latest.of("ping", "anchor")))
    return None if since_ms is None else now_ms - since_ms


def _lines(view: BoxView, findings: tuple[Finding, ...], now_ms: int) -> list[Line]:
    lines: list[Line] = []
    for measurement in SHOWN:
        for item in _current(measurement, view.latest.of(measurement)):
            what = _mute_router(item, findings)
            said = probe_words(item) if what is None else what
            lines.append(Line(probe_name(item), said, item.failed and what is None, now_ms - item.at_ms))
    return lines


def _mute_router(item: Seen, findings: tuple[Finding, ...]) -> Words | None:
    """Return what is said of a router that answers no ping and is known to work, as many do; None of all else."""
    if item.reading.tags.get("role") != "gateway" or not item.failed:
        return None
    return next((found.what for found in findings if found.key == "router" and found.state is State.OK), None)


def _current(measurement: str, items: list[Seen]) -> list[Seen]:
    if measurement != "ping":
        return newest_round(items)
    by_role = {
        role: [item for item in items if item.reading.tags.get("role") == role] for role in ("gateway", "anchor")
    }
    return [*newest_round(by_role["gateway"]), *newest_round(by_role["anchor"])]


def _month(view: BoxView) -> Month | None:
    for item in view.latest.of("budget"):
        spent, planned = item.reading.fields.get("spent_bytes"), item.reading.fields.get("planned_bytes")
        if isinstance(spent, int) and isinstance(planned, int):
            return Month(round(spent / 1e6), round(planned / 1e6))
    return None
