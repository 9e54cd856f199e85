"""How a village puts what it says: each message as its lane wants it, with the time as the village knows it."""

from __future__ import annotations

from aldea.model.messages import Ack, Birth, Will, encode_status
from aldea.model.topics import Lane, Topic
from aldea.model.wire import Anchor
from aldea.simulator.boots import Boot
from aldea.simulator.flight import Outgoing
from aldea.simulator.plan import SLOT_MS
from aldea.simulator.probes import VERSION
from aldea.simulator.village import Piece, Village

ANCHOR_ERROR_MS = 2_000
SEES = {"wan_bytes": True, "clients": True, "power": False}


class Voice:
    """One village's messages. All times are milliseconds since 1970."""

    def __init__(self, village: Village, send_ms: int) -> None:
        self._village = village
        self._send_ms = send_ms
        self._connection = 0
        self._learned: tuple[int, Anchor] | None = None

    def connect(self, now_ms: int) -> None:
        """Speak as one who has just connected: later connections have higher numbers, after a restart too."""
        self._connection = max(self._connection + 1, now_ms // 1000)

    def birth(self, boot: Boot, first_seq: int, mono_ms: int, now_ms: int) -> Outgoing:
        """Return the birth of a boot, of whose rows the collector lacks those from `first_seq` on."""
        village = self._village
        anchor = self._anchor(boot, now_ms)
        birth = Birth(
            site=village.site.id,
            device=village.site.device,
            connection=self._connection,
            epoch=village.epoch,
            first_seq=first_seq,
            last_seq=boot.last_seq,
            boot_id=boot.id,
            boot_no=boot.number,
            mono_ms=mono_ms,
            wall_ms=village.wall_ms(boot, anchor, now_ms),
            clock=village.clock(anchor),
            sample_seconds=SLOT_MS // 1000,
            send_seconds=self._send_ms // 1000,
            version=VERSION,
            anchor=anchor,
            sees=SEES,
        )
        return Outgoing(self._topic(Lane.STATUS), encode_status(birth), 1, retain=True)

    def rows(self, piece: Piece, lane: Lane, now_ms: int) -> Outgoing:
        """Return a batch. It may be empty: then its header is what it says."""
        payload = self._village.message(piece, self._anchor(piece.boot, now_ms), now_ms)
        return Outgoing(self._topic(lane), payload, 1 if lane is Lane.BULK else 0)

    def will(self, reason: str) -> Outgoing:
        """Return what ends this connection: `stopped` by the agent itself, `lost` by the broker."""
        site = self._village.site
        will = Will(site.id, site.device, self._connection, reason)
        return Outgoing(self._topic(Lane.STATUS), encode_status(will), 1, retain=True)

    def learn_time(self, boot: Boot, ack: Ack, now_ms: int) -> bool:
        """Take the server's time for a boot that has no other, if the answer was quick; return whether it was taken."""
        if ack.echo_mono_ms is None or self._anchor(boot, now_ms) is not None:
            return False
        error = (now_ms - boot.start_ms - ack.echo_mono_ms + 1) // 2
        if not 0 <= error <= ANCHOR_ERROR_MS:
            return False
        self._learned = boot.number, Anchor(ack.echo_mono_ms + error, ack.server_ms, error, "server")
        return True

    def _anchor(self, boot: Boot, now_ms: int) -> Anchor | None:
        if self._learned is not None and self._learned[0] == boot.number:
            return self._learned[1]
        return self._village.anchor(boot, now_ms)

    def _topic(self, lane: Lane) -> str:
        return str(Topic(self._village.site.id, self._village.site.device, lane))
