"""The settings of `[agent.upgrade]`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from aldea.model.settings import about


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeSettings:
    """`[agent.upgrade]`: releases from afar."""

    enabled: bool = field(default=True, metadata=about("take them at all"))
    key_file: Path | None = field(
        default=None,
        metadata=about(
            "public keys (PEM) of those who may sign releases; unset: as enrolled", env="ALDEA_RELEASE_KEY_FILE"
        ),
    )
    bytes_per_second: int = field(
        default=32_000, metadata=about("fetch no faster: the link is there for people", minimum=1_000)
    )
