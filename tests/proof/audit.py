"""After the storm: what was recorded against what is stored, in every place where it is stored."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aldea.model.series import Query
from aldea.model.wire import decode
from aldea.storage.register import open_register
from aldea.storage.register.streams import streams_of
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from proof.cast import query, waiting_rows
from proof.oracle import MEASUREMENT, Life

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from aldea.model.sample import Row
    from proof.cast import Cast, Village
    from proof.oracle import Fields

_EXPECTED = {MEASUREMENT: "marker", "boot": "kind", "agent": "rss_bytes"}
"""What an agent of the proof records, and a field that each of its rows has."""

_ALWAYS = (0, 2**52)


@dataclass
class Findings:
    """What is wrong, by kind, as sentences; and what was counted. `never_recorded` rows were lost with a kill
    between the oracle and the outbox's commit, before they had a seq."""

    missing: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    rows: int = 0
    never_recorded: int = 0
    counters: dict[str, int] = field(default_factory=dict)

    @property
    def duplicates_received(self) -> int:
        """How many rows the collector got that it had already."""
        return self.counters.get("rows_duplicate", 0)

    def wrong(self) -> list[str]:
        """Return everything that is wrong."""
        return [
            f"{kind}: {sentence}"
            for kind, sentences in (
                ("missing", self.missing),
                ("stored twice", self.twice),
                ("phantom", self.phantom),
                ("other", self.other),
            )
            for sentence in sentences
        ]


def audit(cast: Cast) -> Findings:
    """Look at everything. The processes have ended."""
    found = Findings()
    stored = _journal(cast.data, found)
    with closing(SqliteSeriesStore(cast.data / "series.db")) as store:
        for village in cast.villages:
            rows = stored.pop(village.site, {})
            _outbox(village, rows, found)
            _order(village, rows, found)
            _series(store, village, rows, found)
    found.phantom += [f"rows of {site}, which no agent has" for site in stored]
    _register(cast, found)
    return found


_Stored = dict[tuple[str, int], "Row"]


def _journal(data: Path, found: Findings) -> dict[str, _Stored]:
    """Read the journal without the collector's help: its entries' payloads, with the wire format's plain decoder."""
    journal = data / "journal.db"
    if query(journal, "PRAGMA integrity_check") != [("ok",)]:
        found.other.append("the journal's integrity_check is not ok")
    found.counters = {str(name): int(str(value)) for name, value in query(journal, "SELECT name, value FROM counter")}
    for name in ("rows_conflict", "rows_rejected"):
        if found.counters.get(name):
            found.other.append(f"{found.counters[name]} {name}")
    found.other += [f"quarantine: {row}" for row in query(journal, "SELECT reason, times, sentence FROM quarantine")]
    stored: dict[str, _Stored] = {}
    times: Counter[tuple[str, str, int]] = Counter()
    entries = query(journal, "SELECT payload, first_seq, last_seq FROM entry WHERE kind = 'batch' ORDER BY position")
    for payload, first, last in entries:
        assert isinstance(payload, bytes)
        header, rows = decode(payload)
        if rows and (rows[0].seq, rows[-1].seq) != (first, last):
            found.other.append(f"a journal entry says seqs {first}-{last} and holds others")
        for row in rows:
            times[header.site, header.epoch, row.seq] += 1
            stored.setdefault(header.site, {})[header.epoch, row.seq] = row
    found.twice += _runs("journal", [key for key, count in times.items() if count > 1])
    found.rows = len(times)
    return stored


def _outbox(village: Village, stored: _Stored, found: Findings) -> None:
    """Every seq that the outbox ever committed is stored: they have no gaps, so its last one says which they are."""
    epochs = _epochs(village)
    if len(epochs) != 1 + len(village.old):
        found.other.append(f"{village.site} has {len(epochs)} epochs: its outbox was not kept")
    if count := query(village.outbox, "SELECT count(*) FROM dead_letter")[0][0]:
        found.other.append(f"{village.site} has {count} dead letters")
    if count := waiting_rows(village.outbox):
        found.other.append(f"{village.site} still has {count} rows waiting")
    given = {(name, seq) for name, last in epochs.items() for seq in range(1, last + 1)}
    found.missing += _runs("journal", [(village.site, *key) for key in given - stored.keys()])
    found.phantom += _runs("journal", [(village.site, *key) for key in stored.keys() - given])


def _epochs(village: Village) -> dict[str, int]:
    """Return the last seq of each epoch of a village, in the order in which they began: box by box."""
    epochs: dict[str, int] = {}
    for path in (*village.old, village.outbox):
        for name, last in query(path, "SELECT name, last_seq FROM epoch ORDER BY id"):
            epochs[str(name)] = max(epochs.get(str(name), 0), int(str(last)))
    return epochs


def _order(village: Village, stored: _Stored, found: Findings) -> None:
    """In order of seq, the rows are the oracle's, run by run; only a run's last cycle may not have been recorded."""
    lives = {life.number: life for life in village.oracle.lives()}
    age = {name: number for number, name in enumerate(_epochs(village))}
    rows = [row for _, row in sorted(stored.items(), key=lambda item: (age.get(item[0][0], -1), item[0][1]))]
    for name, count in Counter(row.measurement for row in rows if row.measurement != MEASUREMENT).items():
        # A run is in the oracle before its outbox is opened, and writes one row of each of these names, if it lives.
        if name not in _EXPECTED or count > len(lives):
            found.phantom.append(f"{village.site}: {count} rows of {name} in {len(lives)} runs")
    cycles: dict[int, dict[int, list[Fields]]] = {number: {} for number in lives}
    before = (0, 0, 0)
    for fields in (_known(row) for row in rows if row.measurement == MEASUREMENT):
        place = (fields["life"], fields["cycle"], fields["place"])
        if place <= before:
            found.phantom.append(f"{village.site}: {place} has a later seq than {before}")
        before = place
        cycles.setdefault(fields["life"], {}).setdefault(fields["cycle"], []).append(fields)
    for number, by_cycle in cycles.items():
        life = lives.get(number, Life(number))
        _compare(village.site, life, by_cycle, found, killed=number != max(lives, default=0))


def _compare(site: str, life: Life, stored: Mapping[int, Sequence[Fields]], found: Findings, *, killed: bool) -> None:
    """Compare one run's cycles with the oracle's, one for one and value for value."""
    wanted = dict(enumerate(life.cycles, 1))
    for number, rows in stored.items():
        if rows != wanted.get(number):
            found.phantom.append(f"{site}: run {life.number}, cycle {number} is not what the oracle has")
    for number in wanted.keys() - stored.keys():
        if killed and number == len(life.cycles):
            found.never_recorded += len(wanted[number])
        else:
            found.missing.append(f"{site}: cycle {number} of {len(life.cycles)} of run {life.number} is not stored")


def _known(row: Row) -> Fields:
    return {name: value for name, value in row.fields.items() if value is not None}


def _series(store: SqliteSeriesStore, village: Village, stored: _Stored, found: Findings) -> None:
    """The series store gives each row once, with the oracle's values."""
    read = {name: _read(store, village.site, name, column) for name, column in _EXPECTED.items()}
    for name, values in read.items():
        wanted = sum(row.measurement == name for row in stored.values())
        if len(values) < wanted:
            found.missing.append(f"{village.site}: the series store has {len(values)} of {wanted} rows of {name}")
        if len(values) > wanted:
            found.twice.append(f"{village.site}: the series store has {len(values)} rows of {name} for {wanted}")
    markers = {str(r.fields["marker"]) for r in stored.values() if r.measurement == MEASUREMENT}
    counts = Counter(map(str, read[MEASUREMENT]))
    found.twice += [f"{village.site}: marker {m} is {n} times in the series store" for m, n in counts.items() if n > 1]
    found.missing += [f"{village.site}: marker {m} is not in the series store" for m in markers - counts.keys()]
    found.phantom += [f"{village.site}: marker {m} is in the series store alone" for m in counts.keys() - markers]
    levels = Counter(float(str(r.fields["level"])) for r in stored.values() if r.measurement == MEASUREMENT)
    if Counter(map(float, _read(store, village.site, MEASUREMENT, "level"))) != levels:
        found.other.append(f"{village.site}: the series store's levels are not the oracle's")


def _read(store: SqliteSeriesStore, site: str, measurement: str, column: str) -> list[Any]:
    return [value for series in store.read(Query(site, measurement, column, *_ALWAYS)) for value in series.values]


def _register(cast: Cast, found: Findings) -> None:
    """The register says the same: all that was given is stored, and there is no gap."""
    register = open_register(f"sqlite:///{cast.data / 'register.db'}")
    total = 0
    with closing(register), register.reading() as unit:
        for village in cast.villages:
            epochs = _epochs(village)
            streams = streams_of(unit, village.site)
            total += sum(stream.stored_rows for stream in streams)
            told = {
                s.epoch: (s.last_seq, s.stored_rows, s.explained_rows, s.lost_rows, s.open_rows, s.gaps)
                for s in streams
            }
            if told != {name: (last, last, 0, 0, 0, ()) for name, last in epochs.items()}:
                found.missing.append(f"{village.site}: the register has {told} for the last seqs {epochs}")
    if found.counters.get("rows_stored") != total:
        found.other.append(f"the collector counts {found.counters.get('rows_stored')} rows stored, not {total}")


def _runs(where: str, keys: Iterable[tuple[str, str, int]]) -> list[str]:
    """Put seqs into sentences, consecutive ones together."""
    runs: list[tuple[str, str, int, int]] = []
    for site, epoch, seq in sorted(keys):
        if runs and runs[-1][:2] == (site, epoch) and runs[-1][3] == seq - 1:
            runs[-1] = (*runs[-1][:3], seq)
        else:
            runs.append((site, epoch, seq, seq))
    return [f"{where}: {site} {epoch} seqs {first}-{last}" for site, epoch, first, last in runs]
