"""The collector's side of docs/delivery.md in its shortest form: what an agent must get along with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aldea.model.messages import Ack, Birth, encode_ack, parse_status
from aldea.model.topics import Lane
from aldea.model.wire import Rejected, decode

if TYPE_CHECKING:
    from aldea.agents.uplink import Outgoing
    from aldea.model.sample import Row


class ModelCollector:
    """Stores each row once, by (epoch, seq); counts what came twice; remembers the last birth."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], Row] = {}
        self.rejected: dict[tuple[str, int], str] = {}
        self.duplicates = 0
        self.birth: Birth | None = None

    def answer(self, message: Outgoing, server_ms: int) -> bytes | None:
        """Take a message in; return the acknowledgement."""
        if message.lane is Lane.STATUS:
            status = parse_status(message.payload)
            self.birth = status if isinstance(status, Birth) else None
            return self.hello(server_ms)
        try:
            header, rows = decode(message.payload)
        except Rejected as error:
            digest = hashlib.sha256(message.payload).hexdigest()[:16]
            return encode_ack(Ack("", server_ms, None, 0, refused=[(digest, error.reason)]))
        stored, rejected, conflict = [], [], []
        for row in rows:
            key = (header.epoch, row.seq)
            if row.fields.get("sent") == 9_999:
                self.rejected[key] = "out_of_range"
                rejected.append((row.seq, row.seq, "out_of_range"))
            elif self.stored.setdefault(key, row) is row:
                stored.append((row.seq, row.seq))
            elif self.stored[key] == row:
                self.duplicates += 1
                stored.append((row.seq, row.seq))
            else:
                conflict.append((row.seq, row.seq))
        highest = self._highest(header.epoch)
        return encode_ack(Ack(header.epoch, server_ms, header.sent_mono_ms, highest, stored, rejected, conflict))

    def hello(self, server_ms: int) -> bytes | None:
        """Answer the last birth, as when started again with the broker's retained one."""
        birth = self.birth
        if birth is None:
            return None
        return encode_ack(Ack(birth.epoch, server_ms, birth.mono_ms, self._highest(birth.epoch)))

    def _highest(self, epoch: str) -> int:
        return max((seq for known, seq in (*self.stored, *self.rejected) if known == epoch), default=0)
