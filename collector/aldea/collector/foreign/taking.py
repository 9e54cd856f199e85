"""Foreign messages into the journal: decoded, judged, and written as batches like any other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.collector.foreign.decoders import DECODERS
from aldea.collector.foreign.flat import id_of
from aldea.collector.foreign.memory import ForeignMemory, content_digest, delivery_digest
from aldea.collector.foreign.readings import DecodeError, ForeignMessage
from aldea.collector.foreign.rows import BatchInMaking, catalogue_problem, own_time_problem, write_batch
from aldea.collector.foreign.settings import OWN_MEASUREMENTS
from aldea.collector.turn import Incoming
from aldea.collector.validate import Problem
from aldea.model.sample import is_id, tags_of
from aldea.model.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aldea.collector.foreign.readings import ForeignReading
    from aldea.collector.foreign.settings import ForeignSource
    from aldea.collector.journal import Journal
    from aldea.collector.turn import Turn

MOST_BYTES = 64 * 1024
"""Of one message; what is longer is not read."""


@dataclass(frozen=True, slots=True)
class ForeignIncoming(Incoming):
    """A foreign message as it came. `generation` counts connections, `packet_id` is valid within one session.

    `first_of_session`: the broker had no session for us when this connection began.
    """

    qos: int = 0
    packet_id: int = 0
    again: bool = False
    generation: int = 0
    first_of_session: bool = False


class ForeignIntake:
    """Takes foreign messages in, in the journal's transaction. One thread uses it."""

    def __init__(
        self,
        collector: str,
        sources: Sequence[ForeignSource],
        journal: Journal,
        is_known: Callable[[str, str], bool],
        *,
        restored: bool,
    ) -> None:
        self.memory = ForeignMemory(collector, journal, restored=restored)
        self._journal = journal
        self._is_known = is_known
        self._sources = [(source, source.filter, source.options) for source in sources]
        self._checked: set[tuple[str, str]] = set()

    def filters(self) -> tuple[list[str], list[str]]:
        """Return the filters to subscribe to, and those that earlier settings have left in the broker's session."""
        wanted = [topic_filter.mqtt for _, topic_filter, _ in self._sources]
        with self._journal.transaction():
            return wanted, self.memory.left_filters(wanted)

    def begin(self, turn: Turn) -> ForeignTurn:
        """Begin with one group of messages."""
        return ForeignTurn(self, turn)

    def read(self, message: Incoming) -> list[tuple[tuple[str, str], ForeignReading]]:
        """Return the readings of a message, each with its (site, device). Raises DecodeError."""
        if len(message.payload) > MOST_BYTES:
            raise DecodeError(f"it has more than {MOST_BYTES} bytes", "too_large")
        for source, topic_filter, options in self._sources:
            named = topic_filter.match(message.topic)
            if named is not None:
                readings = DECODERS[source.decoder](ForeignMessage(message.topic, message.payload), options)
                return [(_owner(source, named, reading), reading) for reading in readings]
        raise DecodeError("no [[collector.foreign]] in the settings has this topic", "no_source")

    def owner_problem(self, turn: Turn, owner: tuple[str, str]) -> Problem | None:
        """Say why a device may not have foreign readings."""
        name = "/".join(owner)
        if not self._is_known(*owner):
            return Problem("unknown_site", f"{name} is not registered here: add the device to the site")
        if owner not in self._checked:
            mine = self.memory.epochs(*owner)
            if any((one.site, one.device) == owner and one.epoch not in mine for one in turn.state.streams.all()):
                sentence = f"{name} is an agent; register what publishes here as a device of its own"
                return Problem("agent_device", sentence)
            self._checked.add(owner)
        return None


class ForeignTurn:
    """One group: what is read of it is written at its end, one batch a device where that is possible."""

    def __init__(self, intake: ForeignIntake, turn: Turn) -> None:
        self._intake = intake
        self._turn = turn
        self._batches: dict[tuple[str, str], list[BatchInMaking]] = {}

    def take(self, message: ForeignIncoming, fault: Exception | None) -> None:
        """Take one message, unless it came before; `fault`: it could not be taken, and goes to the quarantine."""
        memory, counts = self._intake.memory, self._turn.counts
        counts["foreign_messages"] += 1
        if message.first_of_session:
            memory.forget_deliveries()
        content = content_digest(message.topic, message.payload)
        delivery = delivery_digest(message.topic, message.payload, message.packet_id)
        if memory.knows([content, delivery] if message.again else [content]):
            counts["foreign_duplicates"] += 1
            return
        is_timed = False
        try:
            if fault is not None:
                raise DecodeError(f"taking it in failed: {type(fault).__name__}", "internal_error")
            is_timed = self._keep(message, self._intake.read(message))
        except DecodeError as error:
            self._quarantine(message, Problem(error.reason, str(error)))
        if is_timed or message.qos:
            memory.note(content if is_timed else delivery, content=is_timed)

    def _keep(self, message: ForeignIncoming, read: Sequence[tuple[tuple[str, str], ForeignReading]]) -> bool:
        """Keep what can be kept, in quarantine what can't; return whether the message is known by its content.

        It is when every reading states its time and is kept: of what is refused today the same may be sent again
        when somebody has mended the reason.
        """
        problems: list[tuple[Problem, tuple[str, str]]] = []
        for owner, reading in read:
            if reading.time_ms is None and message.retained:
                self._turn.counts["foreign_retained"] += 1
                continue
            problem = self._problem(owner, reading, message.arrival_ms)
            if problem is not None:
                problems.append((problem, owner))
                continue
            self._put(owner, reading, message)
            for reason, count in reading.dropped.items():
                self._turn.counts[f"foreign_dropped_{reason}"] += count
        if problems:
            self._quarantine(message, *problems[0])
        return not problems and all(reading.time_ms is not None for _, reading in read)

    def _problem(self, owner: tuple[str, str], reading: ForeignReading, arrival_ms: int) -> Problem | None:
        if reading.measurement in OWN_MEASUREMENTS or not reading.measurement:
            return Problem("bad_name", f"a foreign reading can't be called {reading.measurement!r}")
        return (
            self._intake.owner_problem(self._turn, owner)
            or own_time_problem(reading.time_ms, arrival_ms)
            or catalogue_problem(reading.measurement, reading.fields)
        )

    def _put(self, owner: tuple[str, str], reading: ForeignReading, message: ForeignIncoming) -> None:
        batches = self._batches.setdefault(owner, [])
        series = (reading.measurement, tags_of(reading.tags))
        if not batches or not batches[-1].has_room(series, reading.fields):
            batches.append(BatchInMaking())
        at = message.arrival_ms if reading.time_ms is None else reading.time_ms
        batches[-1].add(at, message.arrival_ms, series, reading.fields)

    def _quarantine(self, message: ForeignIncoming, problem: Problem, owner: tuple[str, str] | None = None) -> None:
        digest = hashlib.sha256(message.payload).hexdigest()[:16]
        what = f"foreign {message.topic[:200]} {digest}"
        if problem.reason in ("unknown_site", "agent_device") and owner is not None:
            what = f"foreign {problem.reason} {'/'.join(owner)}"
        topic = None if owner is None else Topic(*owner, Lane.BULK)
        self._turn.quarantine(message, topic, problem, what)
        self._turn.counts["foreign_quarantined"] += 1

    def write(self) -> None:
        """Write what was kept into the journal. Raises ValueError for a batch that could not be read again."""
        for owner, batches in self._batches.items():
            for batch in batches:
                write_batch(self._turn, owner, self._intake.memory.epochs(*owner)[-1], batch)


def _owner(source: ForeignSource, named: Mapping[str, str], reading: ForeignReading) -> tuple[str, str]:
    site = source.site or named.get("site") or reading.site
    device = source.device or named.get("device") or reading.device
    found = (id_of(site or ""), id_of(device or ""))
    if not (is_id(found[0]) and is_id(found[1])):
        raise DecodeError(f"it does not say whose it is: site {site!r}, device {device!r}", "no_owner")
    return found
