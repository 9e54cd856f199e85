"""What the page of a device shows: what was asked of it, in plain words, and its newest diagnostics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.device_view import DIAGNOSTICS, TEST, Box
from aldea.dashboard_api.web.device_words import KINDS, LOOKS, NAMES, PARTS, PROBE_WORDS, REASONS, STATES
from aldea.dashboard_api.web.latest import failure_words
from aldea.dashboard_api.web.shown import NONE, Shown
from aldea.storage.register.commands import UNHEARD, CommandState, DeviceCommand

QUICK_SECONDS, SLOW_SECONDS = 5, 60
"""How often the page looks again: while something is under way, and while something waits for a silent site."""

_MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command as it is listed. `lines` say what the device answered, `may_cancel` that it can still be stopped."""

    id: str
    kind: str
    what: str
    state: str
    look: str
    said: str
    lines: Sequence[str]
    asked: str
    author: str
    may_cancel: bool
    has_diagnostics: bool


def refresh_seconds(box: Box, commands: Sequence[DeviceCommand]) -> int:
    """Return after how many seconds the page should be looked at again; 0: nothing is expected."""
    states = {one.state for one in commands}
    if states & {CommandState.SENT, CommandState.ACCEPTED, CommandState.RUNNING} or (
        CommandState.WAITING in states and not box.is_silent
    ):
        return QUICK_SECONDS
    return SLOW_SECONDS if CommandState.WAITING in states else 0


def command_rows(box: Box, commands: Sequence[DeviceCommand], shown: Shown) -> list[CommandRow]:
    """Return the rows of the list, in the order given."""
    return [_row(box, one, shown) for one in commands]


def newest_diagnostics(commands: Sequence[DeviceCommand], wanted: str = "") -> DeviceCommand | None:
    """Return the diagnostics to show: the command `wanted`, or the newest that were answered."""
    answered = [one for one in commands if one.kind == DIAGNOSTICS and one.state is CommandState.DONE]
    return next((one for one in answered if one.id == wanted), answered[0] if answered else None)


def _row(box: Box, one: DeviceCommand, shown: Shown) -> CommandRow:
    kind = shown.say(KINDS[one.kind]) if one.kind in KINDS else one.kind
    probe = str(one.payload.get("probe", "")) if one.kind == TEST else ""
    what = shown.say(PROBE_WORDS[probe]) if probe in PROBE_WORDS else probe
    return CommandRow(
        id=one.id,
        kind=kind,
        what=what,
        state=shown.say(STATES[one.state]),
        look=LOOKS[one.state],
        said=_said(box, one, shown),
        lines=_found(one, shown) if one.kind == TEST else (),
        asked=shown.ago(one.created_ms),
        author=shown.who(one.author or ""),
        may_cancel=one.state in UNHEARD,
        has_diagnostics=one.kind == DIAGNOSTICS and one.state is CommandState.DONE,
    )


def _said(box: Box, one: DeviceCommand, shown: Shown) -> str:
    """Return what is to be said of a command beside its state."""
    if one.state is CommandState.WAITING:
        return _waits(box, shown)
    if one.state is CommandState.SENT:
        told = shown.say(N_("Sent %(ago)s; no answer yet. It is sent again by itself."))
        return told % {"ago": shown.ago(one.sent_ms)}
    if one.state is CommandState.ACCEPTED:
        return shown.say(N_("Something else comes first there."))
    if one.state is CommandState.EXPIRED and one.heard_ms is None:
        return shown.say(N_("The box was not heard in time. Ask again."))
    return _answer_words(one, shown)


def _waits(box: Box, shown: Shown) -> str:
    if not box.is_silent:
        return shown.say(N_("It is sent within seconds."))
    if box.status.last_arrival_ms is None:
        return shown.say(N_("The site has never been heard; it gets this when it is."))
    told = shown.say(N_("The site was last heard %(ago)s; it gets this when it is heard again."))
    return told % {"ago": shown.ago(box.status.last_arrival_ms)}


def _answer_words(one: DeviceCommand, shown: Shown) -> str:
    answer = one.answer
    if answer.get("superseded"):
        return shown.say(N_("A newer one took its place."))
    reason = str(answer.get("reason", ""))
    if reason in REASONS:
        return shown.say(REASONS[reason])
    own = answer.get(f"sentence_{shown.code}") or answer.get("sentence") or ""
    return str(own)[:500]


def _found(one: DeviceCommand, shown: Shown) -> list[str]:
    """Return what a test found, a line a reading."""
    found = one.answer.get("found")
    items = found[:_MOST_LINES] if isinstance(found, list) else []
    return [_line(item, shown) for item in items if isinstance(item, dict)]


def _line(item: Mapping[str, Any], shown: Shown) -> str:
    measurement = str(item.get("measurement", ""))
    tags, fields = item.get("tags"), item.get("fields")
    where = " · ".join(str(value) for value in tags.values()) if isinstance(tags, dict) else ""
    pairs = fields.items() if isinstance(fields, dict) else ()
    values = [
        f"{shown.field(measurement, name)}: "
        + (failure_words(str(value), shown) if name == "failure" else _reading(measurement, name, value, shown))
        for name, value in pairs
        if isinstance(value, str | int | float | bool)
    ]
    return f"{measurement}{f' ({where})' if where else ''}: {'; '.join(values)}"


def _reading(measurement: str, name: str, value: str | float, shown: Shown) -> str:
    try:
        return shown.value(measurement, name, value)
    except (ArithmeticError, ValueError):  # no box that is well has measured this
        return str(value)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the diagnostics: a heading, pairs of names and values, and lines."""

    title: str
    pairs: Sequence[tuple[str, str]] = ()
    lines: Sequence[str] = ()


def diagnostics_parts(one: DeviceCommand, shown: Shown, zone: ZoneInfo) -> list[Part]:
    """Return a device's answer part by part; what is not of the expected kind is left out."""
    parts = []
    for key, title in PARTS.items():
        found = one.answer.get(key)
        if isinstance(found, dict) and found:
            parts.append(Part(shown.say(title), _pairs(found, shown, zone)))
        elif isinstance(found, list) and found:
            parts.append(Part(shown.say(title), lines=[_item(item, shown, zone) for item in found]))
    return parts


def _pairs(found: Mapping[str, Any], shown: Shown, zone: ZoneInfo) -> list[tuple[str, str]]:
    return [
        (shown.say(NAMES[name]) if name in NAMES else name.replace("_", " "), _value(name, value, shown, zone))
        for name, value in found.items()
        if value is not None
    ]


def _item(item: object, shown: Shown, zone: ZoneInfo) -> str:
    if not isinstance(item, dict):
        return str(item)
    head = str(item.get("name") or item.get("measurement") or "")
    rest = {key: value for key, value in item.items() if key not in {"name", "measurement"}}
    return f"{head}: " + "; ".join(f"{name}: {value}" for name, value in _pairs(rest, shown, zone))


def _value(name: str, value: object, shown: Shown, zone: ZoneInfo) -> str:
    if isinstance(value, bool):
        return shown.say("yes") if value else shown.say("no")
    if isinstance(value, dict):
        return ", ".join(f"{failure_words(str(key), shown)}: {part}" for key, part in value.items()) or NONE
    try:
        return _number(name, value, shown, zone) if isinstance(value, int | float) else str(value)
    except (ArithmeticError, ValueError):  # as above
        return str(value)


def _number(name: str, value: float, shown: Shown, zone: ZoneInfo) -> str:
    if name.endswith("_ms"):
        return shown.exact(int(value), zone) if 0 <= value < 4e12 else str(value)
    if name.endswith(("_seconds", "_seconds_ago")):
        return shown.duration(value)
    if name.endswith(("_bytes", "_bytes_total")):
        return shown.quantity(value, "B")
    return shown.percent(value) if name.endswith("_ratio") else shown.number(value)
