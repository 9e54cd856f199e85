"""What a rollout does next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aldea.model.rollouts.judging import judged, trouble_of
from aldea.model.rollouts.states import (
    AGAIN_MS,
    AWAY_MS,
    HEALTHY_MS,
    HOUR_MS,
    LATE_MS,
    SILENCE_MS,
    WAVES,
    DeviceView,
    Key,
    Progress,
    Rollout,
    RolloutState,
    Step,
    Why,
)


def next_step(rollout: Rollout, devices: Sequence[DeviceView], now_ms: int) -> Step:
    """Return what is to be done now. Idempotent: with nothing new the answer is the same, and asks nobody twice."""
    if rollout.state is not RolloutState.RUNNING:
        return Step(rollout.state, rollout.wave)
    real = [device for device in devices if not device.simulated]
    noted = judged(rollout, real, now_ms)
    seen = [replace(device, progress=noted.get(device.key, device.progress)) for device in real]
    why = trouble_of(rollout, seen, now_ms)
    if why is not None:
        return Step(RolloutState.HALTED, rollout.wave, noted=noted, why=why)
    return replace(_forward(rollout, seen, now_ms), noted=noted)


def _forward(rollout: Rollout, seen: Sequence[DeviceView], now_ms: int) -> Step:
    """Return how it goes on when nothing went wrong."""
    wave = rollout.wave
    size = WAVES[wave]
    members = [device for device in seen if device.wave == wave and device.progress in _IN_WAVE]
    free = _chosen(rollout, seen, now_ms, alone=not members)
    room = len(free) if size is None else max(0, size - len(members))
    ask = tuple(device.key for device in free[:room])
    if size is None:
        return _last_wave(rollout, seen, members, ask, now_ms)
    if ask:
        return Step(rollout.state, wave, ask)
    if not members:
        # Nobody is there to ask: either all have it, or all are away.
        if any(_wants(rollout, device, now_ms) for device in seen):
            return Step(rollout.state, wave, why=_nobody_to_ask(rollout, seen, now_ms))
        return Step(RolloutState.DONE, wave)
    waits = _wave_waits(rollout, members, now_ms)
    if waits is not None:
        return Step(rollout.state, wave, why=waits)
    after = replace(rollout, wave=wave + 1)
    return _forward(after, seen, now_ms)


def _nobody_to_ask(rollout: Rollout, seen: Sequence[DeviceView], now_ms: int) -> Why:
    """Return why nobody is asked now although some need it."""
    for device in seen:
        about = {"site": device.site, "device": device.device}
        if device.progress is Progress.SILENT:
            return Why("away", about)
        if device.progress is not None and device.progress.tells_nothing:
            return Why("asked_again", about)
    first = next((device for device in seen if _is_waited_for(rollout, device, now_ms)), None)
    return Why("nobody_heard") if first is None else Why("away", {"site": first.site, "device": first.device})


def _last_wave(
    rollout: Rollout, seen: Sequence[DeviceView], members: Sequence[DeviceView], ask: tuple[Key, ...], now_ms: int
) -> Step:
    if ask:
        return Step(rollout.state, rollout.wave, ask)
    if any(device.progress is not Progress.CONFIRMED for device in members):
        return Step(rollout.state, rollout.wave, why=Why("under_way"))
    baking = [device for device in members if now_ms - (device.confirmed_ms or now_ms) < SILENCE_MS]
    if baking:
        return Step(rollout.state, rollout.wave, why=Why("baking"))
    if any(_wants(rollout, device, now_ms) for device in seen):
        return Step(rollout.state, rollout.wave, why=Why("others_away"))
    return Step(RolloutState.DONE, rollout.wave)


def _wave_waits(rollout: Rollout, members: Sequence[DeviceView], now_ms: int) -> Why | None:
    """Return why the next wave can't begin yet; None when it can."""
    if any(device.progress is not Progress.CONFIRMED for device in members):
        return Why("under_way")
    last_ms = max(device.confirmed_ms or now_ms for device in members)
    if now_ms - last_ms < rollout.bake_hours * HOUR_MS:
        return Why("baking")
    for device in members:
        if device.heard_ms is None or now_ms - device.heard_ms > HEALTHY_MS:
            return Why("not_heard", {"site": device.site, "device": device.device})
    return None


_IN_WAVE = frozenset({Progress.ASKED, Progress.FETCHING, Progress.TRYING, Progress.CONFIRMED})


def _chosen(rollout: Rollout, seen: Sequence[DeviceView], now_ms: int, *, alone: bool) -> list[DeviceView]:
    """Return who may be asked next, the best first: the first site that was named, then who was heard last.

    A first site that was named is waited for, as long as it may be asked at all: nobody else goes first in its place.
    Who was left for later comes again in the last wave, or when a wave has nobody else (`alone`).
    """
    heard = [
        device
        for device in seen
        if _wants(rollout, device, now_ms) and device.heard_ms is not None and now_ms - device.heard_ms < AWAY_MS
        if device.progress in (None, Progress.LEFT) or now_ms - (device.ended_ms or now_ms) >= AGAIN_MS
    ]
    if any(_is_waited_for(rollout, device, now_ms) for device in seen):
        heard = [device for device in heard if device.site == rollout.first_site]
    fresh = [device for device in heard if device.progress is None]
    free = heard if WAVES[rollout.wave] is None or (alone and not fresh) else fresh
    return sorted(free, key=lambda device: (device.progress is not None, -(device.heard_ms or 0), device.key))


def _is_waited_for(rollout: Rollout, device: DeviceView, now_ms: int) -> bool:
    """Say whether nobody else goes first, since this device is of the first site that was named, and may be asked."""
    if rollout.wave > 0 or device.site != rollout.first_site:
        return False
    return _wants(rollout, device, now_ms) or (device.version is None and device.progress is None)


def _wants(rollout: Rollout, device: DeviceView, now_ms: int) -> bool:
    """Say whether the device has no such release nor a newer one, and may be asked for it; or is to be heard of it."""
    if device.progress is Progress.SILENT:
        return now_ms - rollout.created_ms < LATE_MS
    if device.version is None or not rollout.is_behind(device.version):
        return False
    return device.progress is None or (device.progress.is_for_later and now_ms - rollout.created_ms < LATE_MS)
