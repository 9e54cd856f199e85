"""The register itself: opening, migrating, and units of work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy import text as sql
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from aldea.model.said import Said
from aldea.storage.register.engine import BEGIN_OPTION, make_engine
from aldea.storage.register.errors import (
    RegisterConflictError,
    RegisterError,
    RegisterUnavailableError,
    RegisterValueError,
)

NEWEST = "0016"
"""The newest migration: which tables this version of Aldea needs."""


_THE_REGISTER = Said("the register", "el registro")


@contextmanager
def database_errors(name: Said) -> Iterator[None]:
    """Raise what the database says as RegisterError; `name` is the register's."""
    try:
        yield
    except IntegrityError as error:
        raise RegisterConflictError(
            Said(f"{name} refused the change: {error.orig}", f"{name.es} rechazó el cambio: {error.orig}")
        ) from error
    except OperationalError as error:
        raise RegisterUnavailableError(
            Said(f"{name} is not available: {error.orig}", f"{name.es} no está disponible: {error.orig}")
        ) from error
    except (DataError, OverflowError, UnicodeEncodeError) as error:
        raise RegisterValueError(
            Said(
                "a number is too large, a text too long, or a character is none: look at the values and send them "
                "again",
                "un número es demasiado grande, un texto demasiado largo, o un carácter no lo es: revisar los valores "
                "y enviarlos otra vez",
            )
        ) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise RegisterUnavailableError(
                Said(f"the connection to {name} broke", f"se cortó la conexión con {name.es}")
            ) from error
        raise RegisterError(
            Said(f"{name} can't do that: {error.orig}", f"{name.es} no puede hacer eso: {error.orig}")
        ) from error


class Unit:
    """One transaction. The register's functions take it first; it is of no use after its `with` block."""

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is written within, and nothing else, when it raises; the unit can be used on.

        What the database refuses is raised as RegisterError, as at the end of a unit.
        """
        with database_errors(_THE_REGISTER), self.connection.begin_nested():
            yield

    @property
    def is_postgresql(self) -> bool:
        """Whether the register is a PostgreSQL database (else it is SQLite)."""
        return self.connection.dialect.name == "postgresql"


class Register:
    """A database of sites, people and operations. Safe to share between threads, not across a fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __str__(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self) -> Iterator[Unit]:
        """Yield a unit of work that is committed at the end, or rolled back by an exception.

        On SQLite the write lock is taken at the start, so that what is read stays true until the commit.
        Raises RegisterUnavailableError when the database can't do it now (try the whole unit again), and
        RegisterConflictError when it contradicts what is stored.
        """
        with database_errors(Said(f"the register {self}", f"el registro {self}")), self._engine.connect() as connection:
            connection.execution_options(**{BEGIN_OPTION: "BEGIN IMMEDIATE"})
            with connection.begin():
                yield Unit(connection)

    @contextmanager
    def reading(self) -> Iterator[Unit]:
        """Yield a unit that sees one consistent state and can't write; it never waits for writers."""
        with database_errors(Said(f"the register {self}", f"el registro {self}")), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with connection.begin():
                    yield Unit(connection)
            else:
                with connection.begin(), _query_only(connection):
                    yield Unit(connection)

    def migrate(self) -> None:
        """Bring the database to this version's tables; several processes may call it at once.

        Raises RegisterError when the database was written by a newer version.
        """
        if self._revision() == NEWEST:
            return
        from aldea.storage.register.migrating import upgrade  # noqa: PLC0415 - slow to load, seldom needed

        with self.transaction() as unit:
            upgrade(unit, str(self))

    def check(self) -> None:
        """Raise RegisterError unless the database answers and has exactly this version's tables."""
        if (found := self._revision()) != NEWEST:
            raise RegisterError(
                Said(
                    f"the register {self} has tables of version {found or 'none'}, this program needs {NEWEST}: "
                    "run `aldea migrate`",
                    f"el registro {self} tiene tablas de la versión {found or 'ninguna'} y este programa necesita "
                    f"{NEWEST}: ejecutar `aldea migrate`",
                )
            )

    def _revision(self) -> str | None:
        """Return which tables the database has; None for none of ours."""
        with self.reading() as unit:
            if not inspect(unit.connection).has_table("alembic_version"):
                return None
            found: str | None = unit.connection.scalar(sql("SELECT version_num FROM alembic_version"))
            return found

    def close(self) -> None:
        """Close every idle connection."""
        self._engine.dispose()


def open_register(url: str) -> Register:
    """Open the register at `sqlite:///path` or `postgresql+psycopg://user@host/database`.

    Makes the file and its folder for SQLite; does not migrate. Raises RegisterError for any other URL, or where
    the file cannot be made.
    """
    return Register(make_engine(url))


@contextmanager
def _query_only(connection: Connection) -> Iterator[None]:
    connection.exec_driver_sql("PRAGMA query_only = ON")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
