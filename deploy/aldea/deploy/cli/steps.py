"""A progress bar for work of a few long steps; on standard error, and only where a person looks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from aldea.deploy.words import in_language

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator


@contextmanager
def steps(
    title: str, arguments: argparse.Namespace, *, quiet: bool = False
) -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function that is told (steps done, steps in all, what is being done)."""
    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn(in_language(title, arguments.lang)),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=None)
        yield lambda done, total, what: shown.update(task, completed=done, total=total, description=what)
