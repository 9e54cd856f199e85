"""Where a redirect leads: a portal sends people to itself, a server that is encrypted by now to its own address."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def leads_to_own_https(url: SplitResult, location: str | None) -> bool:
    """Say whether a redirect of `url` leads to the same host by https, which no portal can speak for."""
    try:
        there = urlsplit(location or "")
    except ValueError:
        return False
    return there.scheme == "https" and url.scheme == "http" and there.hostname == url.hostname
