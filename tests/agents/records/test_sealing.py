"""The sealed backup: opens with its passphrase alone, and says what it would change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aldea.agents.records import Person, Roster, RosterError
from aldea.agents.records.sealing import HEADER, SealError, merging, seal, unseal

WORDS = "cinco gallos cantan"
PEOPLE = (Person("K-1", "Rosa Canul", "F", "25-44"), Person("K-2", "Juan Poot", "M", "65+", gone=True))


def test_a_backup_opens_with_its_passphrase_and_tells_nothing_without() -> None:
    file = seal(PEOPLE, WORDS)
    assert unseal(file, " cinco  gallos cantan ") == PEOPLE, "blanks don't count"
    for hidden in (b"Canul", b"K-1", b"65+"):
        assert hidden not in file
    assert seal(PEOPLE, WORDS) != file, "another salt each time"
    for other, words, why in (
        (file, "cinco gallos cantaN", "closed"),
        (file[:-1] + bytes([file[-1] ^ 1]), WORDS, "closed"),
        (file[: len(HEADER)] + bytes([file[len(HEADER)] ^ 1]) + file[len(HEADER) + 1 :], WORDS, "closed"),
        (b"PK\x03\x04" + file, WORDS, "foreign"),
        (file[:30], WORDS, "foreign"),
    ):
        with pytest.raises(SealError) as caught:
            unseal(other, words)
        assert caught.value.why == why
    with pytest.raises(SealError, match="short"):
        seal(PEOPLE, "corta 123")


MEASURED = """
import threading
from aldea.agents.footprint import resident_bytes, use_one_arena
from aldea.agents.records import Person
from aldea.agents.records.sealing import seal, unseal
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
use_one_arena()
file = seal((Person("K-1", "Rosa Canul", "F", "25-44"),), "cinco gallos cantan")
before = resident_bytes()
threads = [threading.Thread(target=unseal, args=(file, "cinco gallos cantan")) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(peak() - before, resident_bytes() - before)
"""


def test_passphrases_tried_at_once_take_the_memory_of_one_and_give_it_back() -> None:
    ran = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    at_most, left = (int(number) / 2**20 for number in ran.stdout.split())
    assert at_most < 24, "16 MB for a key"
    assert left < 4


def test_putting_a_backup_in_is_by_code_and_takes_nobody_out(tmp_path: Path) -> None:
    roster = Roster(tmp_path)
    roster.put((PEOPLE[0], Person("K-9", "Otra Persona", "F", "15-24")))
    changed = Person("K-1", "Rosa Canul Ek", "F", "45-64")
    plan = merging(roster, (changed, PEOPLE[1], Person("K-9", "Otra Persona", "F", "15-24")))
    assert (plan.new, plan.same, plan.differ) == ((PEOPLE[1],), 1, ((PEOPLE[0], changed),))
    roster.put(plan.new)
    assert {person.code for person in roster.people(gone=True)} == {"K-1", "K-2", "K-9"}
    with pytest.raises(RosterError, match="code_taken"):
        roster.add("Nueva", "F", "65+", "k-2")
    assert (tmp_path / "roster.db").stat().st_mode & 0o777 == 0o600
    roster.close()


def test_a_damaged_roster_is_put_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / "roster.db").write_bytes(b"x" * 4096)
    roster = Roster(tmp_path)
    roster.add("Rosa Canul", "F", "25-44")
    roster.close()
    assert (tmp_path / "roster.damaged-1.db").read_bytes() == b"x" * 4096
