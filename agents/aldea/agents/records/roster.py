"""The roster: who is behind a code. Names lie in this file alone, and half-filled forms beside them."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aldea.agents.records.store import Store
from aldea.model.forms.values import CODE, folded

NAME = "roster.db"
MOST_PEOPLE = 2_000
MOST_DRAFTS = 20
DRAFT_DAYS = 30
NAME_LIMIT = 80
SEXES = ("F", "M", "O")
AGE_BANDS = ("6-14", "15-24", "25-44", "45-64", "65+")
_APOSTROPHES = re.compile("['\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02be\u02bf\u02c8\u0060\u00b4\ua78b\ua78c]")
"""How phones write the glottal stop of Mayan names: one and the same, and often left out."""
_LETTERS = "ABCDEFGHJKMNPRTUVWXY"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS person (
    code TEXT PRIMARY KEY COLLATE NOCASE, name TEXT NOT NULL, sex TEXT NOT NULL, age_band TEXT NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS draft (
    id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE, form TEXT NOT NULL, content TEXT NOT NULL,
    kept_ms INTEGER
);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class RosterError(Exception):
    """Somebody cannot be put on the roster; `why` is a key of the page's sentences, `field` the field it is about.

    `wrong`: all that is wrong, by field.
    """

    def __init__(self, field: str, why: str, wrong: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why
        self.wrong = wrong or {field: why}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the village. `gone`: not offered any more; the code stays hers for good."""

    code: str
    name: str
    sex: str
    age_band: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that was sent and could not be stored yet: what was typed, by the token of the form."""

    token: str
    form: str
    content: Mapping[str, Any]


class Roster:
    """The people of this site, and drafts. Threads may share it. Raises sqlite3.Error when the disk does not allow."""

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder / NAME, _SCHEMA)
        with self._store.writing() as db:
            if "kept_ms" not in {row["name"] for row in db.execute("PRAGMA table_info(draft)")}:
                db.execute("ALTER TABLE draft ADD COLUMN kept_ms INTEGER")

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def leave_nothing(self) -> None:
        """Let nothing that was deleted lie in the file's log."""
        self._store.empty_log()

    # -- people

    def people(self, *, gone: bool = False) -> tuple[Person, ...]:
        """Return the people by name; with `gone` those who left as well."""
        where = "" if gone else "WHERE gone = 0"
        with self._store.reading() as db:
            rows = db.execute(f"SELECT * FROM person {where}").fetchall()  # noqa: S608 - our own constants
        return tuple(sorted(map(_person, rows), key=lambda person: (folded(person.name), person.code)))

    def find(self, code: str) -> Person | None:
        """Return the person with a code, gone or not."""
        with self._store.reading() as db:
            row = db.execute("SELECT * FROM person WHERE code = ?", (code,)).fetchone()
        return None if row is None else _person(row)

    def add(self, name: str, sex: str, age_band: str, code: str = "") -> Person:
        """Put somebody on the roster; without a code she gets the next one. Raises RosterError."""
        with self._store.writing() as db:
            code = _checked_code(db, code.strip().upper()) if code.strip() else _next_code(db)
            new = checked(Person(code, name, sex, age_band))
            (count,) = db.execute("SELECT count(*) FROM person").fetchone()
            if count >= MOST_PEOPLE:
                raise RosterError("name", "full")
            db.execute("INSERT INTO person VALUES (?, ?, ?, ?, 0)", (new.code, new.name, new.sex, new.age_band))
            return new

    def change(self, person: Person) -> None:
        """Replace what is known of the person with this code. Raises RosterError."""
        new = checked(person)
        with self._store.writing() as db:
            db.execute(
                "UPDATE person SET name = ?, sex = ?, age_band = ?, gone = ? WHERE code = ?",
                (new.name, new.sex, new.age_band, new.gone, new.code),
            )

    def put(self, people: tuple[Person, ...]) -> None:
        """Store people as they are, in place of those with the same code: from a backup. Raises RosterError."""
        with self._store.writing() as db:
            for person in people:
                new = checked(person)
                db.execute(
                    "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?, ?)",
                    (new.code, new.name, new.sex, new.age_band, new.gone),
                )
            (count,) = db.execute("SELECT count(*) FROM person").fetchone()
            if count > MOST_PEOPLE:
                raise RosterError("name", "full")

    def like(self, name: str, besides: str = "") -> tuple[Person, ...]:
        """Return the people who are called the same, but for accents and the order of the words."""
        wanted = _words(name)
        return tuple(
            person for person in self.people(gone=True) if person.code != besides and _words(person.name) == wanted
        )

    def named_in(self, texts: tuple[str, ...]) -> Person | None:
        """Return somebody whose whole name stands in one of the texts; None when nobody's does."""
        said = [f" {plain(text)} " for text in texts]
        for person in self.people(gone=True):
            name = plain(person.name)
            # A name of one word may be any word.
            if " " in name and any(f" {name} " in text for text in said):
                return person
        return None

    # -- half-filled forms

    def keep_draft(self, draft: Draft, kept_ms: int | None = None) -> None:
        """Keep what was typed, and when, if that is known; of too many drafts the oldest go."""
        with self._store.writing() as db:
            db.execute("DELETE FROM draft WHERE token = ?", (draft.token,))
            content = json.dumps(dict(draft.content), ensure_ascii=False)
            db.execute(
                "INSERT INTO draft (token, form, content, kept_ms) VALUES (?, ?, ?, ?)",
                (draft.token, draft.form, content, kept_ms),
            )
            db.execute(
                "DELETE FROM draft WHERE id NOT IN (SELECT id FROM draft ORDER BY id DESC LIMIT ?)", (MOST_DRAFTS,)
            )

    def drafts(self) -> tuple[Draft, ...]:
        """Return the drafts, the newest first."""
        with self._store.reading() as db:
            rows = db.execute("SELECT token, form, content FROM draft ORDER BY id DESC").fetchall()
        return tuple(Draft(row["token"], row["form"], json.loads(row["content"])) for row in rows)

    def draft(self, token: str) -> Draft | None:
        """Return the draft of a form, None when there is none."""
        return next((item for item in self.drafts() if item.token == token), None)

    def drop_draft(self, token: str) -> None:
        """Forget a draft."""
        with self._store.writing() as db:
            db.execute("DELETE FROM draft WHERE token = ?", (token,))

    def forget_drafts(self, now_ms: int) -> int:
        """Forget drafts that nobody has touched for DRAFT_DAYS; return how many. One of unknown age is new."""
        before_ms = now_ms - DRAFT_DAYS * 86_400_000
        due = "kept_ms IS NULL OR kept_ms < ? OR kept_ms > ?"
        with self._store.reading() as db:
            (count,) = db.execute(f"SELECT count(*) FROM draft WHERE {due}", (before_ms, now_ms)).fetchone()  # noqa: S608 - constant
        if not count:
            return 0
        with self._store.writing() as db:
            # A clock that was ahead must not keep a draft for ever.
            db.execute("UPDATE draft SET kept_ms = ? WHERE kept_ms IS NULL OR kept_ms > ?", (now_ms, now_ms))
            return db.execute("DELETE FROM draft WHERE kept_ms < ?", (before_ms,)).rowcount


def checked(person: Person) -> Person:
    """Return the person with her name tidied. Raises RosterError that names what is wrong."""
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in person.name).split())
    wrong = {
        "name": "" if 0 < len(name) <= NAME_LIMIT else "long_name" if name else "no_name",
        "sex": "" if person.sex in SEXES else "choose",
        "age_band": "" if person.age_band in AGE_BANDS else "choose",
        "code": "" if CODE.fullmatch(person.code) else "code_letters",
    }
    wrong = {field: why for field, why in wrong.items() if why}
    if wrong:
        raise RosterError(*next(iter(wrong.items())), wrong)
    return Person(person.code, name, person.sex, person.age_band, person.gone)


def _checked_code(db: sqlite3.Connection, code: str) -> str:
    if CODE.fullmatch(code) is None:
        raise RosterError("code", "code_letters")
    if db.execute("SELECT 1 FROM person WHERE code = ?", (code,)).fetchone() is not None:
        raise RosterError("code", "code_taken")
    return code


def _next_code(db: sqlite3.Connection) -> str:
    """Return the next code of this roster: letters of its own, so that two boxes of a site don't give the same one."""
    row = db.execute("SELECT value FROM meta WHERE name = 'letters'").fetchone()
    letters = row["value"] if row is not None else "".join(secrets.choice(_LETTERS) for _ in range(2))
    db.execute("INSERT OR REPLACE INTO meta VALUES ('letters', ?)", (letters,))
    row = db.execute("SELECT value FROM meta WHERE name = 'last_number'").fetchone()
    number = 0 if row is None else int(row["value"])
    while True:
        number += 1
        code = f"{letters}-{number:03}"
        if db.execute("SELECT 1 FROM person WHERE code = ?", (code,)).fetchone() is None:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('last_number', ?)", (str(number),))
            return code


def plain(text: str) -> str:
    """Return a name as it is compared: without accents, apostrophes and large letters."""
    return " ".join(re.findall(r"[^\W_]+", folded(_APOSTROPHES.sub("", text))))


def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted(plain(name).split()))


def _person(row: sqlite3.Row) -> Person:
    return Person(row["code"], row["name"], row["sex"], row["age_band"], bool(row["gone"]))
