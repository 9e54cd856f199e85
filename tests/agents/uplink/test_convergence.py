"""Whatever is lost, doubled or reordered on the way: at last every row is stored once and the outbox is empty."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from agentkit.making import IDENTITY, SERVER_AHEAD_MS, make_outbox, moment, ping
from agentkit.model_collector import ModelCollector
from aldea.agents.uplink import Conversation, Outgoing, Pace
from aldea.model.clock import ManualClock
from aldea.model.topics import Lane

if TYPE_CHECKING:
    from random import Random

    import pytest

    from aldea.agents.outbox import Outbox

Item = TypeVar("Item")
PACE = Pace(live_rows=7, bulk_rows=9, bulk_window=3, send_interval_ms=20_000, answer_ms=5_000, birth_again_ms=3_000)


@dataclass
class World:
    """An agent, a broker that may lose anything, and a collector; time moves in steps of a second."""

    outbox: Outbox
    chance: Random
    loss: float
    clock: ManualClock = field(default_factory=ManualClock)
    collector: ModelCollector = field(default_factory=ModelCollector)
    up: list[Outgoing] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)
    connected: bool = False

    def __post_init__(self) -> None:
        identity = replace(IDENTITY, sample_seconds=1, send_seconds=20)
        self.talk = Conversation(self.outbox, identity, PACE)

    def step(self) -> None:
        """One second: the link may break or come back, messages arrive late, twice, in another order, or never."""
        self.clock.advance(1_000)
        if self.chance.random() < self.loss / 4:
            self.connected = False
            self.talk.disconnected()
        elif not self.connected:
            self.connected = True
            self.down.clear()
            self.talk.connecting(moment(self.clock))
            self.up += self.talk.connected(moment(self.clock))
        if self.chance.random() < self.loss / 10:
            self._arrive(self.collector.hello(self._server_ms()))
        self.up += self.talk.tick(moment(self.clock))
        for message in self._some(self.up):
            self._arrive(self.collector.answer(message, self._server_ms()))
        for payload in self._some(self.down):
            if self.connected:
                self.up += self.talk.received(Lane.ACK, payload, moment(self.clock))

    def _arrive(self, payload: bytes | None) -> None:
        if payload is not None:
            self.down.append(payload)

    def _server_ms(self) -> int:
        return SERVER_AHEAD_MS + self.clock.mono_ms()

    def _some(self, queue: list[Item]) -> list[Item]:
        """Take from a queue what arrives now."""
        arrived: list[Item] = []
        waiting, queue[:] = list(queue), []
        self.chance.shuffle(waiting)
        for item in waiting:
            fate = self.chance.random()
            if fate < self.loss:
                continue
            if fate < 1.5 * self.loss:
                queue.append(item)  # later
            arrived.append(item)
            if fate > 1 - self.loss / 4:
                arrived.append(item)
        return arrived


# Not shrunk: a smaller story of the same failure is not worth the minutes that finding it takes.
@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(chance=st.randoms(use_true_random=False), loss=st.sampled_from([0.0, 0.1, 0.3, 0.6]))
def test_everything_is_stored_exactly_once_and_the_outbox_is_empty(
    tmp_path_factory: pytest.TempPathFactory, chance: Random, loss: float
) -> None:
    outbox = make_outbox(tmp_path_factory.mktemp("outbox"))
    world = World(outbox, chance, loss)
    expected: dict[tuple[str, int], int] = {}
    bad: set[tuple[str, int]] = set()
    for cycle in range(60):
        values = [9_999 if chance.random() < 0.03 else cycle for _ in range(chance.randint(0, 4))]
        span = outbox.append([ping(value) for value in values], world.clock.mono_ms())
        for seq, value in enumerate(values, span[0] if span else 0):
            if value == 9_999:
                bad.add((outbox.epoch, seq))
            else:
                expected[outbox.epoch, seq] = value
        world.talk.recorded(urgent=chance.random() < 0.1)
        world.step()
    world.loss = 0.0
    for _ in range(2_000):
        if outbox.stats().rows == 0:
            break
        world.step()
    assert outbox.stats().rows == 0
    stored = {key: row.fields["sent"] for key, row in world.collector.stored.items() if row.measurement == "ping"}
    assert stored == expected
    assert set(world.collector.rejected) == bad
    assert {(letter.epoch, letter.row.seq) for letter in outbox.dead_letters()} == bad
    outbox.close()
