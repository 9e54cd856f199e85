"""`aldea start-for-real`.

The simulated fleet leaves for good: its sites, what they measured, their incidents and records. Real sites stay.
Where `aldea up` runs on the data folder it does the work, and this waits for it.

example:
  aldea start-for-real --yes
"""

from __future__ import annotations

import sys
import time
from gettext import gettext as _
from typing import TYPE_CHECKING

from aldea.agents.lock import AlreadyRunning, FolderLock
from aldea.deploy.cli.main import FAILED, OK, CommandError
from aldea.deploy.cli.places import (
    add_register_option,
    add_series_option,
    data_folder,
    default_series_url,
    opened_register,
)
from aldea.deploy.realstart.leaving import leave
from aldea.deploy.words import in_language, said, tell
from aldea.model.clock import SystemClock
from aldea.model.series import StoreUnavailable
from aldea.storage.register import RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.real_start import Phase, ask, note, read_wish
from aldea.storage.register.sites import count_sites
from aldea.storage.series import open_series_store

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register

WAIT_SECONDS = 600.0
UNHEARD_SECONDS = 15.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    add_series_option(parser)
    parser.add_argument("--yes", action="store_true", help=_("don't ask"))


def run(arguments: argparse.Namespace) -> int:
    """Send the simulated fleet away."""
    with opened_register(arguments) as register:
        try:
            register.check()
            with register.reading() as unit:
                simulated = count_sites(unit, simulated=True)
            if not arguments.yes and not _confirmed(simulated, arguments):
                tell(said("Nothing was changed."), arguments)
                return FAILED
            return _start(register, arguments)
        except RegisterError as error:
            raise CommandError(error) from error


def _confirmed(simulated: int, arguments: argparse.Namespace) -> bool:
    if not sys.stdin.isatty():
        raise CommandError(said("this asks before it removes anything: answer with --yes where nobody can type"))
    tell(
        said("%(count)s simulated sites and all of theirs are removed for good. Real sites stay.", count=simulated),
        arguments,
    )
    return input(in_language(said("Type start: "), arguments.lang)).strip() == "start"


def _start(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        ask(unit, "command line", now)
        audit(unit, None, "started_for_real", "instance", {"by": "command line"}, now)
    try:
        lock = FolderLock(data_folder(), "aldea")
    except AlreadyRunning:
        return _wait(register, arguments)
    try:
        return _here(register, arguments)
    finally:
        lock.release()


def _here(register: Register, arguments: argparse.Namespace) -> int:
    try:
        series = open_series_store(arguments.series or default_series_url())
    except (StoreUnavailable, ValueError) as error:
        raise CommandError(error) from error
    try:
        removed = leave(register, series, data_folder() / "simulator", lambda *_: None)
        note(register, Phase.DONE, removed, removed)
    except StoreUnavailable as error:  # the wish stands: once more goes on with what is left
        raise CommandError(error) from error
    finally:
        series.close()
    tell(said("The %(count)s simulated sites have left.", count=removed), arguments)
    return OK


def _wait(register: Register, arguments: argparse.Namespace) -> int:
    shown: Phase | None = None
    clock = SystemClock()
    began = clock.mono_ms()
    while (waited := (clock.mono_ms() - began) / 1000) < WAIT_SECONDS:
        with register.reading() as unit:
            wish = read_wish(unit)
        assert wish is not None
        if wish.phase is not shown:
            shown = wish.phase
            print(f"{shown.value} …" if not wish.is_over else shown.value, flush=True)
        if wish.phase is Phase.DONE:
            tell(said("The %(count)s simulated sites have left.", count=wish.done), arguments)
            return OK
        if wish.phase is Phase.FAILED:
            raise CommandError(
                said("it did not work (%(why)s): look at the log, then run this again", why=wish.sentence)
            )
        if wish.phase is Phase.ASKED and waited > UNHEARD_SECONDS:
            raise CommandError(said("the server that uses this folder does not answer: is its ALDEA_DATA the same?"))
        time.sleep(0.2)
    raise CommandError(said("it takes longer than 10 minutes: look at the page /admin/start-for-real"))
