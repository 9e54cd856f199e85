"""What several commands say of sites."""

from __future__ import annotations

from aldea.deploy.words import said


def no_such_site(site: str) -> str:
    """Return that there is no such site, and where all are shown."""
    return said("there is no site %(site)s; aldea site list shows them all", site=repr(site))
