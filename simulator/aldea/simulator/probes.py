"""What a village's agent measures in one boot: the catalogue's measurements as channels.

`ping` of the anchor and `interfaces` every five minutes; `ping` of the gateway, `dns`, `http`, `host` and `clients`
hourly.
"""

from __future__ import annotations

import numpy as np

from aldea.model.clock import ClockState
from aldea.model.columns import Bools, Floats, Ints
from aldea.model.failures import Failure
from aldea.simulator.boots import BOOT_ROW_MS, EACH_HOUR, EACH_ROUND, Boot
from aldea.simulator.clients import clients_channel
from aldea.simulator.fleet import SimulatedSite
from aldea.simulator.plan import DAY_MS, SLOT_MS, SLOTS_AN_HOUR
from aldea.simulator.rows import Channel, Values, channel, flag, real, whole, word
from aldea.simulator.stories import LINK_DOWN, Span
from aldea.simulator.traffic import Echoes, Link, Slots, slots_at

VERSION = "simulated"

_MEMORY_BYTES = 1_024_000_000
_DISK_BYTES = 31_000_000_000
_RESET_CHANCE = 1 / 700
"""Of each slot, where a router is prone to start its counters again: about every two and a half days."""


def channels_of(site: SimulatedSite, link: Link, boot: Boot, spans: list[Span]) -> list[Channel]:
    """Return everything a boot measured, up to `boot.end_slot`.

    `spans` is the truth; it must cover the boot and the day before, back to the plan's start.
    """
    slots = slots_at(site, boot.slot_zero_ms, boot.first_slot, boot.end_slot, spans)
    found = [_boot_row(boot)]
    if not len(slots.numbers):
        return found
    load = link.load(slots)
    hourly = (slots.numbers - boot.hour_slot) % SLOTS_AN_HOUR == 0
    before = np.cumsum(hourly) - hourly
    seqs = boot.first_seq + 1 + EACH_ROUND * np.arange(len(hourly), dtype=np.int64) + EACH_HOUR * before
    mono = slots.times_ms - boot.start_ms
    found.append(_ping("1.1.1.1", "anchor", seqs, mono, link.anchor(slots, load)))
    found.append(_interfaces(site, link, slots, seqs + 1, mono + 150, load))
    if hourly.any():
        hours = Slots(*(part[hourly] for part in (slots.numbers, slots.times_ms, slots.local_ms, slots.truth)))
        first = seqs[hourly] + EACH_ROUND
        found += _hourly(site, link, hours, first, mono[hourly])
        found.append(clients_channel(site, link, boot, hours, spans, first + 4, mono[hourly] + 900))
    return found


def _boot_row(boot: Boot) -> Channel:
    seqs = np.array([boot.first_seq], dtype=np.int64)
    values = [
        Values("kind", "s", np.zeros(1, np.int64), None, ("boot",)),
        flag("clean", np.array([boot.clean])),
        Values("version", "s", np.zeros(1, np.int64), None, (VERSION,)),
    ]
    if boot.previous_id is not None:
        values.append(Values("previous_boot_id", "s", np.zeros(1, np.int64), None, (boot.previous_id,)))
    return channel("boot", {}, seqs, np.array([BOOT_ROW_MS], dtype=np.int64), *values)


def _ping(target: str, role: str, seqs: Ints, mono: Ints, echoes: Echoes) -> Channel:
    some = echoes.received > 0
    return channel(
        "ping",
        {"target": target, "role": role},
        seqs,
        mono,
        whole("sent", np.full(len(seqs), 3, np.int64)),
        whole("received", echoes.received),
        real("loss_ratio", 4, 1 - echoes.received / 3),
        real("rtt_min_seconds", 5, echoes.shortest, some),
        real("rtt_avg_seconds", 5, echoes.mean, some),
        real("rtt_max_seconds", 5, echoes.longest, some),
        Values("method", "s", np.zeros(len(seqs), np.int64), None, ("icmp",)),
        word("failure", Failure.NO_REPLY.value, ~some),
    )


def _interfaces(site: SimulatedSite, link: Link, slots: Slots, seqs: Ints, mono: Ints, load: Floats) -> Channel:
    moved = link.bytes(slots, load)
    prone = site.story == "counter_reset"
    reset = (link.draw(40, slots) < _RESET_CHANCE) if prone else np.zeros(len(seqs), np.bool_)
    reset[0] = False
    known = np.arange(len(seqs)) > 0
    return channel(
        "interfaces",
        {"interface": "wan0"},
        seqs,
        mono,
        whole("rx_bytes_total", _counter(moved.received, reset)),
        whole("tx_bytes_total", _counter(moved.sent, reset)),
        whole("rx_bytes", moved.received, known),
        whole("tx_bytes", moved.sent, known),
        real("interval_seconds", 3, np.full(len(seqs), SLOT_MS / 1000), known),
        flag("up", np.ones(len(seqs), np.bool_)),
        flag("counter_reset", reset),
    )


def _counter(moved: Ints, reset: Bools) -> Ints:
    """Return a counter that starts at 0 with the boot, and again within each slot that has a reset."""
    total = np.cumsum(moved)
    began = np.maximum.accumulate(np.where(reset, total - moved, 0))
    counter: Ints = total - began
    return counter


def _hourly(site: SimulatedSite, link: Link, slots: Slots, seqs: Ints, mono: Ints) -> list[Channel]:
    return [
        _ping("gateway", "gateway", seqs, mono + 300, link.gateway(slots)),
        _dns(link, slots, seqs + 1, mono + 450),
        _http(link, slots, seqs + 2, mono + 600),
        _host(site, link, slots, seqs + 3, mono + 750),
    ]


def _answered(link: Link, slots: Slots, stream: int, hardness: float) -> Bools:
    chance = link.loss_chance(slots, link.load(slots)) * hardness
    answered: Bools = (link.draw(stream, slots) >= chance) & ~slots.where(*LINK_DOWN)
    return answered


def _dns(link: Link, slots: Slots, seqs: Ints, mono: Ints) -> Channel:
    good = _answered(link, slots, 41, 0.3)
    duration = link.far_seconds(slots, link.load(slots)) + 0.02 + 0.05 * link.draw(42, slots)
    return channel(
        "dns",
        {"target": "example.com", "server": "system"},
        seqs,
        mono,
        real("duration_seconds", 5, duration, good),
        whole("answers", np.full(len(seqs), 2, np.int64), good),
        word("failure", Failure.DNS_TIMEOUT.value, ~good),
    )


def _http(link: Link, slots: Slots, seqs: Ints, mono: Ints) -> Channel:
    good = _answered(link, slots, 43, 0.5)
    far = link.far_seconds(slots, link.load(slots))
    think = 0.02 + 0.1 * link.draw(44, slots)
    return channel(
        "http",
        {"target": "https://example.com/"},
        seqs,
        mono,
        whole("status_code", np.full(len(seqs), 200, np.int64), good),
        real("connect_seconds", 5, far, good),
        real("tls_seconds", 5, far * 1.05, good),
        real("first_byte_seconds", 5, far * 3.1 + think, good),
        real("duration_seconds", 5, far * 3.15 + think * 1.2, good),
        whole("body_bytes", np.full(len(seqs), 1256, np.int64), good),
        word("failure", Failure.CONNECT_TIMEOUT.value, ~good),
    )


def _host(site: SimulatedSite, link: Link, slots: Slots, seqs: Ints, mono: Ints) -> Channel:
    warm = np.sin((slots.local_ms % DAY_MS) / DAY_MS * 2 * np.pi - 2.3)
    used = np.clip(0.2 + 0.4 * link.constant(1) + slots.numbers * 2e-7, 0, 0.95)
    clock = ClockState.UNSYNCED if site.story == "bad_clock" else ClockState.NTP
    everywhere = np.ones(len(seqs), np.bool_)
    return channel(
        "host",
        {},
        seqs,
        mono,
        whole("uptime_seconds", mono // 1000),
        real("load1", 2, 0.08 + 0.4 * link.draw(45, slots) ** 3),
        real("memory_used_ratio", 4, 0.3 + 0.15 * link.constant(2) + 0.03 * link.draw(46, slots)),
        whole("memory_total_bytes", np.full(len(seqs), _MEMORY_BYTES, np.int64)),
        real("disk_used_ratio", 4, used),
        whole("disk_free_bytes", (_DISK_BYTES * (1 - used)).astype(np.int64)),
        real("temperature_celsius", 1, 41 + 6 * link.constant(3) + 7 * warm + link.draw(47, slots)),
        word("clock", clock.value, everywhere),
    )
