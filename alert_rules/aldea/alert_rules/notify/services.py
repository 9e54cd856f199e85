"""Apprise, loaded the way we need it: quietly, and only when a channel first needs it.

Some of its hundred plugins import modules that Python has declared old; that is not our user's business.
"""

from __future__ import annotations

import warnings
from functools import cache

import apprise
from apprise.plugins import N_MGR


@cache
def load_services() -> None:
    """Load every plugin, once: about a second of work."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        N_MGR.load_modules()  # type: ignore[no-untyped-call]  # the library does not declare it


def knows(scheme: str) -> bool:
    """Return whether there is a service for the first part of a URL."""
    load_services()
    return scheme in N_MGR


def service_of(url: str) -> apprise.NotifyBase | None:
    """Return the service that an Apprise URL names, None when the URL can't be used."""
    load_services()
    return apprise.Apprise.instantiate(url)
