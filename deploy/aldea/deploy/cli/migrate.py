"""`aldea migrate`.

example:
  aldea migrate --register postgresql+psycopg://aldea@db/aldea
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.words import said, tell
from aldea.storage.register import RegisterError

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Bring the register's tables to this version."""
    with opened_register(arguments) as register:
        try:
            register.migrate()
        except RegisterError as error:
            raise CommandError(error) from error
        tell(said("%(register)s has this version's tables.", register=register), arguments)
    return OK
