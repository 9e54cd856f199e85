"""What a person types so that nobody reads along, or pipes in."""

from __future__ import annotations

import getpass
import sys

from aldea.deploy.cli.main import CommandError
from aldea.deploy.words import in_language, said


def asked_secret(prompt: str, language: str, *, unequal: str = "") -> str:
    """Return what is typed unseen, or the first line of what is piped in.

    With `unequal`, what is typed is asked for twice. Raises CommandError, saying `unequal`, where the two differ.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    text = getpass.getpass(in_language(prompt, language))
    if unequal and getpass.getpass(in_language(said("The same again: "), language)) != text:
        raise CommandError(unequal)
    return text
