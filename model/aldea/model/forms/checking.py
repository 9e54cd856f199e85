"""Checking a form: what was typed becomes a payload, or faults that name their fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from aldea.model.forms.definition import OMITTED, Definition, Field, Kind, Rule
from aldea.model.forms.sentences import GIVEN_LIMIT, Fault
from aldea.model.forms.typed import Typed, is_blank, text_of
from aldea.model.forms.values import Moment, WrongValue, read_day, read_month, read_value

__all__ = ["Checked", "Moment", "validate"]

EVENT_DATE = "event_date"
Words = dict[str, str | Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check. With faults there is no payload; `typed` is kept either way.

    `event_date` is when it happened; it is not part of the payload.
    """

    typed: Typed
    payload: Mapping[str, Any]
    event_date: date | None
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether it can be stored."""
        return not self.faults


def validate(definition: Definition, typed: Typed, moment: Moment, *, version: str = "") -> Checked:
    """Check what was typed (or a JSON payload with `event_date`) against a form.

    Never raises for what people type: every fault is in the result, by path. Rows in which nothing was typed are
    passed over. `version`: of the form that the sender had; fields this definition does not know are kept when
    that is a newer one, and are faults else.
    """
    faults: list[Fault] = []
    payload = _fields(definition.fields, typed, "", moment, faults)
    for field in definition.groups:
        payload.update(_rows(field, typed, moment, faults))
    extra = {name: typed[name] for name in typed if name != EVENT_DATE and definition.field(name) is None}
    payload.update(extra)
    newer = version.isdecimal() and int(version) > int(definition.version)
    if not newer:
        faults.extend(_unknown("", extra, definition.fields))
        for field in definition.groups:
            for place, row in enumerate(payload.get(field.name, ())):
                more = [name for name in row if field.field(name) is None]
                faults.extend(_unknown(f"{field.name}.{place}.", more, field.fields))
    if not faults:
        _fill_defaults(definition, payload)
        faults.extend(_broken_rules(definition, payload))
    event = None if faults else _event_date(definition, payload, moment)
    if event is not None:
        faults.extend(_too_late(definition, event, payload, moment))
    payload.pop(EVENT_DATE, None)
    return Checked(typed, {} if faults else payload, event, tuple(faults))


def _fields(
    fields: tuple[Field, ...], typed: Typed, prefix: str, moment: Moment, faults: list[Fault]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        if field.kind is Kind.ROWS:
            continue
        try:
            value = _one(field, typed.get(field.name), moment)
        except WrongValue as wrong:
            faults.append(Fault(prefix + field.name, wrong.code, field.label, wrong.words))
            continue
        if value is not OMITTED:
            found[field.name] = value
    return found


def _one(field: Field, given: object, moment: Moment) -> object:
    if is_blank(given):
        if field.required:
            raise WrongValue("choose" if field.kind in {Kind.CHOICE, Kind.YES_NO} else "required")
        return field.blank
    if not isinstance(given, str | int | float):
        raise WrongValue("not_text")
    return read_value(field, text_of(given), moment)


def _rows(field: Field, typed: Typed, moment: Moment, faults: list[Fault]) -> dict[str, Any]:
    given = typed.get(field.name)
    rows = given if isinstance(given, list | tuple) else ()
    if not is_blank(given) and (rows is not given or not all(isinstance(row, Mapping) for row in rows)):
        faults.append(Fault(field.name, "not_rows", field.label))
        return {}
    filled = [(place, row) for place, row in enumerate(rows) if not all(is_blank(value) for value in row.values())]
    if field.required and not filled:
        faults.append(Fault(field.name, "no_rows", field.label))
    if len(filled) > field.max_rows:
        words = {"length": str(len(filled)), "limit": str(field.max_rows)}
        faults.append(Fault(field.name, "too_many_rows", field.label, words))
        return {}
    columns = {column.name for column in field.fields}
    found = []
    for place, row in filled:
        extra = {name: value for name, value in row.items() if name not in columns}
        found.append({**extra, **_fields(field.fields, row, f"{field.name}.{place}.", moment, faults)})
    faults.extend(_repeated(field, [place for place, _ in filled], found))
    return {} if field.omit_empty and not found else {field.name: found}


def _unknown(prefix: str, names: Iterable[str], fields: tuple[Field, ...]) -> Iterator[Fault]:
    for name in names:
        words = {"choices": ", ".join(field.name for field in fields)}
        yield Fault(prefix + name[:GIVEN_LIMIT], "unknown", {}, words)


def _repeated(field: Field, places: list[int], rows: list[dict[str, Any]]) -> Iterator[Fault]:
    column = field.field(field.unique)
    seen: dict[str, int] = {}
    for place, row in zip(places, rows, strict=True):
        key = str(row.get(field.unique, "")).upper()
        if column is None or not key:
            continue
        if key in seen:
            words = {"given": str(row[field.unique]), "limit": str(seen[key] + 1)}
            yield Fault(f"{field.name}.{place}.{field.unique}", "repeated", column.label, words)
        seen.setdefault(key, place)


def _fill_defaults(definition: Definition, payload: dict[str, Any]) -> None:
    for group in definition.groups:
        for column in group.fields:
            for row in payload.get(group.name, ()) if column.default_from else ():
                row.setdefault(column.name, payload.get(column.default_from))


def _broken_rules(definition: Definition, payload: Mapping[str, Any]) -> Iterator[Fault]:
    for rule in definition.rules:
        if rule.kind == "some":
            yield from _some(definition, rule, payload)
        elif not rule.rows:
            yield from _pair(definition, rule, payload, {}, "")
        else:
            for place, row in enumerate(payload.get(rule.rows, ())):
                yield from _pair(definition, rule, payload, row, f"{rule.rows}.{place}.")


def _some(definition: Definition, rule: Rule, payload: Mapping[str, Any]) -> Iterator[Fault]:
    if not any(payload.get(name) for name in rule.fields):
        fields = [field for field in definition.fields if field.name in rule.fields]
        words = {code: ", ".join(field.label.get(code, field.name) for field in fields) for code in ("es", "en")}
        yield Fault(rule.fields[0], "none_of", definition.title, {"choices": words})


def _pair(
    definition: Definition, rule: Rule, payload: Mapping[str, Any], row: Mapping[str, Any], prefix: str
) -> Iterator[Fault]:
    first, second = (row.get(name, payload.get(name)) for name in rule.fields)
    if first is None or second is None:
        return
    labels = [_label(definition, rule, name) for name in rule.fields]
    words: Words
    if rule.kind == "order" and second < first:
        words = {"given": _said(second), "limit": _said(first), "other": labels[0]}
        yield Fault(prefix + rule.fields[1], "before_other", labels[1], words)
    if rule.kind == "at_most" and first > second:
        words = {"given": text_of(first), "limit": text_of(second), "other": labels[1]}
        yield Fault(prefix + rule.fields[0], "more_than_other", labels[0], words)


def _label(definition: Definition, rule: Rule, name: str) -> Mapping[str, str]:
    group = definition.field(rule.rows)
    field = (group.field(name) if group is not None else None) or definition.field(name)
    return {} if field is None else field.label


def _said(value: object) -> str:
    return str(value).replace("T", " ")


def _too_late(definition: Definition, event: date, payload: Mapping[str, Any], moment: Moment) -> Iterator[Fault]:
    """Say so of what happened after the programme's end; a month counts by its first day."""
    first = event if read_month(str(payload.get(definition.event_from, ""))) is None else event.replace(day=1)
    if moment.latest is None or definition.after_end or first <= moment.latest:
        return
    field = definition.field(definition.event_from)
    words = {"given": first.isoformat(), "limit": moment.latest.isoformat()}
    yield Fault(definition.event_from, "too_late", {} if field is None else field.label, words)


def _event_date(definition: Definition, payload: Mapping[str, Any], moment: Moment) -> date | None:
    """Return the day it happened; for a month its last day, or today while it lasts."""
    text = str(payload.get(definition.event_from, ""))
    month = read_month(text)
    if month is not None:
        last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return min(last, moment.today)
    return read_day(text[:10])
