"""The command `upgrade`: a release is checked, fetched, built, tried, and the launcher is asked to start it.

It takes hours on a slow link, and goes on after every stop: what is there already is not done again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from aldea.agents.budget import Budget
from aldea.agents.enrolment import Enrolment, enrolled
from aldea.agents.operating.handler import Outcome, State, Tell, refused
from aldea.agents.settings import AgentSettings
from aldea.agents.upgrading import verifying
from aldea.agents.upgrading.building import build
from aldea.agents.upgrading.fetching import Fetcher, RangeReader, Source
from aldea.agents.upgrading.leaving import launcher_of
from aldea.agents.upgrading.state import TRIAL, Releases, Trial
from aldea.agents.upgrading.state import State as Kept
from aldea.model.messages import Command
from aldea.model.release import Manifest, ReleaseError
from aldea.model.settings import SettingsError

UNPACKED_TIMES = 6
"""A wheel of Python takes about so many times its size once it is unpacked, with room for the fetched file."""
SPARE_BYTES = 20_000_000
"""What must be left for the outbox and for whatever else writes."""
LINK_PAUSE_SECONDS, DISK_PAUSE_SECONDS = 1.0, 600.0
_TOLD_PARTS = 5


def free_bytes(folder: Path) -> int:
    """Return what this user may still write where `folder` is."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Carries out `upgrade` commands. `start_anew` asks the agent to end in order, so that the launcher takes over.

    A release is tried only while `is_online`: a trial without a link would tell of the link alone.
    """

    settings: AgentSettings
    budget: Budget
    own_version: str
    start_anew: Callable[[], None]
    is_online: Callable[[], bool]
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    free: Callable[[Path], int] = free_bytes
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    kind: str = "upgrade"
    quick: bool = False
    resumes: bool = True

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        """Return how it ended: `done`, `failed`, or `rolled_back`. On the way it is not returned from, but ended."""
        releases = Releases(self.settings.data)
        state = await asyncio.to_thread(releases.read)
        if state.outcome is not None and state.outcome.id == command.id:
            return _ended(state.outcome.version, state.outcome.reason, confirmed=state.outcome.confirmed)
        try:
            if state.trial is not None:
                await self._leave_to_launcher(releases, state, state.trial)
            return await self._upgrade(releases, command, tell)
        except ReleaseError as error:
            return refused(str(error))
        except OSError as error:
            return refused(f"the device's disk does not take it: {error.strerror or error}")

    async def _leave_to_launcher(self, releases: Releases, state: Kept, trial: Trial) -> None:
        """Wait to be ended by the launcher. Returns only where there is none: then nothing is on trial any more."""
        if trial.id != self.environ.get(TRIAL):
            if launcher_of(self.environ) is None:
                await asyncio.to_thread(releases.write, replace(state, trial=None))
                return
            # The launcher did not begin, since the disk took nothing: it is asked again once it does.
            while not await asyncio.to_thread(_is_written, releases, state):
                await self.pause(DISK_PAUSE_SECONDS)
            await self.pause(DISK_PAUSE_SECONDS)
            self.start_anew()
        # On trial itself: the launcher ends it either way, and the next start knows more.
        await asyncio.Event().wait()

    async def _upgrade(self, releases: Releases, command: Command, tell: Tell) -> Outcome:
        launcher = launcher_of(self.environ)
        if launcher is None:
            raise ReleaseError(
                "this agent was not started by its launcher, so it cannot be upgraded from afar: install it again"
            )
        enrolment, key = await asyncio.to_thread(self._trusted)
        manifest = await asyncio.to_thread(verifying.accepted, command.payload, key, self.own_version)
        if manifest.version == self.own_version:
            return Outcome(State.DONE, _said(manifest.version, "it runs already", "ya funciona"))
        await asyncio.to_thread(_forgive, releases, manifest.version, again=command.payload.get("again") is True)
        wheels = await self._fetch(releases, manifest, enrolment, tell)
        await tell(State.RUNNING, _step(manifest, "building", {}))
        words = launcher[launcher.index("aldea.agents.upgrading.launch") + 1 :]
        await build(releases, manifest, wheels, launcher[0], words)
        await self._hand_over(releases, manifest, command.id, tell)
        return await asyncio.Future[Outcome]()  # never: the agent ends in order

    async def _fetch(self, releases: Releases, manifest: Manifest, enrolment: Enrolment, tell: Tell) -> list[Path]:
        if releases.is_whole(manifest.version):
            return []
        folder = releases.folder / f"{manifest.version}.fetched"
        await asyncio.to_thread(self._make_room, releases, manifest, folder)
        ca_file = None if enrolment.server_ca_file is None else self.settings.data / enrolment.server_ca_file
        reader = RangeReader(Source(enrolment.server, ca_file), self.budget.meter)
        told, waits = -1, False

        async def progress(there: int) -> None:
            nonlocal told, waits
            part = there * _TOLD_PARTS // manifest.size_bytes
            if part > told or waits:
                told, waits = part, False
                await tell(State.RUNNING, _step(manifest, "fetching", {"bytes": there, "of": manifest.size_bytes}))

        async def wait(until_ms: int) -> None:
            nonlocal waits
            if not waits:
                waits = True
                await tell(State.RUNNING, _waiting(manifest, until_ms))

        rate = self.settings.upgrade.bytes_per_second
        return await Fetcher(reader, rate, self.budget.room_from, progress, wait, self.pause).fetch(manifest, folder)

    async def _hand_over(self, releases: Releases, manifest: Manifest, command_id: str, tell: Tell) -> None:
        while not self.is_online():
            await self.pause(LINK_PAUSE_SECONDS)
        await tell(State.RUNNING, _step(manifest, "trying", {}))
        await asyncio.to_thread(releases.forget_heard)
        state = await asyncio.to_thread(releases.read)
        await asyncio.to_thread(releases.write, replace(state, trial=Trial(manifest.version, command_id)))
        self.start_anew()

    def _trusted(self) -> tuple[Enrolment, str | None]:
        """Return the enrolment and the keys of releases."""
        if not self.settings.upgrade.enabled:
            raise ReleaseError("agent.upgrade.enabled is false: this agent takes no releases from afar")
        try:
            found = enrolled(self.settings.data)
        except SettingsError as error:
            raise ReleaseError(str(error)) from error
        if found is None:
            raise ReleaseError("this agent was not enrolled with a code: it does not know where to fetch releases")
        path = self.settings.upgrade.key_file
        if path is None:
            return found, found.release_key
        try:
            return found, path.read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise ReleaseError(f"agent.upgrade.key_file {path} cannot be read: {error}") from error

    def _make_room(self, releases: Releases, manifest: Manifest, folder: Path) -> None:
        """Remove what is left of other releases; refuse where the disk has no room for this one."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        releases.prune(releases.read(), folder.name, manifest.version)
        fetched = sum(path.stat().st_size for path in folder.iterdir())
        need = UNPACKED_TIMES * manifest.size_bytes + SPARE_BYTES - fetched
        free = self.free(folder)
        if free < need:
            raise ReleaseError(
                f"there are {free / 1e6:.0f} MB free on the device's disk and {need / 1e6:.0f} MB are needed"
            )


_STEPS = {
    "fetching": ("it is being fetched", "se está descargando"),
    "building": ("it is being built", "se está preparando"),
    "trying": ("it is being tried", "se está probando"),
}


def _forgive(releases: Releases, version: str, *, again: bool) -> None:
    """Refuse a version that was bad here; with `again` forget that it was, for what is bad is removed at each start."""
    state = releases.read()
    why = state.bad.get(version)
    if why is None:
        return
    if not again:
        raise ReleaseError(f"version {version} was tried here before and given up: {why}")
    releases.write(replace(state, bad={name: reason for name, reason in state.bad.items() if name != version}))


def _is_written(releases: Releases, state: Kept) -> bool:
    try:
        releases.write(state)
    except OSError:
        return False
    return True


def _said(version: str, english: str, spanish: str) -> dict[str, object]:
    return {"version": version, "sentence": english, "sentence_es": spanish}


def _step(manifest: Manifest, step: str, more: Mapping[str, int]) -> dict[str, object]:
    return {**_said(manifest.version, *_STEPS[step]), "step": step, **more}


def _waiting(manifest: Manifest, until_ms: int) -> dict[str, object]:
    day = "" if until_ms == 0 else f"{datetime.fromtimestamp(until_ms / 1000, UTC):%Y-%m-%d}"
    said = _said(
        manifest.version,
        f"this month's bytes are spent, so it waits until {day or 'the time is known'}",
        f"los datos de este mes se acabaron, por eso espera hasta {day or 'saber la hora'}",
    )
    return {**said, "step": "waiting_for_budget", "until_ms": until_ms}


def _ended(version: str, reason: str, *, confirmed: bool) -> Outcome:
    if confirmed:
        english = f"version {version} runs and has heard the server"
        return Outcome(State.DONE, _said(version, english, f"la versión {version} funciona y oyó al servidor"))
    said = _said(
        version,
        f"version {version} was given up, and the one before runs again: {reason}",
        f"la versión {version} no oyó al servidor; funciona otra vez la anterior",
    )
    return Outcome(State.ROLLED_BACK, {**said, "reason": reason})
