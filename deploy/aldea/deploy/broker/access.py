"""Who may do what at the broker: mosquitto's password and access files, made from the register.

A device's user name is its two levels of the topic (`isla-arena/agent`), so one pattern ties every device to
its own lanes and no line is needed for each. The files can be thrown away: the register makes them again.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from aldea.deploy.broker.base import BrokerError
from aldea.deploy.broker.files import write_whole
from aldea.deploy.words import said
from aldea.model.topics import Lane, Topic, subscription
from aldea.storage.register import RegisterError
from aldea.storage.register.credentials import (
    Credential,
    credentials_version,
    make_credential,
    matches,
    valid_credentials,
)
from aldea.storage.register.settings import registry_version
from aldea.storage.register.tables import device, site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from aldea.model.clock import Clock
    from aldea.storage.register import Register, Unit

COLLECTOR = "aldea-collector"
SIMULATOR = "aldea-simulator"
SPEAKS = (Lane.LIVE, Lane.BULK, Lane.STATUS)
HEARS = (Lane.ACK, Lane.CMD)
LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccessFiles:
    """Where mosquitto's files lie, and who may read them: `mode`, and the group that owns them (a number)."""

    folder: Path
    mode: int = 0o600
    group: int | None = None

    @property
    def passwords(self) -> Path:
        """User names and hashes."""
        return self.folder / "passwords"

    @property
    def rules(self) -> Path:
        """Which topics each may use."""
        return self.folder / "acl"


def write_access(unit: Unit, files: AccessFiles) -> bool:
    """Make both files from the register; say whether one of them changed. Raises BrokerError."""
    credentials = valid_credentials(unit)
    passwords = "".join(f"{item.username}:{item.password_hash}\n" for item in credentials)
    rules = "\n".join(rule_lines(credentials, _simulated(unit))) + "\n"
    try:
        files.folder.mkdir(parents=True, exist_ok=True)
        # Rules first: a password must never be good before its limits are known.
        return [_put(files, files.rules, rules), _put(files, files.passwords, passwords)] != [False, False]
    except OSError as error:
        raise BrokerError(
            said("the broker's access files in %(folder)s cannot be written: %(why)s", folder=files.folder, why=error)
        ) from error


def rule_lines(credentials: Iterable[Credential], simulated: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the lines of mosquitto's access file; what no line allows is refused.

    `simulated`: the (site, device) pairs for which the simulator, and nobody else, speaks.
    """
    yield "# Written by Aldea from its register; changes are lost."
    yield f"user {COLLECTOR}"
    yield "topic read #"
    yield from (f"topic write {subscription(lane)}" for lane in HEARS)
    yield f"user {SIMULATOR}"
    for pair in simulated:
        yield from (f"topic write {Topic(*pair, lane)}" for lane in SPEAKS)
        yield from (f"topic read {Topic(*pair, lane)}" for lane in HEARS)
    for item in credentials:
        if item.site is None and (topics := (item.hardware or {}).get("publishes")):
            yield f"user {item.username}"
            yield from (f"topic write {topic}" for topic in topics)
    # A pattern holds for every user, so it stands last and names only what begins with the user's own name.
    yield from (f"pattern write aldea/1/%u/{lane.value}" for lane in SPEAKS)
    yield from (f"pattern read aldea/1/%u/{lane.value}" for lane in HEARS)


def own_password(
    unit: Unit, file: Path, username: str, clock: Clock, *, site: str | None = None, device_id: str | None = None
) -> Path:
    """Return `file` with the password of one of our own parts (mode 0600), made anew where either half is lost.

    Raises BrokerError when the file can't be written.
    """
    known = next((item for item in valid_credentials(unit) if item.username == username), None)
    try:
        if known is not None and file.exists() and matches(file.read_text().strip(), known.password_hash):
            return file
        password = make_credential(unit, username, clock.wall_ms(), site=site, device=device_id)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, password.encode() + b"\n", 0o600)
    except (OSError, ValueError) as error:
        raise BrokerError(
            said("the password of %(name)s cannot be kept in %(file)s: %(why)s", name=username, file=file, why=error)
        ) from error
    return file


class AccessKeeper:
    """Keeps a broker's files equal to the register: looks each second, and calls `reload` after a change."""

    def __init__(self, register: Register, files: AccessFiles, reload: Callable[[], None]) -> None:
        self._register = register
        self._files = files
        self._reload = reload
        self._seen: tuple[int, int] | None = None
        self._told = True
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="aldea-broker-access", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def run_until(self, stopping: threading.Event) -> None:
        """Look until `stopping` is set, in the caller's thread."""
        while not stopping.is_set():
            try:
                self.look()
            except (BrokerError, RegisterError) as error:
                # The files stay as they are; what is missing in them comes with the next look.
                log.warning("the broker's access files: %s", error)
            stopping.wait(LOOK_SECONDS)

    def look(self) -> bool:
        """Compare once; say whether something changed. Raises BrokerError, RegisterError.

        A broker that could not be told is told again with the next look.
        """
        with self._register.reading() as unit:
            version = (credentials_version(unit), registry_version(unit))
            changed = version != self._seen and write_access(unit, self._files)
        self._seen, self._told = version, self._told and not changed
        if not self._told:
            self._reload()
            self._told = True
        return changed

    def _run(self) -> None:
        self.run_until(self._stopping)


def _simulated(unit: Unit) -> list[tuple[str, str]]:
    wanted = select(device.c.site, device.c.id).join(site, site.c.id == device.c.site).where(site.c.simulated)
    return [(row.site, row.id) for row in unit.connection.execute(wanted.order_by(device.c.site, device.c.id))]


def _put(files: AccessFiles, path: Path, text: str) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_whole(path, text.encode(), files.mode, files.group)
    return True
