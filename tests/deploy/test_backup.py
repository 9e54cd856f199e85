"""A backup is taken while everything writes, and is worth something only if it can be put back."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aldea.agents.lock import FolderLock
from aldea.deploy.backup.archive import MANIFEST, take_backup
from aldea.deploy.backup.keeping import backup_name, backups, prune
from aldea.deploy.backup.places import BackupError, Places
from aldea.deploy.backup.restoring import restore_backup
from aldea.deploy.cli.main import main
from aldea.model.release import Manifest, ReleaseFile, SignedRelease
from aldea.model.rollouts import RolloutState
from aldea.model.series import Query
from aldea.storage.register import open_register
from aldea.storage.register.audit import list_audit
from aldea.storage.register.feed import FeedEvent, append_feed, last_position
from aldea.storage.register.releases import add_release
from aldea.storage.register.restored import restored_ms
from aldea.storage.register.rollouts import begin_rollout, change_rollout
from aldea.storage.register.sites import find_site
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from collectorkit.desk import make_register, register_sites, run
from delivery.world import SITE, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rigs.postgresql import PostgreSQL

NOW_MS = 1_795_366_800_000


def quiet(_done: int, _total: int, _what: str) -> None:
    """Nobody watches."""


def places_in(folder: Path) -> Places:
    return Places(folder, f"sqlite:///{folder / 'register.db'}", f"sqlite:///{folder / 'series.db'}")


class Server:
    """What a server has on its disk, with an agent that delivers into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(folder)
        self.open()

    def open(self) -> None:
        fresh = not (self.folder / "register.db").exists()
        url = f"sqlite:///{self.folder / 'register.db'}"
        self.register = make_register(self.folder, SITE) if fresh else open_register(url)
        self.store = SqliteSeriesStore(self.folder / "series.db")

    def hours(self, count: int) -> None:
        for _ in range(count):
            self.world.clock.advance(3_600_000)
            self.world.record()
            self.world.run(6)
        run(self.world.desk.series_follower(self.store))
        run(self.world.desk.feed_follower(self.register))

    def close(self) -> None:
        self.world.desk.close()
        self.register.close()
        self.store.close()

    def restart(self) -> None:
        self.open()
        self.world.restart_collector()

    def serials(self) -> list[int]:
        """The numbers of the readings that the series store shows."""
        found = self.store.read(Query(SITE, "host", "uptime_seconds", 0, 2**60))
        return sorted(int(value) for series in found for value in series.values)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "data")
    yield made
    made.close()
    made.world.outbox.close()


def test_what_was_backed_up_is_there_again_and_the_agent_goes_on(server: Server, tmp_path: Path) -> None:
    server.hours(5)
    target = tmp_path / "backup.tar.gz"
    manifest = take_backup(places_in(server.folder), target, NOW_MS, quiet)
    assert [entry.name for entry in manifest.entries] == [
        "collector/cursors.db",
        "register.db",
        "series.db",
        "collector/journal.db",
    ]
    server.hours(3)
    server.close()
    for path in (*server.folder.glob("*.db*"), *(server.folder / "collector").iterdir()):
        path.unlink()

    _, kept = restore_backup(target, places_in(server.folder), NOW_MS, quiet)
    server.restart()
    assert kept is None
    assert server.serials() == [1, 2, 3, 4, 5]
    server.hours(2)
    # The three in between were acknowledged after the backup, so the site has them no more: a gap, and said so.
    assert server.serials() == [1, 2, 3, 4, 5, 9, 10]
    assert server.world.coverage().lost_rows == 3
    assert server.world.outbox.stats().rows == 0


def test_a_backup_is_whole_while_others_write(tmp_path: Path) -> None:
    register = make_register(tmp_path, SITE)
    stop, committed = threading.Event(), 0

    def write() -> None:
        nonlocal committed
        while not stop.is_set():
            with register.transaction() as unit:
                for position in range(committed + 1, committed + 21):
                    append_feed(unit, [FeedEvent("main", position, "batch", SITE, "agent", NOW_MS, "live")])
            committed += 20

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            before = committed
            take_backup(places_in(tmp_path), tmp_path / "out" / f"{number}.tar.gz", NOW_MS, quiet)
            other = tmp_path / f"restored-{number}"
            restore_backup(tmp_path / "out" / f"{number}.tar.gz", places_in(other), NOW_MS, quiet)
            restored = open_register(f"sqlite:///{other / 'register.db'}")
            with restored.reading() as unit:
                last = last_position(unit, "main")
            restored.close()
            # One moment: whole transactions, none of those that were committed before missing.
            assert last % 20 == 0
            assert last >= before
    finally:
        stop.set()
        thread.join()
        register.close()


def test_what_was_there_before_is_kept(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    make_register(old, "norte-01").close()
    make_register(new, "sur-02").close()
    take_backup(places_in(old), tmp_path / "b.tar.gz", NOW_MS, quiet)
    _, kept = restore_backup(tmp_path / "b.tar.gz", places_in(new), NOW_MS, quiet)
    assert kept == new / "before-restore-20261122T170000Z"
    for folder, site in ((new, "norte-01"), (kept, "sur-02")):
        register = open_register(f"sqlite:///{folder / 'register.db'}")
        with register.reading() as unit:
            assert find_site(unit, site) is not None
        register.close()
    assert not list(new.glob(".restore-*"))


def test_a_backup_is_its_owners_alone(tmp_path: Path) -> None:
    make_register(tmp_path, SITE).close()
    take_backup(places_in(tmp_path), tmp_path / "b.tar.gz", NOW_MS, quiet)
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("harm", ["cut", "changed", "not one", "newer"])
def test_a_damaged_backup_is_refused_and_changes_nothing(tmp_path: Path, harm: str) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    make_register(old, "norte-01").close()
    make_register(new, "sur-02").close()
    archive = tmp_path / "b.tar.gz"
    take_backup(places_in(old), archive, NOW_MS, quiet)
    before = (new / "register.db").read_bytes()
    damage(archive, harm, tmp_path / "unpacked")
    with pytest.raises(BackupError, match=r"whole backup|damaged|can't be used"):
        restore_backup(archive, places_in(new), NOW_MS, quiet)
    assert (new / "register.db").read_bytes() == before
    assert not list(new.glob("before-restore-*"))


def damage(archive: Path, harm: str, folder: Path) -> None:
    if harm == "cut":
        archive.write_bytes(archive.read_bytes()[:-2000])
        return
    if harm == "not one":
        archive.write_bytes(b"hello")
        return
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    if harm == "changed":
        content = bytearray((folder / "register.db").read_bytes())
        content[5000] ^= 0xFF
        (folder / "register.db").write_bytes(content)
    else:
        with closing(sqlite3.connect(folder / "register.db")) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
        said = json.loads((folder / MANIFEST).read_text())
        for entry in said["entries"]:
            if entry["name"] == "register.db":
                entry["sha256"] = hashlib.sha256((folder / "register.db").read_bytes()).hexdigest()
        (folder / MANIFEST).write_text(json.dumps(said))
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder / MANIFEST, MANIFEST)
        packed.add(folder / "register.db", "register.db")


def test_nothing_is_put_back_under_a_running_server(tmp_path: Path) -> None:
    make_register(tmp_path, SITE).close()
    take_backup(places_in(tmp_path), tmp_path / "b.tar.gz", NOW_MS, quiet)
    lock = FolderLock(tmp_path, "aldea")
    try:
        with pytest.raises(BackupError, match="put back while Aldea is stopped"):
            restore_backup(tmp_path / "b.tar.gz", places_in(tmp_path), NOW_MS, quiet)
    finally:
        lock.release()


@pytest.mark.postgresql
def test_a_register_in_postgresql_comes_back(postgresql: PostgreSQL, tmp_path: Path) -> None:
    first, second = postgresql.create_database("backed_up"), postgresql.create_database("put_back")
    for url, site in ((first, "norte-01"), (second, "sur-02")):
        register = open_register(url)
        register.migrate()
        register_sites(register, site)
        register.close()
    data = tmp_path / "data"
    places = Places(data, first, f"sqlite:///{data / 'series.db'}")
    take_backup(places, tmp_path / "b.tar.gz", NOW_MS, quiet)
    with pytest.raises(BackupError, match="--register"):
        restore_backup(tmp_path / "b.tar.gz", places_in(data), NOW_MS, quiet)
    restore_backup(tmp_path / "b.tar.gz", Places(data, second, places.series_url), NOW_MS, quiet)
    register = open_register(second)
    with register.reading() as unit:
        assert find_site(unit, "norte-01") is not None
        assert find_site(unit, "sur-02") is None
    register.close()


def test_only_the_newest_backups_are_kept(tmp_path: Path) -> None:
    for day in range(5):
        (tmp_path / backup_name(NOW_MS + day * 86_400_000)).touch()
    (tmp_path / "aldea-mine.tar.gz").touch()
    gone = prune(tmp_path, 2)
    assert len(gone) == 3
    assert [path.name for path in backups(tmp_path)] == [
        "aldea-20261125T170000Z.tar.gz",
        "aldea-20261126T170000Z.tar.gz",
    ]
    assert (tmp_path / "aldea-mine.tar.gz").exists()


def test_the_commands_say_what_they_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALDEA_DATA", str(tmp_path / "data"))
    assert main(["backup"]) == 1
    assert "there is no register at" in capsys.readouterr().err
    make_register(tmp_path / "data", SITE).close()
    assert main(["backup", "--to", str(tmp_path / "kept"), "--json"]) == 0
    file = json.loads(capsys.readouterr().out)["file"]
    assert main(["restore", file, "--check"]) == 0
    assert "is whole" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "data")
    assert main(["restore", file]) == 0
    assert "Restored: taken" in capsys.readouterr().out
    assert main(["restore", str(tmp_path / "none.tar.gz")]) == 1
    assert "there is no file" in capsys.readouterr().err
    assert main(["backup", "--to", str(tmp_path / "kept"), "--keep", "0"]) == 1
    assert "--keep" in capsys.readouterr().err


def test_a_rollout_that_comes_back_with_a_backup_waits_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may have been halted or ended since the backup was taken."""
    data = tmp_path / "data"
    monkeypatch.setenv("ALDEA_DATA", str(data))
    file = ReleaseFile("aldea-9.0-py3-none-any.whl", 1, hashlib.sha256(b"x").hexdigest())
    register = make_register(data, SITE)
    with register.transaction() as unit:
        add_release(unit, SignedRelease(Manifest("9.0", "3.11", 1, (file,)), bytes(64)), {file.name: b"x"}, "", NOW_MS)
        begin_rollout(unit, "9.0", NOW_MS, "test")
    register.close()
    assert main(["backup", "--to", str(tmp_path / "kept"), "--json"]) == 0
    archive = json.loads(capsys.readouterr().out)["file"]
    assert main(["restore", archive]) == 0
    assert "The rollout of version 9.0 is paused: look at it" in capsys.readouterr().out
    with closing(open_register(f"sqlite:///{data / 'register.db'}")) as restored, restored.transaction() as unit:
        assert change_rollout(unit, RolloutState.STOPPED, NOW_MS).rollout.state is RolloutState.STOPPED
        assert list_audit(unit)[0].action == "rollout_paused"
        assert restored_ms(unit) > 0, "what devices were sent since is not known here"
