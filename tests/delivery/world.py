"""A real agent and a real collector in one process, and a post between them that may lose, double and reorder.

Only sockets and threads are left out. Time is moved by hand, so that days pass in seconds; `clock` is the truth,
and the agent's own clock may say something else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, TypeVar

from aldea.agents.outbox import Limits, Machine, Outbox
from aldea.agents.uplink import Conversation, Identity, Moment, Outgoing, Pace
from aldea.collector.turn import Incoming
from aldea.model.clock import ClockState, ManualClock
from aldea.model.columns import decode_columns
from aldea.model.messages import encode_ack
from aldea.model.sample import Reading
from aldea.model.topics import Lane, Topic
from collectorkit.desk import Desk

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.collector.journal import BootRow
    from aldea.collector.streams import StreamRecord
    from aldea.model.sample import Row

Item = TypeVar("Item")
SITE, DEVICE = "norte-01", "agent"
HOUR, DAY = 3_600_000, 86_400_000
START_MS = 1_780_000_000_000
IDENTITY = Identity(SITE, DEVICE, "0.1", sample_seconds=60, send_seconds=300)


@dataclass(frozen=True)
class Stored:
    """A row in the journal: its epoch, the wall milliseconds where its boot stands (None: it waits), its boot."""

    epoch: str
    row: Row
    at_ms: int | None
    source: str | None


@dataclass
class World:
    """Everything between a probe and the journal. `loss` is the share of messages that come to nothing."""

    folder: Path
    chance: Random = field(default_factory=lambda: Random(1))
    loss: float = 0.0
    limits: Limits | None = None
    pace: Pace = field(default_factory=Pace)
    hardware: str = "hardware"
    state: ClockState = ClockState.UNSYNCED
    wall_error_ms: int = 0
    delay_ms: int = 0
    clock: ManualClock = field(default_factory=lambda: ManualClock(START_MS, 10 * DAY))
    expected: dict[int, int] = field(default_factory=dict)
    up: list[Outgoing] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)
    retained: bytes = b""
    online: bool = False
    sent: int = 0

    def __post_init__(self) -> None:
        self.boots = 0
        self.serial = 0
        (self.folder / "collector").mkdir(parents=True, exist_ok=True)
        self.desk = Desk(self.folder / "collector", self.clock)
        self.boot()

    # ------------------------------------------------------------ the agent

    def now(self) -> Moment:
        """What the agent's machine says."""
        mono_ms = self.clock.wall_ms() - self.booted_ms
        return Moment(mono_ms, self.clock.wall_ms() + self.wall_error_ms, self.state)

    def boot(self) -> None:
        """The machine starts, a quarter of a minute ago."""
        self.boots += 1
        self.boot_id = f"{self.boots:032x}"
        self.booted_ms = self.clock.wall_ms() - 15_000
        self.start_agent()

    def start_agent(self) -> None:
        """The agent's program starts."""
        machine = Machine(self.hardware, self.boot_id, "0.1")
        self.outbox = Outbox(self.folder / "agent", machine, self.now().mono_ms, self.limits)
        self.talk = Conversation(self.outbox, IDENTITY, self.pace)
        self.online = False

    def kill_agent(self) -> None:
        """The process is gone, and what it had not handed to the network."""
        self.outbox.close()
        self.online = False
        self.down.clear()

    def restart_agent(self) -> None:
        """The process is killed and starts again within the boot."""
        self.kill_agent()
        self.start_agent()

    def power_cut(self, minutes: int = 10) -> None:
        """The machine goes off for a while."""
        self.kill_agent()
        self.clock.advance(minutes * 60_000)
        self.boot()

    def record(self, *extra: Reading) -> None:
        """One sampling cycle: a reading with a number of its own, and whatever else."""
        self.serial += 1
        self.expected[self.serial] = self.clock.wall_ms()
        reading = Reading("host", {"uptime_seconds": self.serial})
        self.outbox.append([reading, *extra], self.now().mono_ms)
        self.talk.recorded(urgent=False)

    def offline_for(self, days: int) -> None:
        """Measure each hour, unheard."""
        self.disconnect()
        for _ in range(days * 24):
            self.clock.advance(HOUR)
            self.record()
            self.talk.tick(self.now())

    def connect(self) -> None:
        """The broker takes the agent's connection."""
        if not self.online:
            self.online = True
            self.down.clear()
            self.talk.connecting(self.now())
            self.up += self.talk.connected(self.now())

    def disconnect(self) -> None:
        """The connection breaks; what is on its way may still arrive."""
        if self.online:
            self.online = False
            self.talk.disconnected()

    # ------------------------------------------------------------ the post

    def step(self, milliseconds: int = 5_000) -> None:
        """Let messages go to and fro until nobody has more to say, and then time pass."""
        self.up += self.talk.tick(self.now())
        for _ in range(50):
            if not self.up:
                break
            self._exchange()
        self.clock.advance(milliseconds)

    def _exchange(self) -> None:
        """What was sent arrives, or not, and is answered, or not."""
        arrived, self.up = self._fate(self.up), []
        self.clock.advance(self.delay_ms)
        for message in arrived:
            self.arrive(message)
        answers, self.down = self.down, []
        self.clock.advance(self.delay_ms)
        for payload in self._shuffled(answers):
            if self.online:
                self.up += self.talk.received(Lane.ACK, payload, self.now())

    def run(self, steps: int = 40) -> None:
        """Connect, and let so many steps pass."""
        self.connect()
        for _ in range(steps):
            self.step()

    def arrive(self, message: Outgoing) -> None:
        """A message reaches the collector."""
        self.sent += 1
        if message.retain:
            self.retained = message.payload
        self.deliver(message.lane, message.payload)

    def deliver(self, lane: Lane, payload: bytes, *, retained: bool = False) -> None:
        """The collector takes a message in, and answers."""
        incoming = Incoming(str(Topic(SITE, DEVICE, lane)), payload, retained, self.clock.wall_ms())
        for _, ack in self.desk.send(incoming):
            if self.chance.random() >= self.loss:
                self.down.append(encode_ack(ack))

    def _fate(self, messages: list[Outgoing]) -> list[Outgoing]:
        """Lose, double and reorder; the broker keeps status messages, and their order."""
        status = [item for item in messages if item.lane is Lane.STATUS]
        batches = [item for item in messages if item.lane is not Lane.STATUS for _ in range(self._copies())]
        return status + self._shuffled(batches)

    def _copies(self) -> int:
        fate = self.chance.random()
        return 0 if fate < self.loss else 2 if fate > 1 - self.loss / 2 else 1

    def _shuffled(self, items: list[Item]) -> list[Item]:
        if self.loss:
            self.chance.shuffle(items)
        return items

    # ------------------------------------------------------------ the collector

    def restart_collector(self, *, journal: bool = True) -> None:
        """The collector starts again, with its journal or without, and reads what the broker retained."""
        self.desk.close()
        if not journal:
            for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
                (self.desk.folder / name).unlink(missing_ok=True)
        self.desk = Desk(self.desk.folder, self.clock)
        if self.retained:
            self.deliver(Lane.STATUS, self.retained, retained=True)

    def stored(self) -> list[Stored]:
        """Every row in the journal, as often as it stands there."""
        found = []
        for entry in self.desk.reader().after(0, 1_000_000):
            if entry.epoch is None or entry.first_seq is None:
                continue
            for row in decode_columns(entry.payload).rows():
                at_ms = None if entry.offset_ms is None else row.mono_ms + entry.offset_ms
                found.append(Stored(entry.epoch, row, at_ms, entry.source))
        return found

    def boots_known(self) -> list[BootRow]:
        """The boots as the journal has them."""
        return self.desk.journal.boots()

    def coverage(self, epoch: str | None = None) -> StreamRecord:
        """What is known of an epoch, the agent's own by default."""
        found = self.desk.ingestor.coverage.get((SITE, DEVICE, epoch or self.outbox.epoch))
        assert found is not None
        return found

    def quarantined(self) -> list[str]:
        """The reasons of what is in quarantine."""
        return [reason for reason, _ in self.desk.quarantine()]

    # ------------------------------------------------------------ what must hold

    def serials(self) -> list[int]:
        """The numbers of the readings in the journal, as often as they stand there."""
        found = [item.row.fields.get("uptime_seconds") for item in self.stored() if item.row.measurement == "host"]
        return sorted(number for number in found if isinstance(number, int))

    def off_by_ms(self) -> int:
        """How far from its true time the row that is worst off stands; every row must have a time."""
        worst = 0
        for item in self.stored():
            number = item.row.fields.get("uptime_seconds")
            if isinstance(number, int):
                assert item.at_ms is not None
                worst = max(worst, abs(item.at_ms - self.expected[number]))
        return worst

    def check_all_arrived(self) -> None:
        """Every reading is in the journal once, nothing waits, nothing is in doubt."""
        assert self.outbox.stats().rows == 0
        assert self.serials() == sorted(self.expected)
        assert self.outbox.dead_letters() == []
        record = self.coverage()
        assert (record.open_rows, record.lost_rows) == (0, 0)
        assert record.contiguous_seq == record.last_seq == self.outbox.bounds()[1]

    def close(self) -> None:
        """Close the files."""
        self.outbox.close()
        self.desk.close()
