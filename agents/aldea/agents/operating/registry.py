"""The kinds of commands this agent knows. To add one: a file with a handler, and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.agents.operating.diagnostics import Diagnostics
from aldea.agents.operating.probe_now import ProbeNow
from aldea.agents.operating.repair_answer import RepairAnswer
from aldea.agents.overlay.handler import SettingsFromAfar
from aldea.agents.probes.budget import budget_of
from aldea.agents.upgrading.handler import Upgrade

if TYPE_CHECKING:
    from aldea.agents.operating.handler import Handler
    from aldea.agents.operating.toolbox import Toolbox


def handlers(tools: Toolbox) -> tuple[Handler, ...]:
    """Return a handler for each kind."""
    return (
        ProbeNow(tools.settings, tools.runner, tools.context),
        Diagnostics(tools),
        RepairAnswer(tools.settings.data),
        SettingsFromAfar(tools.desk, tools.start_anew),
        Upgrade(
            tools.settings,
            budget_of(tools.settings, tools.context),
            tools.machine.version,
            tools.start_anew,
            tools.is_online,
        ),
        *_of_records(tools),
    )


def _of_records(tools: Toolbox) -> tuple[Handler, ...]:
    if tools.records is None:
        return ()
    from aldea.agents.records.handlers import record_handlers  # noqa: PLC0415 - with the forms, where they are used

    return record_handlers(tools.records)
