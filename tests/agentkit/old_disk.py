"""An old box's disk, a new box, and the command that brings the one into the other."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from agentkit.making import OTHER_BOOT, ping
from aldea.agents.machine import hardware_id
from aldea.agents.outbox import Machine, Outbox
from aldea.agents.settings import AgentSettings, agent_settings
from aldea.agents.take_over import take_over
from aldea.model.wire import Anchor

if TYPE_CHECKING:
    from pathlib import Path

OWNER = "isla/agent"


def old_disk(folder: Path, owner: str = OWNER, rows: int = 7) -> Path:
    """The data folder of a box that died while it ran: its log is still beside the file."""
    with_log = folder.with_name(f"{folder.name}-running")
    box = Outbox(with_log, Machine("dead", OTHER_BOOT, "0.1", owner=owner), 1_000)
    box.set_anchor(Anchor(1_000, 1_790_000_000_000, 50, "ntp"))
    for number in range(rows):
        box.append([ping(number)], 60_000 * (number + 1))
    shutil.copytree(with_log, folder)
    box.close()
    shutil.rmtree(with_log)
    assert (folder / "outbox.sqlite-wal").stat().st_size > 0
    return folder


def new_box(folder: Path) -> tuple[AgentSettings, Outbox]:
    """This box, whose agent is running."""
    settings = agent_settings({"agent": {"site": "isla", "data": str(folder)}}, {})
    box = Outbox(folder, Machine(hardware_id() or "", "b0" * 16, "0.1", owner=OWNER), 1_000)
    return settings, box


def bring(settings: AgentSettings, given: Path, *, agree: bool = True, site: str | None = None) -> tuple[bool, str]:
    """Take over what is given; return whether it went well, and all that was said, in English."""
    said: list[str] = []
    went_well = take_over(settings, given, lambda words: said.append(words.in_("en")), lambda: agree, site)
    return went_well, " ".join(said)


def contents(folder: Path) -> dict[str, str]:
    """Return each file of a folder with the hash of its bytes."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
