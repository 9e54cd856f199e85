"""The measurement catalogue: every measurement and field by name, unit, resolution and valid range.

Agents round to `decimals` before sending, the collector checks `minimum` and `maximum`, the pages take
titles from here. A field from a newer agent that is not listed is kept as it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What kind of value a field holds."""

    REAL = "real"
    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a measurement. `decimals` is the resolution kept on the wire and in stores (REAL only)."""

    name: str
    kind: Kind
    title: str
    unit: str = ""
    decimals: int = 0
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement: its tags and fields, as in InfluxDB. `titles` of the whole are for people."""

    name: str
    title: str
    tags: tuple[str, ...]
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Return the field called `name`, or None when the catalogue does not list it."""
        return next((item for item in self.fields if item.name == name), None)


def _seconds(name: str, title: str, maximum: float = 120.0, decimals: int = 5) -> Field:
    return Field(name, Kind.REAL, title, "s", decimals, 0, maximum)


def _count(name: str, title: str, maximum: float | None = None) -> Field:
    return Field(name, Kind.INTEGER, title, "", 0, 0, maximum)


def _bytes(name: str, title: str) -> Field:
    return Field(name, Kind.INTEGER, title, "B", 0, 0, 2**62)


def _rate(name: str, title: str) -> Field:
    return Field(name, Kind.INTEGER, title, "bit/s", 0, 0, 10**12)


def _ratio(name: str, title: str) -> Field:
    return Field(name, Kind.REAL, title, "ratio", 4, 0, 1)


def _text(name: str, title: str) -> Field:
    return Field(name, Kind.TEXT, title)


FAILURE = _text("failure", "Failure")

CATALOGUE: dict[str, Measurement] = {
    item.name: item
    for item in (
        Measurement(
            "ping",
            "Reachability",
            ("target", "role"),
            (
                _count("sent", "Packets sent", 10_000),
                _count("received", "Packets received", 10_000),
                _ratio("loss_ratio", "Packet loss"),
                _seconds("rtt_min_seconds", "Shortest round trip"),
                _seconds("rtt_avg_seconds", "Mean round trip"),
                _seconds("rtt_max_seconds", "Longest round trip"),
                _text("method", "Method"),
                FAILURE,
            ),
        ),
        Measurement(
            "dns",
            "Name resolution",
            ("target", "server"),
            (_seconds("duration_seconds", "Time to answer"), _count("answers", "Answers", 10_000), FAILURE),
        ),
        Measurement(
            "http",
            "Web access",
            ("target",),
            (
                _count("status_code", "Status code", 999),
                _seconds("connect_seconds", "Time to connect"),
                _seconds("tls_seconds", "TLS handshake"),
                _seconds("first_byte_seconds", "Time to first byte"),
                _seconds("duration_seconds", "Time to complete"),
                _bytes("body_bytes", "Size of the answer"),
                FAILURE,
            ),
        ),
        Measurement(
            "interfaces",
            "Network interface",
            ("interface",),
            (
                _bytes("rx_bytes_total", "Received, counter"),
                _bytes("tx_bytes_total", "Sent, counter"),
                _bytes("rx_bytes", "Received in the interval"),
                _bytes("tx_bytes", "Sent in the interval"),
                Field("interval_seconds", Kind.REAL, "Length of the interval", "s", 3, 0, 10_000_000),
                Field("up", Kind.FLAG, "Interface is up"),
                Field("counter_reset", Kind.FLAG, "Counter was reset"),
                FAILURE,
            ),
        ),
        Measurement(
            "host",
            "The agent's machine",
            (),
            (
                Field("uptime_seconds", Kind.INTEGER, "Time since boot", "s", 0, 0, 4_000_000_000),
                Field("load1", Kind.REAL, "Load (1 minute)", "", 2, 0, 100_000),
                _ratio("memory_used_ratio", "Memory in use"),
                _bytes("memory_total_bytes", "Memory"),
                _ratio("disk_used_ratio", "Disk in use"),
                _bytes("disk_free_bytes", "Disk free"),
                Field("temperature_celsius", Kind.REAL, "Temperature", "°C", 1, -100, 200),
                _text("clock", "Clock state"),
                FAILURE,
            ),
        ),
        Measurement(
            "snmp",
            "The site's router (SNMP)",
            ("target", "interface"),
            (
                Field("uptime_seconds", Kind.INTEGER, "Router's time since boot", "s", 0, 0, 4_000_000_000),
                _bytes("rx_bytes_total", "WAN received, counter"),
                _bytes("tx_bytes_total", "WAN sent, counter"),
                _bytes("rx_bytes", "WAN received in the interval"),
                _bytes("tx_bytes", "WAN sent in the interval"),
                Field("interval_seconds", Kind.REAL, "Length of the interval", "s", 3, 0, 10_000_000),
                Field("up", Kind.FLAG, "WAN interface is up"),
                Field("counter_reset", Kind.FLAG, "Counter was reset"),
                _count("clients", "Connected devices", 100_000),
                Field("restarted", Kind.FLAG, "Router restarted since the round before"),
                FAILURE,
            ),
        ),
        Measurement(
            "snmp_interfaces",
            "Further interfaces of the router (SNMP)",
            ("target", "interface"),
            (
                _bytes("rx_bytes_total", "Received, counter"),
                _bytes("tx_bytes_total", "Sent, counter"),
                _bytes("rx_bytes", "Received in the interval"),
                _bytes("tx_bytes", "Sent in the interval"),
                Field("interval_seconds", Kind.REAL, "Length of the interval", "s", 3, 0, 10_000_000),
                Field("up", Kind.FLAG, "Interface is up"),
                Field("counter_reset", Kind.FLAG, "Counter was reset"),
                FAILURE,
            ),
        ),
        Measurement(
            "power",
            "Mains power and batteries",
            ("source",),
            (
                Field("on_battery", Kind.FLAG, "Running on battery"),
                Field("mains", Kind.FLAG, "Mains power is there"),
                Field("battery_low", Kind.FLAG, "Battery is low"),
                _ratio("battery_charge_ratio", "Battery charge"),
                Field("battery_voltage_volts", Kind.REAL, "Battery voltage", "V", 2, 0, 1_000),
                Field("input_voltage_volts", Kind.REAL, "Input voltage", "V", 1, 0, 1_000),
                Field("runtime_seconds", Kind.INTEGER, "Time the battery lasts", "s", 0, 0, 10_000_000),
                Field("on_battery_seconds", Kind.INTEGER, "Time on battery", "s", 0, 0, 10_000_000),
                Field("uptime_seconds", Kind.INTEGER, "UPS's time since its start", "s", 0, 0, 4_000_000_000),
                FAILURE,
            ),
        ),
        Measurement(
            "clients",
            "Connected devices",
            ("source",),
            (
                _count("associated", "Connected now", 100_000),
                _count("unique_today", "Distinct devices today", 1_000_000),
                _text("day", "Local day"),
                Field("covered_seconds", Kind.REAL, "Time of the day observed", "s", 0, 0, 100_000),
                Field("restarted", Kind.FLAG, "Counting began anew during the day"),
                FAILURE,
            ),
        ),
        Measurement(
            "throughput",
            "Speed of the link",
            ("direction",),
            (
                _rate("rate_bits_per_second", "Speed measured"),
                _rate("cross_bits_per_second", "Other traffic meanwhile"),
                _rate("link_bits_per_second", "Speed and other traffic"),
                _bytes("body_bytes", "Bytes carried"),
                _bytes("spent_bytes", "Bytes spent"),
                _seconds("duration_seconds", "Length of the test", decimals=3),
                _count("flows", "Parallel connections", 100),
                Field("censored", Kind.FLAG, "Ended before it was steady"),
                _text("size", "Size of the test"),
                Field("by_hand", Kind.FLAG, "Asked for by a person"),
                _text("method", "Method"),
                FAILURE,
            ),
        ),
        Measurement(
            "budget",
            "The month's bytes",
            (),
            (
                _text("month", "Month"),
                _bytes("planned_bytes", "Budget of the month"),
                _bytes("spent_bytes", "Spent this month"),
                _bytes("tests_bytes", "Spent on tests"),
                _bytes("hand_bytes", "Spent on tests by hand"),
                _bytes("telemetry_bytes", "Spent on measuring and reporting"),
                _bytes("forecast_bytes", "Expected by the month's end"),
                _count("tests", "Tests this month", 1_000_000),
                _count("peak_tests", "Valid tests in the peak hours", 1_000_000),
                _text("rung", "Size of the next test"),
                FAILURE,
            ),
        ),
        Measurement(
            "agent",
            "The agent itself",
            (),
            (
                _bytes("rss_bytes", "Resident memory"),
                Field("cpu_seconds_total", Kind.REAL, "Processor time", "s", 2, 0, 4_000_000_000),
                _count("outbox_rows", "Rows waiting"),
                _bytes("outbox_bytes", "Outbox size"),
                _count("dead_letter_rows", "Rows the server refused"),
            ),
        ),
        Measurement(
            "boot",
            "Start of the agent",
            (),
            (
                _text("kind", "Kind of start"),
                _text("previous_boot_id", "Boot before"),
                Field("clean", Kind.FLAG, "Stopped in order before"),
                Field("silent_seconds", Kind.REAL, "Silence before this start", "s", 0, 0, 4_000_000_000),
                _text("version", "Version"),
                _text("outbox", "Outbox at the start"),
                _text("cause", "Why the agent was not running"),
                _text("previous_version", "Version before"),
                _text("clock", "Clock state at the start"),
                _text("restarted", "Restarted with the machine"),
                _text("kept_running", "Kept running meanwhile"),
            ),
        ),
        Measurement(
            "tombstone",
            "Rows dropped before delivery",
            (),
            (
                _count("first_seq", "First seq"),
                _count("last_seq", "Last seq"),
                _count("count", "Rows"),
                _text("reason", "Reason"),
                _text("epoch", "Epoch, if another"),
            ),
        ),
        Measurement(
            "not_recorded",
            "Measurements that could not be stored",
            (),
            (
                Field("from_mono_ms", Kind.INTEGER, "From, since boot", "ms", 0, 0, 2**53),
                Field("to_mono_ms", Kind.INTEGER, "To, since boot", "ms", 0, 0, 2**53),
                _text("boot_id", "Boot"),
                _count("count", "Rows"),
                _text("reason", "Reason"),
            ),
        ),
    )
}


def field_of(measurement: str, name: str) -> Field | None:
    """Return the catalogue's entry for a field, or None when it is not listed."""
    entry = CATALOGUE.get(measurement)
    return None if entry is None else entry.field(name)
