"""What time alone makes of a rollout's devices, and what of it halts the rollout. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aldea.model.rollouts.states import (
    AWAY_MS,
    INCONCLUSIVE_MANY,
    PATIENCE_MS,
    SETTLED_MS,
    SILENCE_MS,
    SILENT_FEW,
    SILENT_RATIO,
    WAVES,
    DeviceView,
    Key,
    Progress,
    Rollout,
    Why,
)


def trouble_of(seen: Sequence[DeviceView]) -> Why | None:
    """Return why the rollout halts, None when nothing is wrong enough."""
    last = [device for device in seen if device.wave == len(WAVES) - 1 and device.progress is not None]
    few = max(SILENT_FEW, round(SILENT_RATIO * len(last)))
    silent_in_last = sum(device.progress is Progress.SILENT for device in last)
    for device in seen:
        if device.progress is None or not device.progress.is_trouble:
            continue
        if device.progress is Progress.SILENT and device in last and silent_in_last <= few:
            continue
        return Why(device.progress.value, {"site": device.site, "device": device.device})
    return _many_inconclusive(seen)


def _many_inconclusive(seen: Sequence[DeviceView]) -> Why | None:
    """Return why trials that told nothing halt the rollout after all: a link fails at one site, not at all in turn."""
    untold = [device for device in seen if device.progress is Progress.INCONCLUSIVE]
    if len(untold) < INCONCLUSIVE_MANY or any(device.progress is Progress.CONFIRMED for device in seen):
        return None
    return Why("inconclusive", {"site": untold[-1].site, "device": untold[-1].device})


def judged(rollout: Rollout, devices: Iterable[DeviceView], now_ms: int) -> dict[Key, Progress]:
    """Return what became of devices without a word of theirs: silent, gone back after all, or left for later."""
    noted: dict[Key, Progress] = {}
    for device in devices:
        if device.progress is None:
            continue
        went_back = device.progress is Progress.CONFIRMED and _went_back(rollout, device)
        became = Progress.ROLLED_BACK if went_back else _JUDGES.get(device.progress, _as_it_is)(device, now_ms)
        if became is not None:
            noted[device.key] = became
    return noted


def _as_it_is(_device: DeviceView, _now_ms: int) -> Progress | None:
    return None


def _asked(device: DeviceView, now_ms: int) -> Progress | None:
    asked_ms = device.asked_ms or now_ms
    quiet = now_ms - max(device.heard_ms or 0, asked_ms) >= AWAY_MS
    return Progress.LEFT if quiet or now_ms - asked_ms >= PATIENCE_MS else None


def _fetching(device: DeviceView, now_ms: int) -> Progress | None:
    asked_ms = device.asked_ms or now_ms
    if now_ms - max(device.heard_ms or 0, asked_ms) >= SILENCE_MS:
        return Progress.SILENT
    return Progress.LEFT if now_ms - asked_ms >= PATIENCE_MS else None


def _trying(device: DeviceView, now_ms: int) -> Progress | None:
    since = max(device.heard_ms or 0, device.trying_ms or 0, device.asked_ms or 0)
    return Progress.SILENT if now_ms - since >= SILENCE_MS else None


def _went_back(rollout: Rollout, device: DeviceView) -> bool:
    """Say whether a device that has kept the release is heard with an older one: it kept ending later on."""
    if device.version is None or device.confirmed_ms is None or device.heard_ms is None:
        return False
    return device.heard_ms - device.confirmed_ms >= SETTLED_MS and rollout.is_behind(device.version)


def _confirmed(device: DeviceView, now_ms: int) -> Progress | None:
    """Return silent for a device that fell silent within a day of taking the release, and for a day."""
    confirmed_ms = device.confirmed_ms or now_ms
    heard_ms = max(device.heard_ms or 0, confirmed_ms)
    return Progress.SILENT if heard_ms - confirmed_ms < SILENCE_MS <= now_ms - heard_ms else None


_JUDGES = {
    Progress.ASKED: _asked,
    Progress.FETCHING: _fetching,
    Progress.TRYING: _trying,
    Progress.CONFIRMED: _confirmed,
}
