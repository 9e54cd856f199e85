"""What can be set about the API and its pages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Settings of the API and the pages; the defaults serve one machine and some hundred sites.

    `demo_admin`: there are no accounts and everybody who reaches the page is its administrator, which is
    served on loopback only and said on every page. `time_zone` (IANA) is that of times which belong to no
    site. `public_url`: where people and devices reach the pages; None: where each page was asked for.
    `collector_stale_seconds`: a collector that has not reported for longer counts as gone;
    `commit_stale_seconds`: one that has committed nothing for longer counts as not delivering.
    """

    demo_admin: bool = False
    time_zone: str = "America/Mexico_City"
    public_url: str | None = None
    collector_stale_seconds: int = 60
    commit_stale_seconds: int = 900
    sites_per_page: int = 100
    stream_clients: int = 200
    stream_queue: int = 256
    poll_seconds: float = 0.5
    heartbeat_seconds: float = 15.0
