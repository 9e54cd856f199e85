"""Records entered at a box: checked as if typed here, stored in the box's order, or given back with the reasons."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from aldea.model.forms import Checked, Definition, load_forms, sentence, validate
from aldea.model.forms.envelope import RecordVersion, read_envelope
from aldea.model.forms.values import read_day
from aldea.model.said import Said
from aldea.storage.register.commands import queue_command
from aldea.storage.register.device_forms import note_forms
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.record_moment import moment_at, only_programme, programmes_of
from aldea.storage.register.records import NewRecord, Origin, newest_version
from aldea.storage.register.site_records import (
    Resolution,
    ReturnedRecord,
    Taken,
    find_returned,
    give_back,
    newest_site_version,
    put_site_version,
    resolve_returned,
)
from aldea.storage.register.sites import find_site

if TYPE_CHECKING:
    from aldea.collector.commanding.rows import DocumentRow
    from aldea.storage.register import Unit
    from aldea.storage.register.sites import Site

_LOG = logging.getLogger(__name__)
RETURNED = "record_returned"
MOST_SENTENCES = 12
ANSWER_LASTS_MS = 60 * 86_400_000

Sentences = Mapping[str, list[str]]

WHY: Mapping[str, Mapping[str, str]] = {
    "form_unknown": {
        "es": "El servidor aún no conoce el formulario «{form}»: el registro queda guardado allá, y allá se captura.",
        "en": "The server does not know the form “{form}” yet: the record is kept there, and is entered there.",
    },
    "programme_unknown": {
        "es": "El sitio no está en el programa «{programme}»: elíjase otro programa.",
        "en": "The site is not in the programme “{programme}”: choose another programme.",
    },
    Taken.CORRECTED_HERE: {
        "es": "Este registro ya se corrigió en el servidor, y esa corrección vale. Lo que falte se corrige allá.",
        "en": "This record was corrected at the server meanwhile, and that correction counts. If something is missing, "
        "ask for it to be corrected there.",
    },
    Taken.OTHER_CONTENT: {
        "es": "El servidor ya tiene otro contenido con este número de versión: corríjase el registro otra vez, y se "
        "envía como versión nueva.",
        "en": "The server has other content under this version's number: correct the record again, and it is sent as a "
        "new version.",
    },
    Taken.OTHER_RECORD: {
        "es": "El servidor ya tiene un registro distinto con esta identificación: captúrese de nuevo.",
        "en": "The server has a different record under this identification: enter it anew.",
    },
}
"""Why a record is given back, where it is not a fault of its fields."""


def take_record(unit: Unit, row: DocumentRow) -> None:
    """Store what a row says, or give it back; the same row again changes nothing.

    Raises ValueError for a row that no box of ours writes, RegisterError for a site that is not registered.
    """
    sent = read_envelope(row.fields)
    site = find_site(unit, row.site)
    if site is None:
        raise UnknownEntryError(
            Said(f"site {row.site[:39]!r} is not registered", f"el sitio {row.site[:39]!r} no está registrado")
        )
    if find_returned(unit, site.id, sent.record, sent.version) is not None:
        return
    why = _taken(unit, row, sent, site)
    if not why:
        resolve_returned(unit, site.id, sent.record, sent.version - 1, Resolution.REPLACED, row.arrival_ms)
        return
    _give_back(unit, row, sent, site, why)


def take_forms(unit: Unit, row: DocumentRow) -> None:
    """Keep which forms a box has, and offer it newer ones. Raises RegisterError for a box that is not registered."""
    note_forms(unit, row.site, row.device, str(row.fields.get("versions") or ""), row.arrival_ms)


def _taken(unit: Unit, row: DocumentRow, sent: RecordVersion, site: Site) -> Sentences:
    """Store it; return why it could not be, by language: nothing where it was."""
    definition = load_forms().get(sent.form)
    if definition is None:
        return _said("form_unknown", form=sent.form)
    if sent.programme and sent.programme not in programmes_of(unit, site.id):
        return _said("programme_unknown", programme=sent.programme)
    checked = _checked(unit, row, sent, site, definition)
    if not checked.ok and sent.withdrawn:
        return _withdrawn_unread(unit, row, sent)
    if not checked.ok:
        faults = checked.faults[:MOST_SENTENCES]
        return {code: [sentence(fault, code) for fault in faults] for code in ("es", "en")}
    assert checked.event_date is not None
    new = replace(
        _new(row, sent, checked.event_date, checked.payload),
        programme=sent.programme or only_programme(unit, site, checked.event_date),
    )
    return _put(unit, new, sent)


def _put(unit: Unit, new: NewRecord, sent: RecordVersion) -> Sentences:
    taken = put_site_version(unit, new, sent.version)
    return {} if taken in {Taken.STORED, Taken.KNOWN} else _said(taken)


def _checked(unit: Unit, row: DocumentRow, sent: RecordVersion, site: Site, definition: Definition) -> Checked:
    typed = dict(sent.payload)
    if definition.event_from == "event_date":
        typed["event_date"] = sent.event_date
    return validate(definition, typed, moment_at(unit, site, sent.programme, row.arrival_ms), version=sent.form_version)


def _withdrawn_unread(unit: Unit, row: DocumentRow, sent: RecordVersion) -> Sentences:
    """Withdraw a record by a version whose content is not good: with the content that is stored, if there is any."""
    stored = newest_version(unit, sent.record)
    if stored is None:
        return {}
    new = replace(_new(row, sent, stored.event_date, stored.payload), programme=stored.programme)
    return _put(unit, new, sent)


def _new(row: DocumentRow, sent: RecordVersion, day: date, payload: Mapping[str, Any]) -> NewRecord:
    return NewRecord(
        site=row.site,
        form=sent.form,
        form_version=sent.form_version,
        event_date=day,
        payload=payload,
        created_ms=row.arrival_ms,
        source="agent",
        id=sent.record,
        reason=sent.reason or None,
        withdrawn=sent.withdrawn,
        origin=Origin(row.device, row.epoch, row.seq),
    )


def _programme(unit: Unit, site: Site, sent: RecordVersion, arrival_ms: int) -> str:
    """Return what a record that is given back is for, so that whoever looks after that programme alone sees it."""
    if sent.programme:
        return sent.programme
    now = moment_at(unit, site, "", arrival_ms).today
    then = read_day(sent.event_date)
    return (only_programme(unit, site, then) if then is not None else "") or only_programme(unit, site, now)


def _give_back(unit: Unit, row: DocumentRow, sent: RecordVersion, site: Site, why: Sentences) -> None:
    placed = replace(sent, programme=_programme(unit, site, sent, row.arrival_ms))
    new = ReturnedRecord(
        **{item.name: getattr(placed, item.name) for item in fields(placed)},
        site=row.site,
        device=row.device,
        sentences=why,
        arrived_ms=row.arrival_ms,
    )
    give_back(unit, new)
    if sent.version < newest_site_version(unit, sent.record):
        # A later version has been stored already: nobody has to see to this one.
        resolve_returned(unit, row.site, sent.record, sent.version, Resolution.REPLACED, row.arrival_ms)
        return
    # A copied disk may bring the same record from another place: each box hears of its own.
    place = hashlib.sha256(f"{row.site}/{row.device}".encode()).hexdigest()[:10]
    told = {"record": sent.record, "version": sent.version, "sentences": dict(why)}
    try:
        queue_command(
            unit,
            row.site,
            row.device,
            RETURNED,
            told,
            row.arrival_ms,
            row.arrival_ms + ANSWER_LASTS_MS,
            id=f"returned-{sent.record}-{sent.version}-{place}",
        )
    except RegisterError as error:
        _LOG.warning("%s/%s is not told that a record was given back: %s", row.site, row.device, error)


def _said(code: str, **words: str) -> Sentences:
    return {language: [text.format(**words)] for language, text in WHY[code].items()}
