"""Taking records in: one way for the pages, the API and files, with the same checks and the same sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import scope_of
from aldea.dashboard_api.access.visitor import SiteScope, Visitor
from aldea.dashboard_api.problems import Problem
from aldea.model.forms import Checked, Definition, load_forms, validate
from aldea.storage.register.programmes import list_programmes
from aldea.storage.register.record_moment import NO_PROGRAMME, moment_at, programmes_of
from aldea.storage.register.records import NewRecord, Record, put_record
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, find_site

RECORD = Permission.RECORD


@dataclass(frozen=True, slots=True)
class Intake:
    """What somebody wants to store, as it came: `typed` by field, the envelope around it."""

    definition: Definition
    site: str
    programme: str
    typed: Mapping[str, Any]
    version: str = ""
    token: str | None = None
    record: str | None = None
    supersedes: int | None = None
    reason: str | None = None
    source: str = "web"


def form_called(name: str) -> Definition:
    """Return a form's definition. Raises Problem (404) that lists the forms."""
    found = load_forms().get(name)
    if found is None:
        raise Problem(404, f"There is no form {name[:40]!r}: use one of {', '.join(load_forms())}.")
    return found


def writable_site(unit: Unit, visitor: Visitor, site_id: str, now_ms: int) -> Site:
    """Return the site. Raises Problem: 404 where there is none that this visitor may enter records for."""
    site = find_site(unit, site_id)
    if site is None or not visitor.may(RECORD, scope_of(unit, site_id, now_ms)):
        raise Problem(404, f"There is no site {site_id[:39]!r} that you may enter records for.")
    return site


def covers(visitor: Visitor, scope: SiteScope, programme: str) -> bool:
    """Whether a visitor may see and change a record of `programme` at a site of `scope`.

    Who has a right for one programme alone has it for that programme's records alone.
    """
    if visitor.demo:
        return True
    return any(
        RECORD in held.permissions and held.covers(scope) and held.programme in {"", programme} for held in visitor.held
    )


def own_programmes(visitor: Visitor) -> frozenset[str] | None:
    """Return the programmes a visitor's rights are limited to; None where there is a right for all of them."""
    held = [item.programme for item in visitor.held if RECORD in item.permissions]
    return None if visitor.demo or NO_PROGRAMME in held else frozenset(held)


def programme_choices(unit: Unit, visitor: Visitor, site: Site, now_ms: int) -> tuple[str, ...]:
    """Return the programmes that a visitor may enter records of a site for; '' is none in particular.

    Those with an entry of their own come first.
    """
    scope = scope_of(unit, site.id, now_ms)
    entered = {programme.id for programme in list_programmes(unit)}
    known = (*sorted(programmes_of(unit, site.id), key=lambda name: (name not in entered, name)), NO_PROGRAMME)
    return tuple(name for name in known if covers(visitor, scope, name))


def check(unit: Unit, intake: Intake, site: Site, now_ms: int) -> Checked:
    """Check what was typed against its form, at the site's own day."""
    moment = moment_at(unit, site, intake.programme, now_ms)
    return validate(intake.definition, intake.typed, moment, version=intake.version)


def store(unit: Unit, intake: Intake, checked: Checked, visitor: Visitor, now_ms: int) -> Record:
    """Store what has been checked. Raises RegisterConflictError as `put_record` does."""
    assert checked.ok
    assert checked.event_date is not None
    return put_record(unit, new_record(intake, checked, visitor.person, now_ms))


def new_record(intake: Intake, checked: Checked, author: str | None, now_ms: int) -> NewRecord:
    """Return the record to be stored."""
    definition = intake.definition
    return NewRecord(
        site=intake.site,
        form=definition.id,
        form_version=intake.version or definition.version,
        event_date=checked.event_date or date.min,
        payload=checked.payload,
        created_ms=now_ms,
        programme=intake.programme,
        source=intake.source,
        author=author,
        id=intake.record,
        supersedes=intake.supersedes,
        reason=intake.reason or None,
        token=intake.token,
    )


def with_programme(intake: Intake, choices: tuple[str, ...]) -> Intake:
    """Return the intake with the only programme it can be for, if none was named and '' is not to be had."""
    if intake.programme or NO_PROGRAMME in choices or len(choices) != 1:
        return intake
    return replace(intake, programme=choices[0])
