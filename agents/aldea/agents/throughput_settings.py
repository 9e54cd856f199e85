"""The settings of `[agent.throughput]` and `[agent.budget]`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from aldea.model.checks import a_url, a_zone
from aldea.model.said import Said
from aldea.model.settings import about

_LOOKS_SECONDS = 45.0
"""What looking at the router's counters around a test may take, where the router is slow."""

_WINDOW = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def window_minutes(text: str) -> tuple[int, int]:
    """Return the minutes since midnight of `18:00-23:00`. Raises ValueError when it is none."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError(text)
    hours = [int(part) for part in found.groups()]
    first, last = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if not first < last <= 1440:
        raise ValueError(text)
    return first, last


def _windows(items: tuple[str, ...]) -> str | None:
    try:
        for item in items:
            window_minutes(item)
    except (ValueError, TypeError):
        return Said('windows of one day such as "18:00-23:00"', 'ventanas de un día, como "18:00-23:00"')
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputSettings:
    """`[agent.throughput]`: how fast the link is. Nothing is tested without a server."""

    enabled: bool = field(default=True, metadata=about("measure it at all"))
    every_seconds: float = field(
        default=60.0, metadata=about("how often to look whether the budget has a test due", minimum=60, maximum=600)
    )
    server: str | None = field(
        default=None, metadata=about("an Aldea server's address: it serves and takes the tests", check=a_url)
    )
    download_url: str | None = field(
        default=None, metadata=about("instead: an object to get; {bytes} in it becomes the size", check=a_url)
    )
    upload_url: str | None = field(default=None, metadata=about("instead: an address that takes a POST", check=a_url))
    iperf3_host: str | None = field(default=None, metadata=about("instead: a server of the program iperf3"))
    iperf3_port: int = field(default=5201, metadata=about("its port", minimum=1, maximum=65535))
    ca_file: Path | None = field(default=None, metadata=about("trust this authority instead of the system's"))
    flows: int = field(default=4, metadata=about("parallel connections", minimum=1, maximum=16))
    max_seconds: float = field(default=12.0, metadata=about("longest time for a direction", minimum=1, maximum=15))
    connect_seconds: float = field(default=5.0, metadata=about("wait for a connection", minimum=0.1, maximum=10))
    full_bytes: int = field(default=20_000_000, metadata=about("a full test costs no more", minimum=500_000))
    short_bytes: int = field(default=6_000_000, metadata=about("a short test costs no more", minimum=300_000))
    small_bytes: int = field(default=1_000_000, metadata=about("a small test costs no more", minimum=100_000))
    upload_ratio: float = field(default=0.2, metadata=about("the upload's part of a test", minimum=0, maximum=1))
    busy_bits_per_second: int = field(
        default=500_000, metadata=about("people use the link when it carries more than this", minimum=0)
    )

    def __post_init__(self) -> None:
        if not self.full_bytes >= self.short_bytes >= self.small_bytes:
            raise ValueError(
                Said(
                    "needs full_bytes >= short_bytes >= small_bytes",
                    "necesita full_bytes >= short_bytes >= small_bytes",
                )
            )
        if self.iperf3_host is not None and (self.server or self.download_url or self.upload_url):
            raise ValueError(
                Said(
                    "has an iperf3_host and an HTTP server; set one of them",
                    "tiene iperf3_host y un servidor HTTP; se pone uno de los dos",
                )
            )

    @property
    def down_url(self) -> str | None:
        """Where to download from by HTTP."""
        if self.download_url is not None or self.server is None:
            return self.download_url
        return f"{self.server.rstrip('/')}/api/v1/throughput/{{bytes}}"

    @property
    def up_url(self) -> str | None:
        """Where to upload to by HTTP."""
        if self.upload_url is not None or self.server is None:
            return self.upload_url
        return f"{self.server.rstrip('/')}/api/v1/throughput"

    @property
    def longest_seconds(self) -> float:
        """After this long a test is given up: both directions over a slow satellite have ended by themselves."""
        return 2 * (2 * self.connect_seconds + self.max_seconds) + _LOOKS_SECONDS

    @property
    def has_server(self) -> bool:
        """Whether there is anything to test against."""
        return any((self.down_url, self.up_url, self.iperf3_host))


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings:
    """`[agent.budget]`: what the agent may spend of the link, tests and telemetry together."""

    enabled: bool = field(default=True, metadata=about("report it"))
    every_seconds: float = field(default=3600.0, metadata=about("time between reports", minimum=60, maximum=86_400))
    monthly_bytes: int = field(
        default=1_000_000_000, metadata=about("for tests and telemetry in a month", minimum=1_000_000)
    )
    hand_ratio: float = field(default=0.1, metadata=about("kept for tests by hand", minimum=0, maximum=1))
    timezone: str | None = field(
        default=None,
        metadata=about("where months are cut (IANA); unset: as for clients", check=a_zone),
    )
    peak_hours: tuple[str, ...] = field(
        default=("18:00-23:00",), metadata=about("when most people are on the link, local time", check=_windows)
    )
