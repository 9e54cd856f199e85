"""The outbox file's format: a release says which it writes, so that the one before can go on from there.

A new format takes two releases: the first reads it and writes the old one, the second writes it.
"""

OUTBOX_FORMAT = 1
"""What this version writes."""

READABLE_FORMATS = (1,)
"""What it can go on from."""
