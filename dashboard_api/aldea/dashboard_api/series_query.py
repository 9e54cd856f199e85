"""From an address's parameters to a query of the series store, or to sentences that say what to mend."""

from __future__ import annotations

from collections.abc import Sequence

from aldea.dashboard_api.instants import duration_ms, instant_ms
from aldea.dashboard_api.problems import Fault, bad_request
from aldea.dashboard_api.schemas import SeriesQuery
from aldea.model.catalogue import Kind, field_of
from aldea.model.series import Aggregate, Query, SeriesInfo

MAX_POINTS = 20_000
MAX_RAW_MS = 31 * 86_400_000
MAX_RANGE_MS = 10 * 366 * 86_400_000


def checked_query(site: str, wanted: SeriesQuery, now_ms: int, catalogue: Sequence[SeriesInfo]) -> Query:
    """Return the query. Raises Problem (400) with a sentence for each parameter that cannot be."""
    faults: list[Fault] = []
    start_ms = _time("start", wanted.start, now_ms, faults)
    end_ms = _time("end", wanted.end, now_ms, faults)
    step_ms = _step(wanted.step, faults)
    tags = _tags(wanted.tag, faults)
    faults += _unknown(wanted, catalogue)
    if not faults:
        faults += _range_faults(start_ms, end_ms, step_ms)
    aggregate = _aggregate(wanted, step_ms, faults)
    if faults:
        raise bad_request(faults)
    return Query(
        site=site,
        measurement=wanted.measurement,
        field=wanted.field,
        start_ms=start_ms,
        end_ms=end_ms,
        step_ms=step_ms,
        aggregate=aggregate,
        tags=tags,
        device=wanted.device,
    )


def _time(name: str, text: str, now_ms: int, faults: list[Fault]) -> int:
    try:
        return instant_ms(text, now_ms)
    except ValueError as error:
        faults.append(Fault(name, f"{name} {error}."))
        return now_ms


def _step(text: str | None, faults: list[Fault]) -> int | None:
    if text is None:
        return None
    try:
        return duration_ms(text)
    except ValueError as error:
        faults.append(Fault("step", f"step {error}."))
        return None


def _tags(pairs: Sequence[str], faults: list[Fault]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, colon, value = pair.partition(":")
        if not (name and colon):
            faults.append(Fault("tag", f"tag is {pair[:60]!r}: write name:value, such as target:1.1.1.1."))
        found[name] = value
    return found


def _unknown(wanted: SeriesQuery, catalogue: Sequence[SeriesInfo]) -> list[Fault]:
    fields: dict[str, set[str]] = {}
    for info in catalogue:
        fields.setdefault(info.measurement, set()).update(info.fields)
    if wanted.measurement not in fields:
        listed = f"it has {', '.join(sorted(fields))}" if fields else "it has sent none yet"
        return [Fault("measurement", f"measurement {wanted.measurement!r} is not known at this site: {listed}.")]
    held = fields[wanted.measurement]
    if wanted.field not in held:
        listed = ", ".join(sorted(held))
        return [Fault("field", f"field {wanted.field!r} is not known of {wanted.measurement}: it has {listed}.")]
    return []


def _range_faults(start_ms: int, end_ms: int, step_ms: int | None) -> list[Fault]:
    length = end_ms - start_ms
    if length <= 0:
        return [Fault("end", "end is not after start: swap them, or leave end out for now.")]
    if length > MAX_RANGE_MS:
        return [Fault("start", "start is more than ten years before end: ask for a shorter range.")]
    if step_ms is None:
        if length > MAX_RAW_MS:
            return [Fault("step", "step is missing: a range over 31 days needs one, such as step=1h.")]
        return []
    if length > MAX_POINTS * step_ms:
        needed = -(-length // MAX_POINTS)
        return [
            Fault(
                "step",
                f"step is too fine: this range has {-(-length // step_ms)} steps, the limit is {MAX_POINTS}; "
                f"give step={-(-needed // 60_000)}m or longer, or a shorter range.",
            )
        ]
    return []


def _aggregate(wanted: SeriesQuery, step_ms: int | None, faults: list[Fault]) -> Aggregate:
    entry = field_of(wanted.measurement, wanted.field)
    is_text = entry is not None and entry.kind is Kind.TEXT
    if wanted.aggregate is None:
        return Aggregate.LAST if is_text else Aggregate.MEAN
    if step_ms is None:
        faults.append(Fault("aggregate", "aggregate needs a step: add one such as step=5m, or leave aggregate out."))
    if is_text and wanted.aggregate not in {Aggregate.LAST, Aggregate.COUNT}:
        faults.append(
            Fault("aggregate", f"aggregate {wanted.aggregate} can't be of texts: use last or count for {wanted.field}.")
        )
    return wanted.aggregate
