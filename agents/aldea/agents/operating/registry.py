"""The kinds of commands this agent knows. To add one: a file with a handler, and a line and a function here."""

# ruff: noqa: PLC0415 - a handler is loaded when its first command comes

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aldea.agents.operating.later import Later

if TYPE_CHECKING:
    from aldea.agents.operating.handler import Handler
    from aldea.agents.operating.toolbox import Toolbox


def handlers(tools: Toolbox) -> tuple[Handler, ...]:
    """Return a handler for each kind."""
    return (
        Later("test", partial(_probe_now, tools), quick=False, resumes=False),
        Later("diagnostics", partial(_diagnostics, tools), quick=True, resumes=False),
        Later("repair_answer", partial(_repair_answer, tools), quick=True, resumes=True),
        Later("settings", partial(_settings, tools), quick=True, resumes=True),
        Later("upgrade", partial(_upgrade, tools), quick=False, resumes=True),
        *_of_records(tools),
    )


def _probe_now(tools: Toolbox) -> Handler:
    from aldea.agents.operating.probe_now import ProbeNow

    return ProbeNow(tools.settings, tools.runner, tools.context)


def _diagnostics(tools: Toolbox) -> Handler:
    from aldea.agents.operating.diagnostics import Diagnostics

    return Diagnostics(tools)


def _repair_answer(tools: Toolbox) -> Handler:
    from aldea.agents.operating.repair_answer import RepairAnswer

    return RepairAnswer(tools.settings.data)


def _settings(tools: Toolbox) -> Handler:
    from aldea.agents.overlay.handler import SettingsFromAfar

    return SettingsFromAfar(tools.desk, tools.start_anew)


def _upgrade(tools: Toolbox) -> Handler:
    from aldea.agents.machine import boot_id
    from aldea.agents.operating.kept import KeptCommands
    from aldea.agents.probes.budget import budget_of
    from aldea.agents.upgrading.handler import Upgrade
    from aldea.agents.upgrading.settling import Link

    budget = budget_of(tools.settings, tools.context)
    # The kernel's own id of this boot, as the launcher has it: it does not know the short one.
    link = Link(tools.is_heard, tools.context.clock, boot_id())
    overtaken = KeptCommands(tools.settings.data).is_overtaken
    version = tools.machine.version
    return Upgrade(tools.settings, budget, version, tools.start_anew, link, beside=tools.desk, overtaken=overtaken)


def _of_records(tools: Toolbox) -> tuple[Handler, ...]:
    if tools.records is None:
        return ()
    from aldea.agents.records.handlers import record_handlers

    return record_handlers(tools.records)
