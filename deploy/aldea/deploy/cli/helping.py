"""A command's help beside its options: what the module's docstring says below its first line, and `--lang`.

Paragraphs of prose are texts of the catalogue; of the examples, what explains them is, and the commands are not.
"""

from __future__ import annotations

import argparse
import re
import shutil
import textwrap
from gettext import gettext as _
from typing import TYPE_CHECKING

from aldea.agents.terminal import OPTION, add_language_option

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXPLAINED = re.compile(r"(?P<command>  \S.*?\s{2,})(?P<text>\S.*)")


def below(doc: str | None) -> list[str]:
    """Return the paragraphs of a docstring below its first line."""
    return (doc or "").strip().split("\n\n")[1:]


def texts_in(doc: str | None) -> Iterator[str]:
    """Yield the texts that the catalogue must have for a docstring."""
    for paragraph in below(doc):
        lines = paragraph.split("\n")
        if _are_examples(lines):
            yield from (found["text"] for found in map(_EXPLAINED.fullmatch, lines[1:]) if found)
        else:
            yield " ".join(lines)


def epilog(doc: str | None) -> str:
    """Return what stands below the options, in the language spoken now."""
    width = max(40, shutil.get_terminal_size().columns - 2)
    return "\n\n".join(_shown(paragraph.split("\n"), width) for paragraph in below(doc))


def add_language_everywhere(parser: argparse.ArgumentParser) -> None:
    """Declare `--lang` for a command and for each of its actions, where they have none yet."""
    if OPTION not in parser._option_string_actions:  # argparse offers no other way to ask
        add_language_option(parser)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below_it in {id(item): item for item in action.choices.values()}.values():
                add_language_everywhere(below_it)


def _are_examples(lines: list[str]) -> bool:
    return lines[0] in ("example:", "examples:")


def _shown(lines: list[str], width: int) -> str:
    if not _are_examples(lines):
        text = " ".join(lines)
        return textwrap.fill(_(text), width)
    head = _("example:") if lines[0] == "example:" else _("examples:")
    return "\n".join([head, *(_EXPLAINED.sub(_explained, line) for line in lines[1:])])


def _explained(found: re.Match[str]) -> str:
    command, text = found.groups()
    return f"{command}{_(text)}"
