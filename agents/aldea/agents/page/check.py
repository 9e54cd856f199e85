"""`/check`: all checks now, in order; and the test of the link's speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import bottle

from aldea.agents.checkup.findings import State, first_wrong
from aldea.agents.page.asking import go_to
from aldea.agents.page.plain_words import failure_words
from aldea.agents.page.rendering import pages_of, render
from aldea.agents.page.rounds import Started
from aldea.agents.page.view import BoxView
from aldea.agents.page.words import Words, say
from aldea.model.sample import Reading

REFRESH_SECONDS = 3
_CHECK_SAID: Mapping[Started, str | None] = MappingProxyType(
    {Started.RUNS: None, Started.JUST_NOW: "checked_just_now", Started.TOO_OFTEN: "checked_too_often"}
)
_SPEED_SAID: Mapping[Started, str] = MappingProxyType(
    {Started.JUST_NOW: "tested_just_now", Started.TOO_OFTEN: "tests_by_hand_spent"}
)


@dataclass(frozen=True, slots=True)
class Speed:
    """One direction of a test, as a person says it."""

    name: Words
    said: Words


def add_routes(app: Any, view: BoxView) -> None:
    """Serve the checks and the speed test."""
    app.route("/check", "GET", lambda: _page(view))
    app.route("/check", "POST", lambda: _start(view))
    app.route("/check/speed", "POST", lambda: _start_speed(view))


def _start(view: BoxView) -> Any:
    return go_to("/check", _CHECK_SAID[view.checks.start(trusted=_is_signed_in())])


def _start_speed(view: BoxView) -> Any:
    if view.without_outbox:
        return go_to("/check", "cannot_write_now" if view.opening_ms is None else "still_opening")
    if not view.speed.available:
        return go_to("/check", "no_speed_server")
    started = view.speed.start(trusted=_is_signed_in())
    return go_to("/check#speed") if started is Started.RUNS else go_to("/check", _SPEED_SAID[started])


def _is_signed_in() -> bool:
    return pages_of(bottle.request).gate.is_signed_in(bottle.request)


def _page(view: BoxView) -> str:
    checked, tested = view.checks.last, view.speed.last
    running = any(item is not None and item.ended_ms is None for item in (checked, tested))
    return render(
        bottle.request,
        "check.html",
        refresh_seconds=REFRESH_SECONDS if running else None,
        checked=checked,
        done=0 if checked is None else sum(item.state is not State.RUNNING for item in checked.found),
        checked_ago=0 if checked is None else view.clock.mono_ms() - (checked.ended_ms or checked.started_ms),
        first=None if checked is None else first_wrong(checked.found),
        tested=tested,
        speeds=[] if tested is None else speeds_of(tested.found),
        can_test=view.speed.available,
        test_mb=max(1, round(view.settings.throughput.full_bytes / 1e6)),
        measures=not view.without_outbox,
    )


def speeds_of(readings: Sequence[Reading]) -> list[Speed]:
    """Return what a test found, a line for each direction; or why there was none."""
    lines = []
    for reading in readings:
        if reading.measurement != "throughput":
            continue
        name = {"down": say("Download"), "up": say("Upload")}.get(reading.tags.get("direction", ""), say("Test"))
        lines.append(Speed(name, _said(reading)))
    return lines


def _said(reading: Reading) -> Words:
    fields = reading.fields
    if fields.get("failure") == "budget_spent":
        return say("What is kept for tests by hand is spent for this month.")
    rate, spent = fields.get("rate_bits_per_second"), fields.get("spent_bytes")
    if not isinstance(rate, int | float):
        return failure_words(fields.get("failure"))
    values = {"rate": f"{rate / 1e6:.1f}", "spent": f"{spent / 1e6:.1f}" if isinstance(spent, int) else "0"}
    if fields.get("censored"):
        return say("at least %(rate)s Mbit/s (%(spent)s MB used)", **values)
    return say("%(rate)s Mbit/s (%(spent)s MB used)", **values)
