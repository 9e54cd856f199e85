"""Profiles of settings for agents: named documents, with what they said before, and which site has which."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy import insert as plain_insert

from aldea.model.overlays import is_too_deep
from aldea.model.sample import is_id
from aldea.storage.register import profile_words as words
from aldea.storage.register.encoding import clean_text, encode_json, plain
from aldea.storage.register.errors import RegisterConflictError, RegisterError, UnknownEntryError
from aldea.storage.register.facts import lock_site
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import find_site
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import settings_history, settings_profile, site_profile

MOST_BYTES = 12_000
"""A document fits into one command, with room for what the server adds to it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: its document as under `[agent]`, and who changed it last. `sites` counts those that have it."""

    id: str
    name: str
    document: Mapping[str, Any]
    revision: int = 1
    changed_by: str | None = None
    changed_ms: int = 0
    sites: int = 0


@dataclass(frozen=True, slots=True)
class PastDocument:
    """What a profile or a device's differences said from `changed_ms` on."""

    revision: int
    name: str
    document: Mapping[str, Any]
    changed_by: str | None
    changed_ms: int


def add_profile(unit: Unit, new: Profile) -> Profile:
    """Register a profile; return it.

    Raises RegisterError for a value that can't be, RegisterConflictError for a taken id.
    """
    values = _values(new)
    if find_profile(unit, new.id) is not None:
        raise RegisterConflictError(words.taken(new.id))
    unit.connection.execute(plain_insert(settings_profile).values(id=new.id, revision=1, **values))
    keep_past(unit, subject_of(new.id), PastDocument(1, new.name, values["document"], new.changed_by, new.changed_ms))
    return existing_profile(unit, new.id)


def change_profile(unit: Unit, changed: Profile) -> Profile:
    """Change a profile's name and document; `changed.revision` is the one that was looked at. Return it as it is then.

    Raises RegisterError for a value that can't be, UnknownEntryError for none, RegisterConflictError where somebody
    else changed it meanwhile.
    """
    values = _values(changed)
    found = existing_profile(unit, changed.id)
    if found.revision == changed.revision and (found.name, found.document) == (changed.name, values["document"]):
        return found
    revision = changed.revision + 1
    same = (settings_profile.c.id == changed.id, settings_profile.c.revision == changed.revision)
    done = unit.connection.execute(update(settings_profile).where(*same).values(revision=revision, **values))
    if not done.rowcount:
        raise RegisterConflictError(words.changed_meanwhile(changed.id, found.revision))
    past = PastDocument(revision, changed.name, values["document"], changed.changed_by, changed.changed_ms)
    keep_past(unit, subject_of(changed.id), past)
    return existing_profile(unit, changed.id)


def delete_profile(unit: Unit, profile_id: str) -> None:
    """Delete a profile that no site has. Raises UnknownEntryError, RegisterConflictError for one in use."""
    found = existing_profile(unit, profile_id)
    if found.sites:
        raise RegisterConflictError(words.in_use(profile_id, found.sites))
    unit.connection.execute(delete(settings_history).where(settings_history.c.subject == subject_of(profile_id)))
    unit.connection.execute(delete(settings_profile).where(settings_profile.c.id == profile_id))


def list_profiles(unit: Unit) -> tuple[Profile, ...]:
    """Return the profiles by id."""
    return tuple(_profiles(unit))


def find_profile(unit: Unit, profile_id: str) -> Profile | None:
    """Return one profile, or None."""
    return next(_profiles(unit, profile_id), None)


def existing_profile(unit: Unit, profile_id: str) -> Profile:
    """Return one profile. Raises UnknownEntryError."""
    found = find_profile(unit, profile_id)
    if found is None:
        raise UnknownEntryError(words.no_profile(profile_id))
    return found


def profile_of(unit: Unit, site: str) -> str | None:
    """Return the id of the site's profile, or None."""
    wanted = select(site_profile.c.profile).where(site_profile.c.site == site)
    return unit.connection.execute(wanted).scalar_one_or_none()


def assign_profile(unit: Unit, sites: Collection[str], profile_id: str | None) -> int:
    """Give sites a profile, or none; say for how many that is new. Nothing is sent.

    Raises UnknownEntryError for a site or a profile that is not there, RegisterError for a simulated site.
    """
    if profile_id is not None:
        existing_profile(unit, profile_id)
    changed = 0
    for site in sorted(set(sites)):
        found = find_site(unit, site)
        if found is None:
            raise UnknownEntryError(words.no_site(site))
        if found.simulated:
            raise RegisterError(words.simulated(site))
        changed += _assign(unit, site, profile_id)
    return changed


def _assign(unit: Unit, site: str, profile_id: str | None) -> bool:
    lock_site(unit, site)
    before = profile_of(unit, site)
    if before == profile_id:
        return False
    if profile_id is None:
        unit.connection.execute(delete(site_profile).where(site_profile.c.site == site))
        return True
    statement = insert(unit, site_profile)
    unit.connection.execute(
        statement.on_conflict_do_update(index_elements=["site"], set_={"profile": statement.excluded.profile}),
        {"site": site, "profile": profile_id},
    )
    return True


def subject_of(profile_id: str) -> str:
    """Return the profile's name in the history."""
    return f"profile:{profile_id}"


def keep_past(unit: Unit, subject: str, past: PastDocument) -> None:
    """Write down a revision, once."""
    unit.connection.execute(
        plain_insert(settings_history).values(
            subject=subject,
            revision=past.revision,
            name=past.name,
            document=past.document,
            changed_by=past.changed_by,
            changed_at_ms=past.changed_ms,
        )
    )


def history_of(unit: Unit, subject: str, limit: int = 100) -> tuple[PastDocument, ...]:
    """Return what a subject has said, the newest first."""
    wanted = select(settings_history).where(settings_history.c.subject == subject)
    rows = unit.connection.execute(wanted.order_by(settings_history.c.revision.desc()).limit(limit))
    return tuple(PastDocument(row.revision, row.name, row.document, row.changed_by, row.changed_at_ms) for row in rows)


def clean_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document as it is stored. Raises RegisterError for one that is no JSON, or too large for a command."""
    if is_too_deep(document):
        raise RegisterError(words.too_deep())
    try:
        stored = plain(dict(document))
        size = len(encode_json(stored).encode())
    except (TypeError, ValueError) as error:
        raise RegisterError(words.not_json(error)) from error
    if size > MOST_BYTES:
        raise RegisterError(words.too_large(size, MOST_BYTES))
    assert isinstance(stored, dict)
    return stored


def _profiles(unit: Unit, profile_id: str | None = None) -> Iterator[Profile]:
    sites = (
        select(func.count())
        .where(site_profile.c.profile == settings_profile.c.id)
        .correlate(settings_profile)
        .scalar_subquery()
        .label("sites")
    )
    wanted = select(settings_profile, sites).order_by(settings_profile.c.id)
    if profile_id is not None:
        wanted = wanted.where(settings_profile.c.id == profile_id)
    for row in unit.connection.execute(wanted):
        yield _profile(row)


def _profile(row: Row[Any]) -> Profile:
    return Profile(
        id=row.id,
        name=row.name,
        document=row.document,
        revision=row.revision,
        changed_by=row.changed_by,
        changed_ms=row.changed_at_ms,
        sites=row.sites,
    )


def _values(new: Profile) -> dict[str, Any]:
    if not is_id(new.id):
        raise RegisterError(words.bad_id())
    if not new.name.strip() or len(new.name) > 120 or clean_text(new.name) != new.name:
        raise RegisterError(words.bad_name())
    return {
        "name": new.name,
        "document": clean_document(new.document),
        "changed_by": None if new.changed_by is None else clean_text(new.changed_by)[:120],
        "changed_at_ms": new.changed_ms,
    }
