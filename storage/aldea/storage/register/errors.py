"""What the register raises, so that callers need not know the database library."""

from __future__ import annotations

from aldea.model.said import Said


class RegisterError(Exception):
    """Something about the register or the request is wrong; the sentence says what and how to mend it."""

    def __init__(self, sentence: Said) -> None:
        super().__init__(sentence)


class RegisterUnavailableError(RegisterError):
    """The database could not do it now (away, locked, deadlocked); try the same transaction again."""


class RegisterConflictError(RegisterError):
    """What was asked for contradicts what the register holds, for instance an id that is taken."""


class RegisterValueError(RegisterError):
    """A value is one that no database keeps: a number without end, half a character."""


class UnknownEntryError(RegisterError):
    """The site, device or other entry that was named is not in the register."""
