"""Where the register and the series store are, as every command is told: options, else the environment."""

from __future__ import annotations

import os
from contextlib import contextmanager
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.deploy.cli.main import CommandError
from aldea.storage.register import RegisterError, open_register

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from aldea.storage.register import Register


def data_folder() -> Path:
    """Return the data folder: `ALDEA_DATA`, else `data` here."""
    return Path(os.environ.get("ALDEA_DATA") or "data")


def default_register_url() -> str:
    """Return the register's address: `ALDEA_REGISTER_URL`, else the file in the data folder."""
    return os.environ.get("ALDEA_REGISTER_URL") or f"sqlite:///{data_folder().resolve() / 'register.db'}"


def default_series_url() -> str:
    """Return the series store's address: `ALDEA_SERIES_URL`, else the file in the data folder."""
    return os.environ.get("ALDEA_SERIES_URL") or f"sqlite:///{data_folder().resolve() / 'series.db'}"


def add_register_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--register`."""
    parser.add_argument(
        "--register",
        metavar="URL",
        help=_("sqlite:///FILE or postgresql+psycopg://… (ALDEA_REGISTER_URL; default: register.db in ALDEA_DATA)"),
    )


def add_series_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--series`."""
    parser.add_argument("--series", metavar="URL", help=_("the series store (ALDEA_SERIES_URL; default: series.db)"))


@contextmanager
def opened_register(arguments: argparse.Namespace) -> Iterator[Register]:
    """Yield the register that was named. Raises CommandError when it cannot be opened."""
    try:
        register = open_register(arguments.register or default_register_url())
    except RegisterError as error:
        raise CommandError(error) from error
    try:
        yield register
    finally:
        register.close()
