"""The command `upgrade`: a release is checked, fetched, built, tried, and the launcher is asked to start it.

It takes hours on a slow link, and goes on after every stop: what is there already is not done again.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from aldea.agents.budget import Budget
from aldea.agents.enrolment import Enrolment, enrolled
from aldea.agents.operating.handler import Outcome, State, Tell
from aldea.agents.settings import AgentSettings
from aldea.agents.upgrading import telling, verifying
from aldea.agents.upgrading.building import build
from aldea.agents.upgrading.fetching import Fetcher, RangeReader, Source
from aldea.agents.upgrading.folder import Releases
from aldea.agents.upgrading.leaving import launcher_of
from aldea.agents.upgrading.progress import FetchTold
from aldea.agents.upgrading.settling import (
    DISK_PAUSE_SECONDS,
    LINK_PAUSE_SECONDS,
    Link,
    is_written,
    settled,
    until_due,
)
from aldea.agents.upgrading.state import TRIAL, Trial
from aldea.agents.upgrading.state import State as Kept
from aldea.model.messages import Command
from aldea.model.release import Manifest, ReleaseError
from aldea.model.settings import SettingsError

UNPACKED_TIMES = 6
"""A wheel of Python takes about so many times its size once it is unpacked, with room for the fetched file."""
SPARE_BYTES = 20_000_000
"""What must be left for the outbox and for whatever else writes."""


def free_bytes(folder: Path) -> int:
    """Return what this user may still write where `folder` is."""
    return shutil.disk_usage(folder).free


class Beside(Protocol):
    """Other things that are tried on this box."""

    def hold(self) -> bool:
        """Begin none of them from now on; False where one is under way, which then comes first."""
        ...

    def let_go(self) -> None:
        """They may begin again."""
        ...


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Carries out `upgrade` commands. `start_anew` asks the agent to end in order, so that the launcher takes over.

    A release is tried only while the server is heard over `link`: a trial without it would tell of the link alone. And
    it is tried alone: of settings from afar (`beside`) that are on trial at the same time it could not be told apart.
    A release that is still being fetched gives way to another one that was asked for since (`overtaken`, by the
    command's id): it may have waited for the month's bytes for weeks, and have been stopped meanwhile.
    """

    settings: AgentSettings
    budget: Budget
    own_version: str
    start_anew: Callable[[], None]
    link: Link
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    free: Callable[[Path], int] = free_bytes
    beside: Beside | None = None
    overtaken: Callable[[str], bool] = lambda _command: False
    kind: str = "upgrade"
    quick: bool = False
    resumes: bool = True

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        """Return how it ended: `done`, `failed`, or `rolled_back`. On the way it is not returned from, but ended."""
        releases = Releases(self.settings.data)
        state = await asyncio.to_thread(releases.read)
        tries = 0
        try:
            if state.trial is not None:
                await self._leave_to_launcher(releases, state, state.trial)
            elif state.outcome is not None and state.outcome.id == command.id:
                if (ended := await self._ended(releases, state, tell)) is not None:
                    return ended
                tries = 0 if state.doubt is None else state.doubt.tries
            return await self._upgrade(releases, command, tell, tries + 1)
        except verifying.NoKey as error:
            return telling.refused_release(error, "no_key")
        except ReleaseError as error:
            return telling.refused_release(error)
        except OSError as error:
            return telling.refused_release(telling.disk_error(error))

    async def _ended(self, releases: Releases, state: Kept, tell: Tell) -> Outcome | None:
        """Return what became of this command's trial, as soon as it is known; None when another try is due."""
        ended, doubt = state.outcome, state.doubt
        assert ended is not None
        if doubt is None:
            return telling.ended_trial(ended)
        state, verdict = await settled(releases, state, doubt, self.link)
        assert state.outcome is not None
        if verdict.is_over:
            return telling.ended_trial(state.outcome)
        await tell(State.RUNNING, telling.trying_again(ended, doubt))
        await until_due(doubt, self.link)
        return None

    async def _leave_to_launcher(self, releases: Releases, state: Kept, trial: Trial) -> None:
        """Wait to be ended by the launcher. Returns only where there is none: then nothing is on trial any more."""
        if trial.id != self.environ.get(TRIAL):
            if launcher_of(self.environ) is None:
                await asyncio.to_thread(releases.write, replace(state, trial=None))
                return
            # The launcher did not begin, since the disk took nothing: it is asked again once it does.
            while not await asyncio.to_thread(is_written, releases, state):
                await self.link.pause(DISK_PAUSE_SECONDS)
            await self.link.pause(DISK_PAUSE_SECONDS)
            self.start_anew()
        # On trial itself: the launcher ends it either way, and the next start knows more.
        await asyncio.Event().wait()

    async def _upgrade(self, releases: Releases, command: Command, tell: Tell, tries: int) -> Outcome:
        launcher = launcher_of(self.environ)
        if launcher is None:
            raise ReleaseError(
                "this agent was not started by its launcher, so it cannot be upgraded from afar: install it again",
                "este agente no arrancó con su lanzador, por eso no se puede actualizar a distancia: hay que "
                "instalarlo otra vez",
            )
        enrolment, key = await asyncio.to_thread(self._trusted)
        newest = (await asyncio.to_thread(releases.read)).newest
        manifest = await asyncio.to_thread(verifying.accepted, command.payload, key, self.own_version, newest)
        if manifest.version == self.own_version:
            return telling.runs_already(manifest.version)
        await asyncio.to_thread(
            verifying.forgive, releases, manifest.version, again=command.payload.get("again") is True
        )
        wheels = await self._fetch(releases, manifest, enrolment, command, tell)
        await tell(State.RUNNING, telling.step(manifest.version, "building", {}))
        words = launcher[launcher.index("aldea.agents.upgrading.launch") + 1 :]
        await build(releases, manifest, wheels, launcher[0], words)
        lowers = verifying.floor_of(manifest.version, self.own_version, newest) is not None
        broker = self.settings.broker
        trial = Trial(
            manifest.version,
            command.id,
            tries=tries,
            lowers=lowers,
            host=broker.host,
            port=broker.port,
            tls=broker.tls,
        )
        await self._hand_over(releases, trial, tell)
        return await asyncio.Future[Outcome]()  # never: the agent ends in order

    async def _fetch(
        self, releases: Releases, manifest: Manifest, enrolment: Enrolment, command: Command, tell: Tell
    ) -> list[Path]:
        if releases.is_whole(manifest.version):
            return []
        folder = releases.folder / f"{manifest.version}.fetched"
        await asyncio.to_thread(self._make_room, releases, manifest, folder)
        ca_file = None if enrolment.server_ca_file is None else self.settings.data / enrolment.server_ca_file
        reader = RangeReader(Source(enrolment.server, ca_file), self.budget.meter)
        told = FetchTold(manifest, tell, self.link.is_heard)
        rate = self.settings.upgrade.bytes_per_second

        def room(need_bytes: int) -> int | None:
            if self.overtaken(command.id):
                raise telling.overtaken(manifest.version)
            return self.budget.room_from(need_bytes)

        fetcher = Fetcher(reader, rate, room, told.progress, told.wait, told.stuck, self.link.pause)
        return await fetcher.fetch(manifest, folder)

    async def _hand_over(self, releases: Releases, trial: Trial, tell: Tell) -> None:
        await self.link.until_heard()
        while self.beside is not None and not self.beside.hold():
            await self.link.pause(LINK_PAUSE_SECONDS)
            await self.link.until_heard()
        try:
            await tell(State.RUNNING, telling.step(trial.version, "trying", {}))
            await asyncio.to_thread(releases.forget_heard)
            state = await asyncio.to_thread(releases.read)
            await asyncio.to_thread(releases.write, state.tried(trial))
        except BaseException:
            if self.beside is not None:
                self.beside.let_go()
            raise
        self.start_anew()

    def _trusted(self) -> tuple[Enrolment, str | None]:
        """Return the enrolment and the keys of releases."""
        if not self.settings.upgrade.enabled:
            raise ReleaseError(
                "agent.upgrade.enabled is false: this agent takes no releases from afar",
                "agent.upgrade.enabled es false: este agente no acepta versiones a distancia",
            )
        try:
            found = enrolled(self.settings.data)
        except SettingsError as error:
            raise ReleaseError(str(error)) from error
        if found is None:
            raise ReleaseError(
                "this agent was not enrolled with a code: it does not know where to fetch releases",
                "este agente no se inscribió con un código: no sabe de dónde descargar versiones",
            )
        path = self.settings.upgrade.key_file
        if path is None:
            return found, found.release_key
        try:
            return found, path.read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise ReleaseError(
                f"agent.upgrade.key_file {path} cannot be read: {error}",
                f"no se puede leer agent.upgrade.key_file {path}: {error}",
            ) from error

    def _make_room(self, releases: Releases, manifest: Manifest, folder: Path) -> None:
        """Remove what is left of other releases; refuse where the disk has no room for this one."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        releases.prune(releases.read(), folder.name, manifest.version)
        fetched = sum(path.stat().st_size for path in folder.iterdir())
        need = UNPACKED_TIMES * manifest.size_bytes + SPARE_BYTES - fetched
        free = self.free(folder)
        if free < need:
            raise ReleaseError(
                f"there are {free / 1e6:.0f} MB free on the device's disk and {need / 1e6:.0f} MB are needed",
                f"hay {free / 1e6:.0f} MB libres en el disco del equipo y hacen falta {need / 1e6:.0f} MB",
            )
