"""What the agent says of itself."""

from __future__ import annotations

from aldea.model.catalogue.kinds import Field, Kind, Measurement, count, size, text

OWN = (
    Measurement(
        "agent",
        "The agent itself",
        (),
        (
            size("rss_bytes", "Resident memory"),
            Field("cpu_seconds_total", Kind.REAL, "Processor time", "s", 2, 0, 4_000_000_000),
            count("outbox_rows", "Rows waiting"),
            size("outbox_bytes", "Outbox size"),
            count("dead_letter_rows", "Rows the server refused"),
        ),
    ),
    Measurement(
        "boot",
        "Start of the agent",
        (),
        (
            text("kind", "Kind of start"),
            text("previous_boot_id", "Boot before"),
            Field("clean", Kind.FLAG, "Stopped in order before"),
            Field("silent_seconds", Kind.REAL, "Silence before this start", "s", 0, 0, 4_000_000_000),
            text("version", "Version"),
            text("outbox", "Outbox at the start"),
            text("cause", "Why the agent was not running"),
            text("previous_version", "Version before"),
            text("clock", "Clock state at the start"),
            text("restarted", "Restarted with the machine"),
            text("kept_running", "Kept running meanwhile"),
        ),
    ),
    Measurement(
        "tombstone",
        "Rows dropped before delivery",
        (),
        (
            count("first_seq", "First seq"),
            count("last_seq", "Last seq"),
            count("count", "Rows"),
            text("reason", "Reason"),
            text("epoch", "Epoch, if another"),
        ),
    ),
    Measurement(
        "not_recorded",
        "Measurements that could not be stored",
        (),
        (
            Field("from_mono_ms", Kind.INTEGER, "From, since boot", "ms", 0, 0, 2**53),
            Field("to_mono_ms", Kind.INTEGER, "To, since boot", "ms", 0, 0, 2**53),
            text("boot_id", "Boot"),
            count("count", "Rows"),
            text("reason", "Reason"),
        ),
    ),
)
