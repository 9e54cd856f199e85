"""Words of the page of a device: what was asked of it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping

from aldea.dashboard_api.charts.panels import N_
from aldea.storage.register.commands import CommandState
from aldea.storage.register.returned_documents import Why

KINDS: Mapping[str, str] = {
    "test": N_("Test now"),
    "diagnostics": N_("Diagnostics"),
    "settings": N_("Settings"),
    "upgrade": N_("Upgrade"),
    "repair_answer": N_("Answer to a repair"),
    "record_returned": N_("Record returned"),
    "form": N_("Form"),
    "programmes": N_("Dates of programmes"),
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

NOT_TAKEN: Mapping[Why | None, str] = {
    Why.UNREADABLE: N_("It is not written as its kind of row is."),
    Why.UNKNOWN: N_("It speaks of a site, a device or a command that is not registered here."),
    Why.REFUSED: N_("The register has a reason against it."),
    Why.UNKNOWN_KIND: N_("This server does not know this kind of row: the box's program is newer."),
    Why.FAULT: N_("The server's own program stumbled over it."),
    None: N_("It was not taken."),
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

PARTS: Mapping[str, str] = {
    "versions": N_("Versions"),
    "boot": N_("Start and clock"),
    "host": N_("Machine"),
    "outbox": N_("Outbox"),
    "budget": N_("Byte budget"),
    "route": N_("Way to the Internet"),
    "probes": N_("Probes"),
    "interfaces": N_("Network cards"),
    "dead_letters": N_("Rows the server refused"),
    "log": N_("Newest lines of the log"),
}
"""The parts of diagnostics, in order."""

NAMES: Mapping[str, str] = {
    "agent": N_("Agent"),
    "system": N_("System"),
    "kernel": N_("Kernel"),
    "machine": N_("Processor"),
    "uptime_seconds": N_("Running for"),
    "clock": N_("Clock"),
    "wall_ms": N_("The box's own time"),
    "known_time_ms": N_("Time by the server"),
    "boots_counted": N_("Starts counted"),
    "online": N_("Connected"),
    "waiting_rows": N_("Rows waiting"),
    "refused_rows": N_("Rows refused"),
    "used_bytes": N_("Size on disk"),
    "agent_bytes": N_("Memory of the agent"),
    "disk_free_bytes": N_("Disk free"),
    "disk_used_ratio": N_("Disk used"),
    "memory_total_bytes": N_("Memory"),
    "memory_used_ratio": N_("Memory used"),
    "temperature_celsius": N_("Temperature (°C)"),
    "load1": N_("Load"),
    "gateway": N_("Router"),
    "interface": N_("Network card"),
    "month": N_("Month"),
    "planned_bytes": N_("Planned"),
    "spent_bytes": N_("Spent"),
    "forecast_bytes": N_("Expected at the end"),
    "tests_bytes": N_("Of it tests"),
    "hand_bytes": N_("Of it tests by hand"),
    "telemetry_bytes": N_("Of it readings"),
    "problem": N_("Problem"),
    "every_seconds": N_("Every"),
    "running": N_("Under way"),
    "readings": N_("Readings"),
    "last_seconds_ago": N_("The last one, how long ago"),
    "failures": N_("Failures"),
    "failed_seconds_ago": N_("The last failure, how long ago"),
    "up": N_("Up"),
    "rx_bytes_total": N_("Received"),
    "tx_bytes_total": N_("Sent"),
    "reason": N_("Why"),
}
"""What stands in them, as people call it; other names are shown as they are."""
