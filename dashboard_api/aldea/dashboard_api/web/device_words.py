"""Words of the page of a device: what was asked of it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping

from aldea.dashboard_api.charts.panels import N_
from aldea.storage.register.commands import CommandState

KINDS: Mapping[str, str] = {
    "test": N_("Test now"),
    "diagnostics": N_("Diagnostics"),
    "settings": N_("Settings"),
    "upgrade": N_("Upgrade"),
    "repair_answer": N_("Answer to a repair"),
    "record_returned": N_("Record returned"),
    "form": N_("Form"),
}

STATES: Mapping[CommandState, str] = {
    CommandState.WAITING: N_("Waiting"),
    CommandState.SENT: N_("Sent"),
    CommandState.ACCEPTED: N_("The box has it"),
    CommandState.RUNNING: N_("Under way"),
    CommandState.DONE: N_("Done"),
    CommandState.FAILED: N_("Did not work"),
    CommandState.ROLLED_BACK: N_("Taken back"),
    CommandState.EXPIRED: N_("Too late"),
    CommandState.CANCELLED: N_("Cancelled"),
}

LOOKS: Mapping[CommandState, str] = {
    CommandState.WAITING: "unknown",
    CommandState.SENT: "unknown",
    CommandState.ACCEPTED: "unknown",
    CommandState.RUNNING: "unknown",
    CommandState.DONE: "up",
    CommandState.FAILED: "down",
    CommandState.ROLLED_BACK: "suspect",
    CommandState.EXPIRED: "suspect",
    CommandState.CANCELLED: "off",
}
"""Which of the states' icons and colours stands beside it."""

REASONS: Mapping[str, str] = {
    "interrupted": N_("The box stopped while it was carrying this out. Ask for it again."),
    "kind": N_("The box has an older version that does not know this."),
    "fault": N_("A fault in the box's program; its log says more (ask for diagnostics)."),
    "probe": N_("This box has no such probe switched on."),
    "no_server": N_("No server to test the throughput with is set for this box."),
    "budget_spent": N_("What is kept for tests by hand is spent for this month."),
}
"""The agent's word for why → what a person reads. Whatever has no word here comes in the agent's own sentence."""

PROBE_WORDS: Mapping[str, str] = {
    "ping": N_("Reachability (ping)"),
    "dns": N_("Names (DNS)"),
    "http": N_("Web pages"),
    "throughput": N_("Speed of the link (uses bytes kept for tests by hand)"),
    "interfaces": N_("Network cards"),
    "host": N_("The machine itself"),
    "snmp": N_("Router and other equipment (SNMP)"),
    "clients": N_("Connected devices (a count)"),
    "power": N_("Power"),
    "budget": N_("Byte budget"),
}
