"""InfluxQL answers into series. One agent's epochs are one series to a reader, however many there were."""

# ruff: noqa: S608 - InfluxQL has no parameters for names; words.py quotes everything that comes from outside

from __future__ import annotations

from typing import Any

import numpy as np

from aldea.model.catalogue import Kind, field_of
from aldea.model.columns import Floats, Ints
from aldea.model.sample import Tags, Value, tags_of
from aldea.model.series import Aggregate, Latest, Query, Series, SeriesInfo
from aldea.storage.series.influx.lines import NS_PER_MS
from aldea.storage.series.influx.server import Answer, Server
from aldea.storage.series.influx.words import (
    DEVICE,
    EPOCH,
    PRESENT,
    SITE,
    key_in,
    key_out,
    name_ql,
    safe,
    text_ql,
    unsafe,
)
from aldea.storage.series.summary import step_texts, summarise

_KINDS = {"float": Kind.REAL, "integer": Kind.INTEGER, "string": Kind.TEXT, "boolean": Kind.FLAG}
_IN_THE_SERVER = (Kind.REAL, Kind.INTEGER)


def read_series(server: Server, query: Query) -> list[Series]:
    """Answer a query, one entry for each series that has values in its range."""
    kind = _kind(server, query)
    if kind is None:
        return []
    if query.step_ms is not None and kind in _IN_THE_SERVER:
        what = f"{query.aggregate.value}({name_ql(key_out(query.field))}::field)"
        groups = f"time({query.step_ms}ms), "
        tail = " fill(none)"
    else:
        what, groups, tail = f"{name_ql(key_out(query.field))}::field", "", ""
    statement = (
        f"SELECT {what} FROM {name_ql(safe(query.measurement))} WHERE {_where(query)}"
        f" GROUP BY {groups}{_tag_keys(server, query.measurement)}{tail}"
    )
    found = [_series(answer, query, kind) for answer in server.ask(statement)]
    return sorted((item for item in found if len(item.times_ms)), key=lambda item: (item.device, item.tags))


def _kind(server: Server, query: Query) -> Kind | None:
    """Return a field's type: the catalogue's, or the one the server has seen; None when it has not."""
    listed = field_of(query.measurement, query.field)
    if listed is not None:
        return listed.kind
    key = key_out(query.field)
    for answer in server.ask(f"SHOW FIELD KEYS FROM {name_ql(safe(query.measurement))}"):
        for name, kind in answer.values:
            if name == key:
                return _KINDS[kind]
    return None


def _where(query: Query) -> str:
    pairs = {SITE: query.site}
    if query.device is not None:
        pairs[DEVICE] = query.device
    pairs.update((key_out(key), safe(value)) for key, value in query.tags.items())
    equal = [f"{name_ql(key)}::tag = {text_ql(value)}" for key, value in pairs.items()]
    first, end = query.start_ms * NS_PER_MS, query.end_ms * NS_PER_MS
    return " AND ".join([*equal, f"time >= {first}", f"time < {end}"])


def _tag_keys(server: Server, measurement: str) -> str:
    """Return all tags of a measurement but the epoch, to group by."""
    answers = server.ask(f"SHOW TAG KEYS FROM {name_ql(safe(measurement))}")
    keys = [row[0] for answer in answers for row in answer.values if row[0] != EPOCH]
    return ", ".join(name_ql(key) for key in keys or [DEVICE])


def _series(answer: Answer, query: Query, kind: Kind) -> Series:
    device, tags = _whose(answer.tags)
    stamps = np.array([row[0] for row in answer.values], np.int64)
    raw = [row[1] for row in answer.values]
    times, values = _typed(stamps // NS_PER_MS, raw, kind)
    if query.step_ms is not None and isinstance(values, list):
        times, values = step_texts(times, values, query.step_ms, query.aggregate)
    elif query.step_ms is not None and kind is Kind.FLAG and not isinstance(values, list):
        summary = summarise(times, values, query.step_ms)
        times, values = summary.starts, summary.pick(query.aggregate)
    return Series(device, tags, times, values)


def _typed(times_ms: Ints, raw: list[Any], kind: Kind) -> tuple[Ints, Floats | list[str]]:
    if kind is Kind.TEXT:
        return times_ms, raw
    return times_ms, np.array(raw, np.float64)


def _whose(tags: dict[str, str]) -> tuple[str, Tags]:
    """Return the device and the row's own tags; a tag that a series lacks is answered as empty."""
    own = {
        key_in(unsafe(key)): unsafe(value) for key, value in tags.items() if value and key not in (SITE, DEVICE, EPOCH)
    }
    return tags.get(DEVICE, ""), tags_of(own)


def latest_rows(server: Server, site: str) -> list[Latest]:
    """Return the newest row of each series of a site."""
    newest: dict[tuple[str, str, Tags], tuple[int, Latest]] = {}
    where = f"WHERE {name_ql(SITE)} = {text_ql(site)}"
    for answer in server.ask(f"SELECT * FROM /.*/ {where} GROUP BY * ORDER BY time DESC LIMIT 1"):
        (device, tags), measurement = _whose(answer.tags), unsafe(answer.name)
        row = answer.values[0]
        fields: dict[str, Value] = {
            key_in(name): value
            for name, value in zip(answer.columns[1:], row[1:], strict=True)
            if value is not None and name != PRESENT
        }
        known = newest.get((device, measurement, tags))
        if known is None or row[0] > known[0]:
            latest = Latest(device, measurement, tags, row[0] // NS_PER_MS, fields)
            newest[device, measurement, tags] = (row[0], latest)
    return [newest[key][1] for key in sorted(newest, key=lambda key: (key[1], key[0], key[2]))]


def catalogue_of(server: Server, site: str) -> list[SeriesInfo]:
    """Return a site's series with the fields each has."""
    fields: dict[tuple[str, str, Tags], set[str]] = {}
    where = f"WHERE {name_ql(SITE)} = {text_ql(site)}"
    for answer in server.ask(f"SELECT {Aggregate.LAST.value}(*) FROM /.*/ {where} GROUP BY *"):
        (device, tags), measurement = _whose(answer.tags), unsafe(answer.name)
        names = [column.removeprefix("last_") for column in answer.columns[1:]]
        seen = {
            key_in(name)
            for row in answer.values
            for name, value in zip(names, row[1:], strict=True)
            if value is not None and name != PRESENT
        }
        fields.setdefault((device, measurement, tags), set()).update(seen)
    return [
        SeriesInfo(device, measurement, tags, tuple(sorted(names)))
        for (device, measurement, tags), names in sorted(fields.items(), key=lambda item: (item[0][1], item[0]))
    ]
