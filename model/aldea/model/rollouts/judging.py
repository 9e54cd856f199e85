"""What time alone makes of a rollout's devices, and what of it halts the rollout. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aldea.model.rollouts.states import (
    AWAY_MS,
    FIRST_MS,
    FIRST_TELLS_NOTHING,
    INCONCLUSIVE_MANY,
    PATIENCE_MS,
    SETTLED_MS,
    SILENCE_MS,
    SILENT_FEW,
    SILENT_FIRST,
    SILENT_RATIO,
    DeviceView,
    Key,
    Progress,
    Rollout,
    Why,
)


def trouble_of(rollout: Rollout, seen: Sequence[DeviceView], now_ms: int) -> Why | None:
    """Return why the rollout halts, None when nothing is wrong enough."""
    for device in seen:
        if device.progress is not None and device.progress.is_trouble:
            return _why(device.progress.value, device)
    return _many_silent(seen) or _many_inconclusive(seen) or _first_tells_nothing(rollout, seen, now_ms)


def _why(word: str, device: DeviceView) -> Why:
    return Why(word, {"site": device.site, "device": device.device})


def _many_silent(seen: Sequence[DeviceView]) -> Why | None:
    """Return why silent devices halt the rollout after all: one or the other loses its power, not one after another."""
    silent = [device for device in seen if device.progress is Progress.SILENT]
    asked = sum(device.progress is not None for device in seen)
    runs = any(device.progress is Progress.CONFIRMED for device in seen)
    few = max(SILENT_FEW, round(SILENT_RATIO * asked)) if runs else SILENT_FIRST
    return _why("silent", silent[-1]) if len(silent) > few else None


def _first_tells_nothing(rollout: Rollout, seen: Sequence[DeviceView], now_ms: int) -> Why | None:
    """Return why a first site that was named halts the rollout: it is asked daily, and a person has to know."""
    if rollout.wave > 0 or rollout.first_site is None or now_ms - rollout.created_ms < FIRST_MS:
        return None
    mine = [device for device in seen if device.site == rollout.first_site and device.progress is not None]
    if not mine or not all(device.progress is not None and device.progress.tells_nothing for device in mine):
        return None
    return _why(FIRST_TELLS_NOTHING, mine[-1])


def _many_inconclusive(seen: Sequence[DeviceView]) -> Why | None:
    """Return why trials that told nothing halt the rollout after all: a link fails at one site, not at most of them.

    Sites that run it outweigh them: where most trials tell something, the others are accidents.
    """
    untold = [device for device in seen if device.progress is Progress.INCONCLUSIVE]
    runs = sum(device.progress is Progress.CONFIRMED for device in seen)
    if len(untold) < max(INCONCLUSIVE_MANY, runs + 1):
        return None
    return _why("inconclusive", untold[-1])


def judged(rollout: Rollout, devices: Iterable[DeviceView], now_ms: int) -> dict[Key, Progress]:
    """Return what became of devices without a word of theirs: silent or heard again, gone back, or left for later."""
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


def _not_begun(device: DeviceView, now_ms: int) -> Progress | None:
    """Return left for one that is away or takes too long: it runs the old version, so its silence tells nothing."""
    asked_ms = device.asked_ms or now_ms
    quiet = now_ms - max(device.heard_ms or 0, asked_ms) >= AWAY_MS
    return Progress.LEFT if quiet or now_ms - asked_ms >= PATIENCE_MS else None


def _trying(device: DeviceView, now_ms: int) -> Progress | None:
    since = max(device.heard_ms or 0, device.trying_ms or 0, device.asked_ms or 0)
    return Progress.SILENT if now_ms - since >= SILENCE_MS else None


def _silent(device: DeviceView, _now_ms: int) -> Progress | None:
    """Return trying for one that is heard again: what it has to say of the release comes next, or has come."""
    return Progress.TRYING if (device.heard_ms or 0) > (device.ended_ms or 0) else None


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
    Progress.ASKED: _not_begun,
    Progress.FETCHING: _not_begun,
    Progress.TRYING: _trying,
    Progress.CONFIRMED: _confirmed,
    Progress.SILENT: _silent,
}
