"""Units of work: all or nothing, readers that can't write, writers that take turns."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import pairwise

import pytest

from aldea.storage.register import Register, RegisterConflictError, RegisterError
from aldea.storage.register.encoding import clean_text, encode_json, plain
from aldea.storage.register.facts import fact_history, set_fact
from aldea.storage.register.settings import (
    all_settings,
    bump_registry_version,
    get_setting,
    registry_version,
    set_setting,
    setting_or_first,
)
from aldea.storage.register.sites import add_sites, find_site
from storage.register.places import entry

PROCESS = """
import sys
from aldea.storage.register import open_register
from aldea.storage.register.settings import bump_registry_version
register = open_register(sys.argv[1])
for _ in range(25):
    with register.transaction() as unit:
        bump_registry_version(unit)
"""


def test_an_exception_takes_back_all_of_a_unit(register: Register) -> None:
    def fail() -> None:
        with register.transaction() as unit:
            add_sites(unit, [entry("one")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with register.reading() as unit:
        assert find_site(unit, "one") is None
        assert registry_version(unit) == 0


def test_a_reader_can_not_write(register: Register) -> None:
    with pytest.raises(RegisterError), register.reading() as unit:
        set_setting(unit, "instance", "a")
    with register.transaction() as unit:
        set_setting(unit, "instance", "b")
    with register.reading() as unit:
        assert get_setting(unit, "instance") == "b"


def test_a_reader_sees_one_state_while_a_writer_commits(register: Register) -> None:
    with register.reading() as reader:
        before = registry_version(reader)
        with register.transaction() as writer:
            bump_registry_version(writer)
        assert registry_version(reader) == before
    with register.reading() as reader:
        assert registry_version(reader) == before + 1


def test_writers_in_threads_and_processes_lose_no_change(register: Register, register_url: str) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", PROCESS, register_url]) for _ in range(2)]
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(25):
                with register.transaction() as unit:
                    bump_registry_version(unit)
        except BaseException as error:  # noqa: BLE001  # carried to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert failures == []
    with register.reading() as unit:
        assert registry_version(unit) == 125


def test_two_writers_of_one_fact_leave_one_open_and_no_overlap(register: Register) -> None:

    with register.transaction() as unit:
        add_sites(unit, [entry("one")])
    failures: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for at in range(start, start + 15):
                with register.transaction() as unit:
                    set_fact(unit, "one", "provider", f"p{at}", 1000 * (at % 7) + at)
        except BaseException as error:  # noqa: BLE001  # carried to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(15 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with register.reading() as unit:
        spans = fact_history(unit, "one", "provider")
    assert len(spans) == 60
    for earlier, later in pairwise(spans):
        assert earlier.valid_to_ms == later.valid_from_ms
    assert spans[-1].valid_to_ms is None


def test_a_taken_id_is_a_conflict_in_plain_words(register: Register) -> None:
    with register.transaction() as unit:
        add_sites(unit, [entry("one")])
    with pytest.raises(RegisterConflictError, match="'one' is already registered"), register.transaction() as unit:
        add_sites(unit, [entry("two"), entry("one")])
    with register.reading() as unit:
        assert find_site(unit, "two") is None


def test_settings_keep_json_and_the_first_value_wins_where_asked(register: Register) -> None:
    with register.transaction() as unit:
        set_setting(unit, "a", {"deep": [1, 2.5, None, "ñ\x00 \ud800"]})
        set_setting(unit, "number", 7)
        assert setting_or_first(unit, "instance", "first") == "first"
        assert setting_or_first(unit, "instance", "second") == "first"
        set_setting(unit, "number", 8)
    with register.reading() as unit:
        assert all_settings(unit) == {
            "a": {"deep": [1, 2.5, None, "ñ\ufffd \ufffd"]},
            "instance": "first",
            "number": 8,
        }
        assert get_setting(unit, "missing") is None


def test_json_for_the_register_has_nothing_that_a_database_refuses() -> None:
    assert encode_json({"x": float("nan"), "y": "a\x00b", "z": "\\u0000"}) == (
        '{"x":null,"y":"a\ufffdb","z":"\\\\u0000"}'
    )
    assert clean_text("a\ud800\U0001f600") == "a\ufffd\U0001f600"
    assert plain((1, {2: "x"})) == [1, {"2": "x"}]
    with pytest.raises(TypeError, match="not JSON"):
        encode_json({"x": object()})
    with pytest.raises(ValueError, match="JSON"):
        plain(float("inf"))
