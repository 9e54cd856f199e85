"""What probes measure of the machines in the village: the box, the router, the power, who is connected."""

from __future__ import annotations

from aldea.model.catalogue.kinds import FAILURE, Field, Kind, Measurement, count, ratio, size, text

VILLAGE = (
    Measurement(
        "host",
        "The agent's machine",
        (),
        (
            Field("uptime_seconds", Kind.INTEGER, "Time since boot", "s", 0, 0, 4_000_000_000),
            Field("load1", Kind.REAL, "Load (1 minute)", "", 2, 0, 100_000),
            ratio("memory_used_ratio", "Memory in use"),
            size("memory_total_bytes", "Memory"),
            ratio("disk_used_ratio", "Disk in use"),
            size("disk_free_bytes", "Disk free"),
            Field("temperature_celsius", Kind.REAL, "Temperature", "°C", 1, -100, 200),
            text("clock", "Clock state"),
            FAILURE,
        ),
    ),
    Measurement(
        "snmp",
        "The site's router (SNMP)",
        ("target", "interface"),
        (
            Field("uptime_seconds", Kind.INTEGER, "Router's time since boot", "s", 0, 0, 4_000_000_000),
            size("rx_bytes_total", "WAN received, counter"),
            size("tx_bytes_total", "WAN sent, counter"),
            size("rx_bytes", "WAN received in the interval"),
            size("tx_bytes", "WAN sent in the interval"),
            Field("interval_seconds", Kind.REAL, "Length of the interval", "s", 3, 0, 10_000_000),
            Field("up", Kind.FLAG, "WAN interface is up"),
            Field("counter_reset", Kind.FLAG, "Counter was reset"),
            count("clients", "Connected devices", 100_000),
            Field("restarted", Kind.FLAG, "Router restarted since the round before"),
            FAILURE,
        ),
    ),
    Measurement(
        "snmp_interfaces",
        "Further interfaces of the router (SNMP)",
        ("target", "interface"),
        (
            size("rx_bytes_total", "Received, counter"),
            size("tx_bytes_total", "Sent, counter"),
            size("rx_bytes", "Received in the interval"),
            size("tx_bytes", "Sent in the interval"),
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
            ratio("battery_charge_ratio", "Battery charge"),
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
            count("associated", "Connected now", 100_000),
            count("unique_today", "Distinct devices today", 1_000_000),
            text("day", "Local day"),
            Field("covered_seconds", Kind.REAL, "Time of the day observed", "s", 0, 0, 100_000),
            Field("restarted", Kind.FLAG, "Counting began anew during the day"),
            FAILURE,
        ),
    ),
)
