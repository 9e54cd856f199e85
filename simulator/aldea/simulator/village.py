"""One simulated village: rows, boots and truth as pure functions of the plan."""

from __future__ import annotations

from dataclasses import dataclass

from aldea.model.clock import ClockState
from aldea.model.columns import Table, encode_tables
from aldea.model.wire import Anchor, Header
from aldea.simulator.boots import Boot, Rhythm, boots_of
from aldea.simulator.fleet import SimulatedSite
from aldea.simulator.noise import hex_of, key_of, one
from aldea.simulator.plan import DAY_MS, SLOT_MS, SLOTS_AN_HOUR, Plan
from aldea.simulator.probes import channels_of
from aldea.simulator.rows import Channel
from aldea.simulator.stories import FOREVER_MS, LINK_DOWN, UNHEARD, Span, Truth, clip, spans_of
from aldea.simulator.traffic import Link

WRONG_CLOCK_MS = 1_577_836_800_000
"""What a clock that was never set says at boot: the start of 2020."""

ROWS = 2
"""Counts changes of what a village stores under which seq: other rows need another epoch."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Consecutive rows of one boot, ready to be put behind a header."""

    boot: Boot
    first_seq: int
    rows: int
    tables: tuple[Table, ...]

    @property
    def last_seq(self) -> int:
        """The seq of the last row."""
        return self.first_seq + self.rows - 1


class Village:
    """A site of the fleet under a plan. Asking changes nothing but what is remembered to answer faster."""

    def __init__(self, site: SimulatedSite, plan: Plan) -> None:
        self.site = site
        self.plan = plan
        key = key_of("rhythm", plan.seed, site.id)
        self.phase_ms = int(one(key, 0, 0) * SLOT_MS)
        self.epoch = hex_of("epoch", ROWS, plan.seed, plan.start_ms, site.id, digits=16)
        self._rhythm = Rhythm(plan.start_ms + self.phase_ms, int(one(key, 0, 1) * SLOTS_AN_HOUR))
        self._link = Link(site, plan.seed)
        self._ahead: tuple[int, list[Span]] = (0, [])
        self._channels: tuple[Boot, list[Channel]] | None = None

    def truth(self, start_ms: int, end_ms: int) -> list[Span]:
        """Return how things really are from `start_ms` up to before `end_ms`, without gaps or overlaps.

        There is no truth before the plan's start.
        """
        if self._ahead[0] < end_ms:
            horizon = self.plan.start_ms + ((end_ms - self.plan.start_ms) // DAY_MS + 2) * DAY_MS
            self._ahead = (horizon, spans_of(self.site, self.plan, horizon))
        return clip(self._ahead[1], start_ms, end_ms)

    def boots(self, until_ms: int) -> list[Boot]:
        """Return all boots that began before `until_ms`, with the rows stored by then."""
        identity = (self.plan.seed, self.plan.start_ms, self.site.id)
        return boots_of(identity, self._rhythm, self.truth(self.plan.start_ms, until_ms))

    def last_seq(self, until_ms: int) -> int:
        """Return the highest seq given by `until_ms`; 0 when there is none yet."""
        boots = self.boots(until_ms)
        return boots[-1].last_seq if boots else 0

    def unheard_since(self, now_ms: int) -> int | None:
        """Return since when nothing of the site gets through; None while it does. Not before the plan's start."""
        if self.truth(now_ms, now_ms + 1)[0].truth not in UNHEARD:
            return None
        since = now_ms
        for span in reversed(self.truth(self.plan.start_ms, now_ms + 1)):
            if span.truth not in UNHEARD:
                break
            since = span.start_ms
        return since

    def piece(self, first_seq: int, until_ms: int, max_rows: int) -> Piece | None:
        """Return up to `max_rows` rows from `first_seq` on, stored by `until_ms` and all of one boot; None if none."""
        for boot in self.boots(until_ms):
            if boot.first_seq <= first_seq <= boot.last_seq:
                last = min(boot.last_seq, first_seq + max_rows - 1)
                found = (channel.between(first_seq, last) for channel in self._rows_of(boot))
                tables = tuple(table for table in found if table is not None)
                return Piece(boot, first_seq, last - first_seq + 1, tables)
        return None

    def forget(self) -> None:
        """Let go of the arrays kept for the next piece."""
        self._channels = None

    def _rows_of(self, boot: Boot) -> list[Channel]:
        if self._channels is None or self._channels[0] != boot:
            # A day more before it, because what is counted by the local day goes on across boots.
            since = max(self.plan.start_ms, boot.start_ms - DAY_MS)
            spans = self.truth(since, boot.end_ms or boot.slot_zero_ms + boot.end_slot * SLOT_MS + 1)
            self._channels = (boot, channels_of(self.site, self._link, boot, spans))
        return self._channels[1]

    def anchor(self, boot: Boot, now_ms: int) -> Anchor | None:
        """Return what a boot has learned of the time by `now_ms`; None when the link never worked in it.

        The site with the bad clock knows the time of its past boots from the server; the one that is running has
        to learn it in the conversation.
        """
        mute = LINK_DOWN if self.site.story != "bad_clock" else UNHEARD
        for span in self.truth(boot.start_ms, min(boot.end_ms or FOREVER_MS, now_ms)):
            if span.truth not in mute:
                break
        else:
            return None
        mono_ms = max(span.start_ms - boot.start_ms, 0) + 45_000
        if self.site.story != "bad_clock":
            return Anchor(mono_ms, boot.start_ms + mono_ms, 20, "ntp")
        if boot.end_ms is None:
            return None
        return Anchor(mono_ms, boot.start_ms + mono_ms + 180, 420, "server")

    def clock(self, anchor: Anchor | None) -> ClockState:
        """Return what the box says of its clock, given what its boot knows."""
        ntp = anchor is not None and anchor.source == "ntp"
        return ClockState.NTP if ntp else ClockState.UNSYNCED

    def wall_ms(self, boot: Boot, anchor: Anchor | None, now_ms: int) -> int:
        """Return what the box's clock shows at `now_ms`."""
        if self.clock(anchor) is ClockState.NTP:
            return now_ms
        return WRONG_CLOCK_MS + now_ms - boot.start_ms

    def message(self, piece: Piece, anchor: Anchor | None, now_ms: int) -> bytes:
        """Return the batch that brings `piece` at `now_ms`."""
        boot = piece.boot
        header = Header(
            site=self.site.id,
            device=self.site.device,
            epoch=self.epoch,
            first_seq=piece.first_seq,
            rows=piece.rows,
            boot_id=boot.id,
            boot_no=boot.number,
            sent_mono_ms=max(now_ms - boot.start_ms, 0),
            sent_wall_ms=self.wall_ms(boot, anchor, now_ms),
            clock=self.clock(anchor),
            anchor=anchor,
            past=boot.end_ms is not None,
        )
        return encode_tables(header, piece.tables)


def truth(site: SimulatedSite, plan: Plan, start_ms: int, end_ms: int) -> list[Span]:
    """Return how things really are at a site, for whoever wants to compare: see `Village.truth`."""
    return Village(site, plan).truth(start_ms, end_ms)


__all__ = ["Piece", "Span", "Truth", "Village", "truth"]
