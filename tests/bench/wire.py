"""What an agent costs its link in a month: counted by the interface, TLS, keepalives and acknowledgements included."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.model.wire import decode, encode
from bench.publisher import Publisher, cycles
from bench.report import CannotMeasure, Figure
from bench.village import EVERY_FIVE_MINUTES, FRUGAL, Schedule, Village, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aldea.model.sample import Row, Value
    from aldea.model.wire import Header

MEGABYTE = 1e6
BUDGETS = {EVERY_FIVE_MINUTES: 8.0, FRUGAL: 3.0}
CONNECTS_A_MONTH = 30
SHORTEST_KEEPALIVE = 5
_SETTLED_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Sending:
    """What one sending costs on average, in bytes and rows, and what a connection costs."""

    bytes: float
    packets: float
    rows: float
    stretched: float
    connect_bytes: float
    batches: Sequence[tuple[Header, Sequence[Row]]]


def section(*, quick: bool) -> list[Figure]:
    """Measure both profiles, a keepalive, and a publisher of single readings."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="aldea-bench-") as folder, Village(Path(folder)) as village:
        ping = _keepalive_bytes(village, 12 if quick else 17)
        for schedule, sends in ((EVERY_FIVE_MINUTES, 3 if quick else 8), (FRUGAL, 4 if quick else 8)):
            sending = _sendings(village, schedule, sends)
            figures += (months := _month(schedule, sending, ping, sends))
            if schedule is EVERY_FIVE_MINUTES:
                compared = _single_readings(village, schedule, sending, months[0].measured)
        figures += compared
        figures.append(Figure("one keepalive", ping, "B", note="PINGREQ, PINGRESP and TCP's acknowledgement, in TLS"))
    return figures


def _month(schedule: Schedule, sending: Sending, ping: float, sends: int) -> list[Figure]:
    each = sending.bytes + sending.stretched
    pings = (schedule.send - 1) // schedule.keepalive
    bare = each * schedule.sends_a_month + CONNECTS_A_MONTH * sending.connect_bytes
    total = bare + pings * ping * schedule.sends_a_month
    note = (
        f"{each:.0f} B a sending ({sending.rows:.1f} rows, {sending.packets:.1f} packets; {sending.stretched:+.0f} B"
        f" for the true distances in time) x {schedule.sends_a_month:,.0f}; {pings} keepalive between two;"
        f" {CONNECTS_A_MONTH} connects of {sending.connect_bytes:,.0f} B."
        f" From {sends} sendings, schedule x {schedule.factor}"
    )
    figures = [Figure(f"a month, {schedule.name}", total / MEGABYTE, "MB", BUDGETS[schedule], note=note)]
    if pings:
        longer = f"keepalive_seconds = {schedule.send + 100}: none is ever due between two sendings"
        figures.append(Figure("  the same with a keepalive longer than that", bare / MEGABYTE, "MB", note=longer))
    return figures


def _sendings(village: Village, schedule: Schedule, sends: int) -> Sending:
    """Let the real agent send `sends` times on a faster schedule, and count the bytes."""
    known, at_start = _live(village), village.uplink()
    every = schedule.send / schedule.factor
    with village.agent(schedule):
        wait_until(lambda: _live(village) >= known + 2, "the agent has not sent twice", 10 + 3 * every)
        time.sleep(_SETTLED_SECONDS)
        first, before = _live(village), village.uplink()
        wait_until(lambda: _live(village) >= first + sends, "the agent sends too seldom", (sends + 3) * every)
        time.sleep(_SETTLED_SECONDS)
        last, spent = _live(village), village.uplink().since(before)
    payloads = _payloads(village)[first:last]
    count = len(payloads)
    batches = [decode(payload) for payload in payloads]
    stretched = sum(len(_stretched(*batch, schedule)) - len(encode(*batch)) for batch in batches)
    each = spent.total_bytes / count
    return Sending(
        bytes=each,
        packets=(spent.tx_packets + spent.rx_packets) / count,
        rows=sum(header.rows for header, _ in batches) / count,
        stretched=stretched / count,
        connect_bytes=before.since(at_start).total_bytes - (first - known) * each,
        batches=batches,
    )


def _stretched(header: Header, rows: Sequence[Row], schedule: Schedule) -> bytes:
    """Return the batch as the true schedule would have it: minutes between rows, and a minute's bytes counted."""
    start, period = rows[0].mono_ms, schedule.sample * 1000
    hurried = period / schedule.factor
    made = []
    for row in rows:
        cycle = round((row.mono_ms - start) / hurried)
        moved = start + cycle * period + round(row.mono_ms - start - cycle * hurried)
        fields = _counted_longer(row.fields, schedule.factor) if row.measurement == "interfaces" else row.fields
        made.append(replace(row, mono_ms=moved, fields=fields))
    return encode(replace(header, sent_mono_ms=made[-1].mono_ms + header.sent_mono_ms - rows[-1].mono_ms), made)


def _counted_longer(fields: Mapping[str, Value], factor: int) -> dict[str, Value]:
    numbers = {name: value for name, value in fields.items() if isinstance(value, int | float)}
    return {**fields, **{name: value * factor for name, value in numbers.items() if not isinstance(value, bool)}}


def _keepalive_bytes(village: Village, seconds: int) -> float:
    """Return what one keepalive costs: an agent with the shortest one, and long between its sendings."""
    quiet = Schedule("quiet", 60, 60, 1, keepalive=SHORTEST_KEEPALIVE)
    known = _live(village)
    with village.agent(quiet):
        wait_until(lambda: _live(village) > known, "the agent has not sent")
        time.sleep(2)
        sent, pings, before = _live(village), village.pings(), village.uplink()
        time.sleep(seconds)
        spent, pings = village.uplink().since(before), village.pings() - pings
    if not pings or _live(village) != sent:
        raise CannotMeasure(
            f"{pings} keepalives and {_live(village) - sent} sendings were seen, some and none expected"
        )
    return spent.total_bytes / pings


def _single_readings(village: Village, schedule: Schedule, sending: Sending, month: float) -> list[Figure]:
    """Publish the same readings one by one as JSON, as a general-purpose agent does, and count the same way."""
    rows = [row for _, batch in sending.batches for row in batch]
    every = 0.25  # longer than TCP holds an acknowledgement back, as a minute is
    with Publisher(village, rows, every) as publisher:
        wait_until(publisher.is_ready, "the publisher is not connected")
        wait_until(lambda: publisher.published() >= 1, f"the publisher publishes nothing: {publisher.told()[-1:]}")
        time.sleep(every / 2)
        first, before = publisher.published(), village.uplink()
        count = len(list(cycles(rows)))
        wait_until(lambda: publisher.published() >= first + count, "the publisher is too slow", 20 + count)
        time.sleep(every / 2)
        last, spent = publisher.published(), village.uplink().since(before)
    each = spent.total_bytes / (len(rows) * (last - first) / count)
    whole = each * sending.rows * schedule.sends_a_month / MEGABYTE
    note = f"{each:.0f} B a reading, JSON, QoS 1, a message each, over the same TLS; one connection for ever"
    times = "what each reading by itself costs, over what the agent costs, in this run"
    return [
        Figure(f"for comparison: each reading by itself, {schedule.name}", whole, "MB", note=note),
        Figure("  that, over the agent's month", whole / month, "times", note=times),
    ]


def _live(village: Village) -> int:
    return len(_payloads(village))


def _payloads(village: Village) -> list[bytes]:
    with sqlite3.connect(village.folder / "collector" / "journal.db") as journal:
        found = journal.execute("SELECT payload FROM entry WHERE kind = 'batch' AND lane = 'live' ORDER BY position")
        return [payload for (payload,) in found]
