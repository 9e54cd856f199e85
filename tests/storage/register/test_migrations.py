"""The tables and the migrations say the same, and a register opens or says why not."""

from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from aldea.storage.register import RegisterError, RegisterUnavailableError, open_register
from aldea.storage.register.migrating import migration_config
from aldea.storage.register.register import NEWEST
from aldea.storage.register.tables import metadata

if TYPE_CHECKING:
    from pathlib import Path


def test_after_migrating_autogenerate_finds_nothing_to_do(empty_url: str) -> None:
    register = open_register(empty_url)
    register.migrate()
    register.check()
    with register.transaction() as unit:
        context = MigrationContext.configure(unit.connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    register.close()


def test_the_version_that_a_register_is_asked_for_is_that_of_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(migration_config()).get_current_head() == NEWEST


def test_the_partial_indexes_are_partial_in_the_database(empty_url: str) -> None:
    register = open_register(empty_url)
    register.migrate()
    with register.transaction() as unit:
        found = {
            index["name"]
            for table in metadata.tables
            for index in inspect(unit.connection).get_indexes(table)
            if any("where" in option for option in index.get("dialect_options", {}))
        }
    register.close()
    assert found >= {"uq_site_state_open", "uq_site_fact_open", "uq_device_primary", "uq_broker_credential_valid"}


def test_downgrading_leaves_no_table_of_ours(empty_url: str) -> None:
    register = open_register(empty_url)
    register.migrate()
    with register.transaction() as unit:
        config = migration_config()
        config.attributes["connection"] = unit.connection
        command.downgrade(config, "base")
        assert inspect(unit.connection).get_table_names() == ["alembic_version"]
    register.close()


def test_migrating_twice_and_at_once_is_harmless(empty_url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        register = open_register(empty_url)
        try:
            register.migrate()
            register.check()
        except BaseException as error:  # noqa: BLE001  # carried to the test's own thread
            failures.append(error)
        finally:
            register.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_register_without_tables_says_what_to_run(empty_url: str) -> None:
    register = open_register(empty_url)
    with pytest.raises(RegisterError, match="aldea migrate"):
        register.check()
    register.close()


def test_a_register_of_a_newer_version_is_refused_and_left_alone(empty_url: str) -> None:
    register = open_register(empty_url)
    register.migrate()
    with register.transaction() as unit:
        unit.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RegisterError, match="newer Aldea"):
        register.migrate()
    with register.reading() as unit:
        assert unit.connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    register.close()


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("mysql://x/y", "mysql"),
        ("sqlite://", "no file"),
        ("sqlite:///:memory:", "no file"),
        ("nonsense", "can't be read"),
        ("postgresql+asyncpg://x/y", "asyncpg"),
    ],
)
def test_a_url_that_is_no_register_is_refused_in_a_sentence(url: str, word: str) -> None:
    with pytest.raises(RegisterError, match=word):
        open_register(url)


def test_a_server_that_is_away_is_unavailable_and_its_password_is_not_told() -> None:
    register = open_register("postgresql+psycopg://aldea:hush@127.0.0.1:1/aldea")
    with pytest.raises(RegisterUnavailableError) as caught, register.transaction():
        pass
    assert "hush" not in str(caught.value)


def test_the_sqlite_file_is_durable_keeps_its_promises_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "register.db"
    register = open_register(f"sqlite:///{path}")
    with register.transaction() as unit:
        read = unit.connection.exec_driver_sql
        assert read("PRAGMA journal_mode").scalar() == "wal"
        assert read("PRAGMA synchronous").scalar() == 2
        assert read("PRAGMA foreign_keys").scalar() == 1
    register.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
