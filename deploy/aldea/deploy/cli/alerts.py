"""`aldea alerts`.

Settled truth, alert rules, notifications, indicators, and the server's periodic work. Run as many as you like on one
register: one works, the others stand by. Settings come from the table [alerts] of aldea.toml and from ALDEA_*.

example:
  ALDEA_DATA=/var/lib/aldea aldea alerts --config /etc/aldea/aldea.toml
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.alert_rules.loading import RulesError
from aldea.alert_rules.settings import read_settings
from aldea.alert_rules.shipped import rules_of
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_series_option, default_series_url
from aldea.deploy.garbage import settle_garbage
from aldea.deploy.judging.judging import Judging
from aldea.deploy.judging.upkeep import UpkeepPlan
from aldea.model.clock import SystemClock
from aldea.model.series import StoreUnavailable
from aldea.storage.register import RegisterError, open_register
from aldea.storage.series import open_series_store

if TYPE_CHECKING:
    import argparse

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=_("settings, table [alerts] (default: aldea.toml)"))
    add_series_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C."""
    settings = read_settings(arguments.config, os.environ)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    try:
        rules = rules_of(settings.rules)
        register = open_register(settings.register)
        register.migrate()
        store = open_series_store(arguments.series or default_series_url())
    except (RegisterError, StoreUnavailable, RulesError, ValueError) as error:
        raise CommandError(error) from error
    judging = Judging(register, store, SystemClock(), settings, rules, UpkeepPlan())
    judging.start()
    settle_garbage()
    log.info("judging, with %d rules", len(rules.rules))
    asked.wait()
    log.info("stopping")
    judging.stop()
    store.close()
    register.close()
    return OK
