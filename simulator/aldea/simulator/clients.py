"""Which devices were connected: what the village's access point counts through its local day.

The count of distinct devices grows with the hours people come, while there is power; what was counted before a
cut stays counted, because the access point remembers. So a row depends on the day's truth, not on the boot alone.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from aldea.model.columns import Floats, Ints
from aldea.simulator.boots import Boot
from aldea.simulator.fleet import SimulatedSite
from aldea.simulator.plan import DAY_MS, SLOT_MS
from aldea.simulator.rows import Channel, Values, channel, flag, real, whole
from aldea.simulator.stories import BOX_OFF, Span
from aldea.simulator.traffic import Link, Slots, rhythm, slots_at

DAY_SLOTS = DAY_MS // SLOT_MS


def clients_channel(
    site: SimulatedSite, link: Link, boot: Boot, hours: Slots, spans: list[Span], seqs: Ints, mono: Ints
) -> Channel:
    """Return the boot's hourly counts at `hours`. `spans` covers the boot and the day before, back to the plan's start.

    A box whose clock was never set cannot say which day it counts: it tells only who is connected now.
    """
    share, covered = _through_the_day(boot, hours, spans, site)
    days = hours.local_ms // DAY_MS
    visitors = link.visitors(days)
    unique = np.floor(visitors * share + 0.5).astype(np.int64)
    now = np.rint(link.load(hours) * visitors * (0.15 + 0.2 * link.draw(51, hours))).astype(np.int64)
    knows = np.full(len(seqs), site.story != "bad_clock")
    names, places = np.unique(days, return_inverse=True)
    texts = tuple(datetime.fromtimestamp(int(day) * DAY_MS / 1000, UTC).date().isoformat() for day in names)
    return channel(
        "clients",
        {"source": "access_point"},
        seqs,
        mono,
        whole("associated", np.minimum(now, unique)),
        whole("unique_today", unique, knows),
        Values("day", "s", places.astype(np.int64), knows, texts),
        real("covered_seconds", 0, covered, knows),
        flag("restarted", np.zeros(len(seqs), np.bool_)),
    )


def _through_the_day(boot: Boot, hours: Slots, spans: list[Span], site: SimulatedSite) -> tuple[Floats, Floats]:
    """Return, for each of `hours`, the share of the day's visitors that have come, and the seconds observed."""
    first = max(boot.first_slot - DAY_SLOTS, -((boot.slot_zero_ms - spans[0].start_ms) // SLOT_MS))
    slots = slots_at(site, boot.slot_zero_ms, first, boot.end_slot, spans)
    powered = ~slots.where(*BOX_OFF)
    busy = rhythm(slots.local_ms)
    came, seen = np.cumsum(busy * powered), np.cumsum(powered)
    places = hours.numbers - first
    midnight = places - (hours.local_ms % DAY_MS) // SLOT_MS
    before = np.maximum(midnight, 0) - 1
    had = np.where(before >= 0, came[before], 0.0)
    had_seen = np.where(before >= 0, seen[before], 0)
    whole_day = np.array([rhythm(day * DAY_MS + np.arange(DAY_SLOTS) * SLOT_MS).sum() for day in (4, 2)])
    weekend = ((hours.local_ms // DAY_MS + 3) % 7 >= 5).astype(np.int64)
    share: Floats = np.minimum((came[places] - had) / whole_day[weekend], np.float64(1))
    covered: Floats = np.multiply(seen[places] - had_seen, SLOT_MS / 1000)
    return share, covered
