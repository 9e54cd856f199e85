"""The `aldea` command. Each command is a module here, imported only when it is the one that was asked for."""

from aldea.deploy.cli.main import main

__all__ = ["main"]
