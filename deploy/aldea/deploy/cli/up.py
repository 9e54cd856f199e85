"""`aldea up`.

example:
  aldea up                              this machine as a site, and a simulated fleet beside it
  aldea up --no-demo                    without the simulated fleet; what it left is removed
  ALDEA_HTTP_PORT=8080 aldea up         on a port of your choice
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from aldea.agents.lock import AlreadyRunning
from aldea.collector.journal.schema import JournalError
from aldea.dashboard_api.server import CannotServe
from aldea.deploy.allinone.progress import HistoryProgress
from aldea.deploy.allinone.server import AllInOne
from aldea.deploy.allinone.settings import read_all
from aldea.deploy.broker.base import BrokerError
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.garbage import settle_garbage
from aldea.deploy.os_words import reason_of
from aldea.deploy.words import in_language, said
from aldea.model.clock import SystemClock
from aldea.model.series import StoreUnavailable
from aldea.storage.register import RegisterError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=_("settings, table [up] (default: aldea.toml)"))
    parser.add_argument("--no-demo", action="store_true", help=_("no simulated fleet; remove what it left"))
    parser.add_argument("--data", type=Path, metavar="FOLDER", help=_("where everything is kept (ALDEA_DATA)"))


def run(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM."""
    environ = dict(os.environ)
    if arguments.data is not None:
        environ["ALDEA_DATA"] = str(arguments.data)
    if arguments.no_demo:
        environ["ALDEA_DEMO"] = "false"
    everything = read_all(arguments.config, environ)
    settings = everything.up
    try:
        _log_to(settings.data / "logs")
    except OSError as error:
        raise CommandError(
            said("%(folder)s cannot be written (%(why)s): set ALDEA_DATA", folder=settings.data, why=reason_of(error))
        ) from error
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    console = Console(highlight=False)

    def show(text: str) -> None:
        console.print(in_language(text, arguments.lang))

    def ready() -> None:
        show(said("The simulated fleet is complete. Its sites are illustrative: no real village is shown."))

    progress = HistoryProgress(console, ready, arguments.lang)
    server = AllInOne(everything, SystemClock(), environ, show, progress.line, arguments.config)
    try:
        _serve(server, show, progress, stopped)
    except (AlreadyRunning, BrokerError, CannotServe, RegisterError, JournalError, StoreUnavailable) as error:
        raise CommandError(error) from error
    return OK


def _serve(server: AllInOne, show: Callable[[str], None], progress: HistoryProgress, stopped: threading.Event) -> None:
    server.start()
    settle_garbage()
    try:
        show("")
        show(said("Aldea is running: %(url)s", url=f"[bold]{server.url}[/bold]"))
        show(
            said(
                "This machine is the site “this-machine”; data in %(folder)s. Ctrl-C stops it.",
                folder=server.settings.data.resolve(),
            )
        )
        stopped.wait()
    finally:
        progress.close()
        show(said("Stopping …"))
        server.stop()
    show(said("Stopped."))


def _log_to(folder: Path) -> None:
    """Keep the log in a file: the terminal is for the person."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(folder / "aldea.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
