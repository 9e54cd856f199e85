"""People, grants, passwords, sessions, tokens and attempts, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import inspect, select

from aldea.storage.register import Register, RegisterConflictError, RegisterError, open_register
from aldea.storage.register.attempts import ACCOUNT, ADDRESS, EASE_MS, FORGET_MS, PAIR, begin_attempt, forgive
from aldea.storage.register.audit import audit, list_audit
from aldea.storage.register.errors import RegisterValueError
from aldea.storage.register.migrating import migration_config
from aldea.storage.register.passwords import keep_hash, kept_hash, make_link, person_of_link, use_link
from aldea.storage.register.people import (
    Grant,
    add_person,
    end_grant,
    find_person,
    give_role,
    grants_of,
    has_administrator,
    set_disabled,
)
from aldea.storage.register.sessions import IDLE_MS, LONGEST_MS, end_sessions_of, find_session, start_session
from aldea.storage.register.tables import api_token, sign_in_attempt, web_session
from aldea.storage.register.tokens import find_token, make_token, revoke_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aldea.storage.register import Unit

NOW = 1_795_366_800_000
DAY = 86_400_000
TABLES = {"password", "password_link", "web_session", "api_token", "sign_in_attempt", "audit_entry", "role_grant"}


@pytest.fixture
def unit(register: Register) -> Iterator[Unit]:
    """A transaction with a person in it."""
    with register.transaction() as found:
        add_person(found, "maria", "María", NOW)
        yield found


def test_the_tables_of_accounts_come_and_go_with_their_migration(empty_url: str) -> None:
    register = open_register(empty_url)
    register.migrate()
    with register.transaction() as unit:
        config = migration_config()
        config.attributes["connection"] = unit.connection
        assert set(inspect(unit.connection).get_table_names()) >= TABLES
        command.downgrade(config, "0008")
        assert not (TABLES - {"role_grant"}) & set(inspect(unit.connection).get_table_names())
        command.upgrade(config, "head")
        add_person(unit, "maria", "María", NOW)
        give_role(unit, Grant("maria", "admin", "", "", NOW, None))
        keep_hash(unit, "maria", "digest", NOW)
        assert has_administrator(unit)
    register.close()


def test_five_failures_are_free_then_each_waits_twice_as_long(unit: Unit) -> None:
    waits = [PAIR.wait_ms(failures) for failures in range(1, 20)]
    assert waits[:7] == [0, 0, 0, 0, 5_000, 10_000, 20_000]
    assert waits[-1] == PAIR.longest_ms
    at = NOW
    for _ in range(5):
        assert begin_attempt(unit, "maria", "10.0.0.1", at) == 0
    assert begin_attempt(unit, "maria", "10.0.0.1", at + 1) == 4_999
    assert begin_attempt(unit, "MARIA ", "10.0.0.1", at + 1) == 4_999, "the same name"
    assert begin_attempt(unit, "maria", "10.0.0.2", at + 1) == 0, "its owner, from elsewhere"
    assert begin_attempt(unit, "maria", "10.0.0.1", at + 5_000) == 0
    assert begin_attempt(unit, "maria", "10.0.0.1", at + 5_001) == 9_999


def test_a_waiting_attempt_is_not_counted_so_that_nobody_is_kept_out_for_ever(unit: Unit) -> None:
    for _ in range(5):
        begin_attempt(unit, "maria", "10.0.0.1", NOW)
    for millisecond in range(100):
        assert begin_attempt(unit, "maria", "10.0.0.1", NOW + millisecond) > 0
    assert begin_attempt(unit, "maria", "10.0.0.1", NOW + 5_000) == 0


def test_one_address_that_tries_many_names_is_slowed_down(unit: Unit) -> None:
    for number in range(ADDRESS.free):
        assert begin_attempt(unit, f"name-{number}", "10.0.0.9", NOW) == 0
    assert begin_attempt(unit, "another", "10.0.0.9", NOW + 1) > 0
    assert begin_attempt(unit, "another", "10.0.0.8", NOW + 1) == 0


def test_one_account_that_is_tried_from_many_addresses_is_slowed_down_for_a_minute_at_most(unit: Unit) -> None:
    at = NOW
    for number in range(ACCOUNT.free + 20):
        at += begin_attempt(unit, "maria", f"10.0.{number}.1", at)
    assert 0 < begin_attempt(unit, "maria", "192.0.2.1", at) <= 60_000


def test_a_right_password_frees_the_account_and_not_the_address(unit: Unit) -> None:
    for number in range(ADDRESS.free - 1):
        begin_attempt(unit, f"name-{number}", "10.0.0.9", NOW)
    begin_attempt(unit, "mine", "10.0.0.9", NOW)
    forgive(unit, "mine", "10.0.0.9")
    assert begin_attempt(unit, "other", "10.0.0.9", NOW + 1) == 0
    assert begin_attempt(unit, "other", "10.0.0.9", NOW + 2) > 0


def test_failures_ease_and_are_forgotten(unit: Unit) -> None:
    for _ in range(5):
        begin_attempt(unit, "maria", "10.0.0.1", NOW)
    later = NOW + 5 * EASE_MS
    assert [begin_attempt(unit, "maria", "10.0.0.1", later) for _ in range(5)] == [0] * 5
    begin_attempt(unit, "x", "10.0.0.3", later + FORGET_MS)
    keys = unit.connection.execute(select(sign_in_attempt.c.key)).scalars().all()
    assert len(keys) == 3, "only those of the last attempt"
    assert all(len(key) == 64 and "maria" not in key for key in keys)


def test_a_link_is_kept_as_a_digest_works_once_and_ends(unit: Unit) -> None:
    first, code = make_link(unit, "maria", NOW), make_link(unit, "maria", NOW)
    assert person_of_link(unit, first, NOW) is None, "a newer one has taken its place"
    assert person_of_link(unit, code, NOW + 3 * DAY) is None
    assert use_link(unit, code, "digest", NOW + 1) == "maria"
    assert kept_hash(unit, "maria") == "digest"
    with pytest.raises(RegisterError, match="used already"):
        use_link(unit, code, "other", NOW + 2)


def test_sessions_end_when_idle_when_old_and_when_told(unit: Unit) -> None:
    token = start_session(unit, "maria", NOW, "10.0.0.1" * 20, "x" * 999)
    assert find_session(unit, token, NOW + IDLE_MS - 1) is not None
    assert find_session(unit, token, NOW + IDLE_MS) is None
    other = start_session(unit, "maria", NOW)
    assert token not in unit.connection.execute(select(web_session.c.digest)).scalars().all()
    assert end_sessions_of(unit, "maria") == 2
    assert find_session(unit, other, NOW) is None
    start_session(unit, "maria", NOW)
    start_session(unit, "maria", NOW + LONGEST_MS)
    assert end_sessions_of(unit, "maria") == 1, "the old one was removed by the way"


def test_a_token_is_kept_as_a_digest_and_ends_and_is_revoked_by_its_owner_alone(unit: Unit) -> None:
    add_person(unit, "beto", "Beto", NOW)
    secret, token = make_token(unit, "maria", "Grafana", ["view"], NOW, expires_ms=NOW + DAY)
    assert secret not in str(unit.connection.execute(select(api_token)).all())
    assert find_token(unit, secret, NOW + DAY - 1) == token
    assert find_token(unit, secret, NOW + DAY) is None
    with pytest.raises(RegisterError, match="has no token"):
        revoke_token(unit, "beto", token.id, NOW)
    revoke_token(unit, "maria", token.id, NOW)
    assert find_token(unit, secret, NOW) is None


def test_grants_hold_from_and_until_and_not_twice(unit: Unit) -> None:
    made = give_role(unit, Grant("maria", "viewer", "sur", "", NOW, NOW + DAY))
    with pytest.raises(RegisterConflictError):
        give_role(unit, Grant("maria", "viewer", "sur", "", NOW + 1, None))
    assert [grants_of(unit, "maria", at) == (made,) for at in (NOW - 1, NOW, NOW + DAY - 1, NOW + DAY)] == [
        False,
        True,
        True,
        False,
    ]
    end_grant(unit, made.id, NOW + 5)
    assert grants_of(unit, "maria", NOW + 5) == ()
    assert len(grants_of(unit, "maria")) == 1, "it is kept that it held"


def test_the_last_administrator_is_neither_disabled_nor_ended(unit: Unit) -> None:
    made = give_role(unit, Grant("maria", "admin", "", "", NOW, None))
    for deed in (
        lambda: end_grant(unit, made.id, NOW),
        lambda: set_disabled(unit, "maria", disabled=True, at_ms=NOW),
    ):
        with pytest.raises(RegisterError, match="the last administrator"):
            deed()


def test_the_log_keeps_what_was_done_newest_first(unit: Unit) -> None:
    for number in range(3):
        audit(unit, "maria", "sign_in", "maria", {"number": number}, NOW + number)
    found = list_audit(unit, limit=2)
    assert [entry.detail["number"] for entry in found] == [2, 1]
    assert [entry.detail["number"] for entry in list_audit(unit, before=found[-1].id, limit=2)] == [0]


@pytest.mark.parametrize("text", ["a\ud800", "a\0b", "x" * 5000])
def test_a_name_that_no_database_keeps_is_nobodys_or_refused_and_nothing_breaks(register: Register, text: str) -> None:
    try:
        with register.reading() as unit:
            assert find_person(unit, text) is None
    except RegisterValueError as error:
        assert "look at the values" in str(error)  # noqa: PT017 - either answer is right, by database


def test_a_number_without_end_is_refused_by_both(register: Register) -> None:
    with pytest.raises(RegisterValueError), register.reading() as unit:
        list_audit(unit, before=10**30, limit=2)
