"""Why the system refuses to read or write, in both languages."""

from __future__ import annotations

from aldea.deploy.words import N_, said

USUAL = (
    N_("No such file or directory"),
    N_("Permission denied"),
    N_("Is a directory"),
    N_("Not a directory"),
    N_("File exists"),
    N_("No space left on device"),
    N_("Read-only file system"),
    N_("Input/output error"),
    N_("File name too long"),
    N_("Address already in use"),
    N_("Connection refused"),
)
"""The system's own words for what usually stands in the way. It says others in English alone."""


def reason_of(error: OSError) -> str:
    """Return why something failed, without the file's name."""
    reason = error.strerror or str(error)
    return said(reason) if reason in USUAL else reason
