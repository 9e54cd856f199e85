"""One look at the rollout that is under way: take the answers, decide, ask. All in one transaction.

The rollout's row is held while it is looked at, and everything that was decided is in the register: of several
collectors it does not matter which one looks, or which one dies.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aldea.model.release import document_of
from aldea.model.rollouts import NOT_TRUSTED, Key, Progress, RolloutState, Step, Why, next_step
from aldea.storage.register import RegisterError
from aldea.storage.register.commands import CommandState, find_command, queue_command
from aldea.storage.register.release_trust import is_trusted
from aldea.storage.register.releases import StoredRelease, find_release
from aldea.storage.register.rollout_devices import (
    command_states,
    device_views,
    note_asked,
    note_progress,
    rollout_devices,
)
from aldea.storage.register.rollout_rows import RolloutDevice, StoredRollout
from aldea.storage.register.rollouts import KIND, call_off, keep_step, list_rollouts, open_rollout

if TYPE_CHECKING:
    from aldea.model.clock import Clock
    from aldea.storage.register import Register, Unit

log = logging.getLogger(__name__)

COMMAND_LIVES_MS = 30 * 24 * 3_600_000
ASKED_AT_ONCE = 50
"""The others come with the next looks: nobody else can write to the register meanwhile."""
_WENT_BACK = MappingProxyType(
    {
        "sentence": "it ran the new version, and later went back to an older one",
        "sentence_es": "funcionó con la versión nueva y después volvió a una anterior",
    }
)
_ENDS = {
    CommandState.DONE.value: Progress.CONFIRMED,
    CommandState.FAILED.value: Progress.FAILED,
    CommandState.ROLLED_BACK.value: Progress.ROLLED_BACK,
}
_TELLS_NOTHING = MappingProxyType(
    {
        (CommandState.ROLLED_BACK.value, "inconclusive"): Progress.INCONCLUSIVE,
        (CommandState.FAILED.value, "no_key"): Progress.NO_KEY,
    }
)
"""Ends, with their verdict or reason, that say nothing of the release."""
_UNDER_WAY = frozenset({CommandState.ACCEPTED.value, CommandState.RUNNING.value})
_WATCHED = frozenset({Progress.ASKED, Progress.FETCHING, Progress.TRYING, Progress.LEFT, Progress.SILENT})
_WAITED_FOR = frozenset({Progress.LEFT, Progress.SILENT})


class RolloutDriver:
    """Moves the rollout on. `step` may be called by several programs at once, as often as they like."""

    def __init__(self, register: Register, clock: Clock) -> None:
        self._register = register
        self._clock = clock

    def step(self) -> bool:
        """Look once; always False, for there is time until the next look. Raises RegisterError."""
        with self._register.reading() as unit:
            newest = list_rollouts(unit, limit=1)
        if not newest or newest[0].rollout.state.is_over:
            return False
        now_ms = self._clock.wall_ms()
        with self._register.transaction() as unit:
            found = open_rollout(unit)
            if found is not None:
                self._look(unit, found, now_ms)
        return False

    def _look(self, unit: Unit, found: StoredRollout, now_ms: int) -> None:
        _take_answers(unit, found, now_ms)
        release = find_release(unit, found.rollout.version)
        assert release is not None
        trusted = is_trusted(unit, release.release)
        if not trusted:
            # Also those of one that a person has paused: whoever hears it later must not get that signature either.
            call_off(unit, found, now_ms)
        if found.rollout.state is not RolloutState.RUNNING:
            return
        if not trusted:
            log.warning("version %s halts: the key that signed it is not trusted any more", release.version)
            keep_step(unit, found.id, RolloutState.HALTED, found.rollout.wave, Why(NOT_TRUSTED), now_ms)
            return
        manifest = release.release.manifest
        rollout = replace(found.rollout, downgrade=manifest.downgrade, replaces=manifest.replaces)
        step = next_step(rollout, device_views(unit, found.id), now_ms)
        devices = {(item.site, item.device): item for item in rollout_devices(unit, found.id)}
        for key, progress in step.noted.items():
            went_back = progress is Progress.ROLLED_BACK
            note_progress(unit, found.id, key, progress, now_ms, _WENT_BACK if went_back else devices[key].detail)
        if step.ask:
            self._ask(unit, found, release, step, devices, now_ms)
        same = (step.state, step.wave, step.why) == (found.rollout.state, found.rollout.wave, found.why)
        if not same:
            log.info("version %s: %s, wave %d, %s", found.rollout.version, step.state.value, step.wave + 1, step.why)
            keep_step(unit, found.id, step.state, step.wave, step.why, now_ms)

    def _ask(
        self,
        unit: Unit,
        found: StoredRollout,
        release: StoredRelease,
        step: Step,
        devices: Mapping[Key, RolloutDevice],
        now_ms: int,
    ) -> None:
        payload = _payload(unit, found, release)
        for key in step.ask[:ASKED_AT_ONCE]:
            asked = devices.get(key)
            # One that was left for later and still has its command gets no second one.
            before = None if asked is None else find_command(unit, asked.command)
            try:
                command = (
                    before
                    if before is not None and not before.state.is_over
                    else queue_command(
                        unit, *key, KIND, payload, now_ms, now_ms + COMMAND_LIVES_MS, f"rollout {found.rollout.version}"
                    )
                )
            except RegisterError as error:
                log.warning("%s/%s cannot be asked for version %s: %s", *key, found.rollout.version, error)
                continue
            note_asked(unit, found.id, key, step.wave, command.id, now_ms)


def _payload(unit: Unit, found: StoredRollout, release: StoredRelease) -> dict[str, Any]:
    # Whoever rolls the same version out once more wants it tried once more.
    again = any(
        item.id != found.id and item.rollout.version == found.rollout.version for item in list_rollouts(unit, limit=100)
    )
    signature = base64.b64encode(release.release.signature).decode()
    manifest = document_of(release.release.manifest)
    return {"version": release.version, "manifest": manifest, "signature": signature, "again": again}


def _take_answers(unit: Unit, found: StoredRollout, now_ms: int) -> None:
    """Note what devices have said since the last look; what a device has done counts, whatever was thought of it."""
    watched = [item for item in rollout_devices(unit, found.id) if item.progress in _WATCHED]
    answers = command_states(unit, tuple(item.command for item in watched))
    back = _heard_since(unit, found, watched)
    for item in watched:
        state, answer = answers.get(item.command, ("", {}))
        if item.progress in _WAITED_FOR and dict(answer) == dict(item.detail) and (item.site, item.device) not in back:
            continue  # it has said nothing since it fell silent, or was left for later
        progress = _progress(item.progress, state, answer)
        if progress is not item.progress or (answer and dict(answer) != dict(item.detail)):
            note_progress(unit, found.id, (item.site, item.device), progress, now_ms, answer)


def _heard_since(unit: Unit, found: StoredRollout, watched: Sequence[RolloutDevice]) -> frozenset[Key]:
    """Return which devices that were left for later have been heard since: what they said last counts again."""
    left_ms = {(item.site, item.device): item.ended_ms or 0 for item in watched if item.progress is Progress.LEFT}
    views = device_views(unit, found.id) if left_ms else ()
    return frozenset(view.key for view in views if (view.heard_ms or 0) > left_ms.get(view.key, view.heard_ms or 0))


def _progress(before: Progress, state: str, answer: Mapping[str, Any]) -> Progress:
    if state in _ENDS:
        return _TELLS_NOTHING.get((state, str(answer.get("verdict") or answer.get("reason"))), _ENDS[state])
    if state in _UNDER_WAY:
        if answer.get("step") in {"trying", "trying_again"}:
            return before if before is Progress.SILENT else Progress.TRYING
        return Progress.FETCHING if before is Progress.ASKED else before
    gone = state in {CommandState.EXPIRED.value, CommandState.CANCELLED.value, ""}
    return Progress.LEFT if gone and before.is_under_way else before
