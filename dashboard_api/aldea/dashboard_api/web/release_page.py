"""What the page of releases shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aldea.dashboard_api.device_view import Box
from aldea.dashboard_api.web.release_words import LOOKS, PROGRESS, PROGRESS_LOOKS, STATES, WAVE_NAMES, WHY
from aldea.dashboard_api.web.shown import Shown
from aldea.model.rollouts import Progress
from aldea.storage.register.register import Unit
from aldea.storage.register.rollout_devices import newest_of_device
from aldea.storage.register.rollout_rows import RolloutDevice, StoredRollout
from aldea.storage.register.rollouts import is_taken


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device of a wave: its page's address, where it stands, and what it said."""

    site: str
    device: str
    progress: str
    look: str
    said: str
    since: str


@dataclass(frozen=True, slots=True)
class WaveRow:
    """One wave: how many of its devices have the release, and how many of the others stand where: word, look, count."""

    name: str
    devices: Sequence[DeviceRow]
    confirmed: int
    others: Sequence[tuple[str, str, int]] = ()


@dataclass(frozen=True, slots=True)
class RolloutView:
    """A rollout as it is shown."""

    version: str
    state: str
    look: str
    why: str
    is_halted: bool
    waves: Sequence[WaveRow]
    may_pause: bool
    may_resume: bool
    may_stop: bool
    begun: str
    author: str
    bake_hours: float
    first_site: str
    may_choose: bool
    reason: str


def rollout_view(found: StoredRollout, devices: Sequence[RolloutDevice], shown: Shown) -> RolloutView:
    """Return a rollout as the page shows it."""
    state = found.rollout.state
    waves = [
        WaveRow(
            shown.say(name),
            [_device(item, shown) for item in members],
            sum(item.progress is Progress.CONFIRMED for item in members),
            _others(members, shown),
        )
        for number, name in enumerate(WAVE_NAMES)
        if (members := [item for item in devices if item.wave == number])
    ]
    return RolloutView(
        version=found.rollout.version,
        state=shown.say(STATES[state]),
        look=LOOKS[state],
        why=_why(found, shown),
        is_halted=state.value == "halted",
        waves=waves,
        may_pause=state.value == "running",
        may_resume=state.value in {"paused", "halted"},
        may_stop=not state.is_over,
        begun=shown.ago(found.rollout.created_ms),
        author=shown.who(found.author),
        bake_hours=found.rollout.bake_hours,
        first_site=found.rollout.first_site or "",
        may_choose=not found.rollout.state.is_over and not is_taken(found, devices),
        reason="" if found.why is None else found.why.short,
    )


def _others(members: Sequence[RolloutDevice], shown: Shown) -> list[tuple[str, str, int]]:
    counted = Counter(item.progress for item in members)
    return [
        (shown.say(word), PROGRESS_LOOKS[progress], counted[progress])
        for progress, word in PROGRESS.items()
        if counted[progress] and progress is not Progress.CONFIRMED
    ]


def upgrade_section(unit: Unit, box: Box, shown: Shown, _now_ms: int) -> Mapping[str, Any]:
    """Return what the device's page shows of the last release that it was asked to take."""
    found = newest_of_device(unit, box.site.id, box.device.id)
    if found is None:
        return {"upgrade": None}
    return {"upgrade": _device(found[1], shown), "upgrade_version": found[0].rollout.version}


def _device(item: RolloutDevice, shown: Shown) -> DeviceRow:
    at_ms = item.ended_ms or item.trying_ms or item.asked_ms
    word, look = shown.say(PROGRESS[item.progress]), PROGRESS_LOOKS[item.progress]
    return DeviceRow(item.site, item.device, word, look, _said(item, shown), shown.ago(at_ms))


def _said(item: RolloutDevice, shown: Shown) -> str:
    """Return what is to be said beside the word for where a device stands."""
    detail = item.detail
    if detail.get("step") == "fetching" and isinstance(detail.get("of"), int) and not detail.get("stuck"):
        return f"{shown.quantity(detail.get('bytes', 0), 'B')} / {shown.quantity(detail['of'], 'B')}"
    if item.progress is Progress.CONFIRMED or detail.get("step") == "trying":
        return ""
    return str(detail.get(f"sentence_{shown.code}") or detail.get("sentence") or "")[:500]


def _why(found: StoredRollout, shown: Shown) -> str:
    if found.why is None or found.why.word not in WHY:
        return ""
    return shown.say(WHY[found.why.word]) % {"site": found.why.about.get("site", "")}
