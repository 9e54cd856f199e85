"""What probes measure of the link."""

from __future__ import annotations

from aldea.model.catalogue.kinds import FAILURE, Field, Kind, Measurement, count, rate, ratio, seconds, size, text

LINK = (
    Measurement(
        "ping",
        "Reachability",
        ("target", "role"),
        (
            count("sent", "Packets sent", 10_000),
            count("received", "Packets received", 10_000),
            ratio("loss_ratio", "Packet loss"),
            seconds("rtt_min_seconds", "Shortest round trip"),
            seconds("rtt_avg_seconds", "Mean round trip"),
            seconds("rtt_max_seconds", "Longest round trip"),
            text("method", "Method"),
            FAILURE,
        ),
    ),
    Measurement(
        "dns",
        "Name resolution",
        ("target", "server"),
        (seconds("duration_seconds", "Time to answer"), count("answers", "Answers", 10_000), FAILURE),
    ),
    Measurement(
        "http",
        "Web access",
        ("target",),
        (
            count("status_code", "Status code", 999),
            seconds("connect_seconds", "Time to connect"),
            seconds("tls_seconds", "TLS handshake"),
            seconds("first_byte_seconds", "Time to first byte"),
            seconds("duration_seconds", "Time to complete"),
            size("body_bytes", "Size of the answer"),
            FAILURE,
        ),
    ),
    Measurement(
        "interfaces",
        "Network interface",
        ("interface",),
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
        "throughput",
        "Speed of the link",
        ("direction",),
        (
            rate("rate_bits_per_second", "Speed measured"),
            rate("cross_bits_per_second", "Other traffic meanwhile"),
            rate("link_bits_per_second", "Speed and other traffic"),
            size("body_bytes", "Bytes carried"),
            size("spent_bytes", "Bytes spent"),
            seconds("duration_seconds", "Length of the test", decimals=3),
            count("flows", "Parallel connections", 100),
            Field("censored", Kind.FLAG, "Ended before it was steady"),
            text("size", "Size of the test"),
            Field("by_hand", Kind.FLAG, "Asked for by a person"),
            text("method", "Method"),
            FAILURE,
        ),
    ),
    Measurement(
        "budget",
        "The month's bytes",
        (),
        (
            text("month", "Month"),
            size("planned_bytes", "Budget of the month"),
            size("spent_bytes", "Spent this month"),
            size("tests_bytes", "Spent on tests"),
            size("hand_bytes", "Spent on tests by hand"),
            size("telemetry_bytes", "Spent on measuring and reporting"),
            size("forecast_bytes", "Expected by the month's end"),
            count("tests", "Tests this month", 1_000_000),
            count("peak_tests", "Valid tests in the peak hours", 1_000_000),
            text("rung", "Size of the next test"),
            FAILURE,
        ),
    ),
)
