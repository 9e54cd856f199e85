"""Fetches a release's files in small ranges: goes on after every cut, and leaves the link to people and the budget."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

from aldea.agents.budget import Meter
from aldea.agents.upgrading import parts
from aldea.agents.words import Words
from aldea.model.release import Manifest, ReleaseError, ReleaseFile

_LOG = logging.getLogger(__name__)

RANGE_BYTES = 65_536
WAIT_SECONDS = 60.0
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 900.0
BUDGET_PAUSE_SECONDS = 1_800.0
MOST_SPOILT = 2
_PIECE_BYTES = 16_384
_REQUEST_BYTES, _CONNECTION_BYTES, _TLS_BYTES = 700, 250, 5_000
_PAYLOAD_RATIO = 0.95


class NotNow(Exception):
    """It did not work, and may work later. `words` say why."""

    def __init__(self, english: str, spanish: str) -> None:
        super().__init__(english)
        self.words = Words(english, spanish)


@dataclass(frozen=True, slots=True)
class Source:
    """The server that this device has enrolled at. `ca_file` None: the system's authorities."""

    server: str
    ca_file: Path | None = None


class RangeReader:
    """One connection to the server, opened when it is needed. Redirects are not followed. `read` is for one thread."""

    def __init__(self, source: Source, meter: Meter) -> None:
        # Without a scheme it was enrolled over HTTPS.
        parts = urlsplit(source.server if "://" in source.server else f"https://{source.server}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ReleaseError(
                f"the server's address {source.server!r} is none: enrol this device again",
                f"la dirección del servidor {source.server!r} no es válida: inscriba este equipo otra vez",
            )
        self._host, self._port, self._tls = parts.hostname, parts.port, parts.scheme == "https"
        self._root = f"{parts.path.rstrip('/')}/api/v1/releases"
        self._ca_file = source.ca_file
        self._meter = meter
        self._open: HTTPConnection | None = None

    def read(self, version: str, file: ReleaseFile, first: int) -> bytes:
        """Return the next bytes of a file from `first` on: a range, or what came of it before the link was cut.

        Raises NotNow, or ReleaseError when trying again is of no use.
        """
        last = min(first + RANGE_BYTES, file.size_bytes) - 1
        headers = {"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity", "User-Agent": "aldea-agent"}
        try:
            link = self._connection()
            link.request("GET", f"{self._root}/{quote(version)}/{quote(file.name)}", headers=headers)
            answer = link.getresponse()
            _refuse(answer, file.name, f"bytes {first}-{last}/{file.size_bytes}")
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise NotNow(
                f"the server's certificate is not trusted ({error.verify_message})",
                f"el certificado del servidor no es de confianza ({error.verify_message})",
            ) from error
        except (OSError, HTTPException) as error:
            self.close()
            where = f"{self._host}:{self._port or (443 if self._tls else 80)}"
            raise NotNow(
                f"the server cannot be reached at {where} ({error})", f"no se alcanza al servidor en {where} ({error})"
            ) from error
        except (NotNow, ReleaseError):
            self.close()
            raise
        content = self._content(answer, last - first + 1)
        self._meter.add(_REQUEST_BYTES + round(len(content) / _PAYLOAD_RATIO))
        if not content:
            raise NotNow("the link was cut", "se cortó el enlace")
        return content

    def _content(self, answer: HTTPResponse, most: int) -> bytes:
        content = b""
        try:
            while len(content) < most:
                # As it comes: what has come before the link falls silent is kept.
                piece = answer.read1(min(_PIECE_BYTES, most - len(content)))
                if not piece:
                    break
                content += piece
        except (OSError, HTTPException):
            self.close()
        if len(content) < most:
            self.close()
        else:
            answer.close()  # the connection stays: not every Python sees by itself that nothing more comes
        return content

    def _connection(self) -> HTTPConnection:
        if self._open is None:
            self._meter.add(_CONNECTION_BYTES + (_TLS_BYTES if self._tls else 0))
            if self._tls:
                context = ssl.create_default_context(cafile=None if self._ca_file is None else str(self._ca_file))
                self._open = HTTPSConnection(self._host, self._port, timeout=WAIT_SECONDS, context=context)
            else:
                self._open = HTTPConnection(self._host, self._port, timeout=WAIT_SECONDS)
        return self._open

    def close(self) -> None:
        """End the connection, and what waits on it in another thread; the next range opens another."""
        link, self._open = self._open, None
        if link is None:
            return
        if link.sock is not None:
            with suppress(OSError):
                link.sock.shutdown(socket.SHUT_RDWR)
        link.close()


def _refuse(answer: HTTPResponse, name: str, wanted: str) -> None:
    if answer.status == 206 and answer.headers.get("Content-Range") == wanted:
        return
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise NotNow(f"the server answers {answer.status}", f"el servidor contesta {answer.status}")
    if answer.status == 206:
        raise ReleaseError(
            f"the server has another {name} than the one that was signed",
            f"el servidor tiene otro {name} que el que se firmó",
        )
    raise ReleaseError(
        f"the server answers {answer.status} {answer.reason} for {name}",
        f"el servidor contesta {answer.status} ({answer.reason}) para {name}",
    )


Progress = Callable[[int], Awaitable[None]]
"""Is told how many bytes are there."""

Stuck = Callable[[int, Words], Awaitable[None]]
"""Is told how many bytes are there, and why no more come."""

Room = Callable[[int], int | None]
"""Says whether so many bytes are within the month's budget: None, or when the next month begins (0: not known)."""


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Brings a release's files into a folder. `wait` is told while the budget has no room; `pause` sleeps.

    `stuck` is told again and again once nothing has come for a good quarter of an hour.
    """

    reader: RangeReader
    bytes_per_second: int
    room: Room
    progress: Progress
    wait: Progress
    stuck: Stuck
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def fetch(self, manifest: Manifest, folder: Path) -> list[Path]:
        """Return the files, whole and verified. Raises ReleaseError, OSError; a bad link is waited out, for ever."""
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        try:
            for file in manifest.files:
                await self._file(manifest, file, folder)
        finally:
            self.reader.close()
        return [folder / file.name for file in manifest.files]

    async def _file(self, manifest: Manifest, file: ReleaseFile, folder: Path) -> None:
        """Bring a file, once more from its start where it is spoilt: what a power cut left of it may be."""
        part = folder / f"{file.name}.part"
        if await asyncio.to_thread(parts.is_there, folder / file.name, file):
            return
        for _ in range(MOST_SPOILT):
            await self._parts(manifest, file, folder, part)
            if await asyncio.to_thread(parts.is_there, part, file):
                await asyncio.to_thread(part.replace, folder / file.name)
                return
            await asyncio.to_thread(part.unlink)
            _LOG.warning("what came of %s is not what was signed", file.name)
        raise ReleaseError(
            f"what came of {file.name} is not what was signed: it was thrown away",
            f"lo que llegó de {file.name} no es lo que se firmó: se desechó",
        )

    async def _parts(self, manifest: Manifest, file: ReleaseFile, folder: Path, part: Path) -> None:
        pause_seconds = SHORTEST_PAUSE_SECONDS
        while (size := await asyncio.to_thread(parts.size, part)) < file.size_bytes:
            there = await asyncio.to_thread(parts.there, manifest, folder)
            await self.progress(there)
            await self._await_room(manifest.size_bytes - there)
            try:
                content = await asyncio.to_thread(self.reader.read, manifest.version, file, size)
            except NotNow as error:
                _LOG.warning("%s of version %s: %s; again in %g s", file.name, manifest.version, error, pause_seconds)
                if pause_seconds == LONGEST_PAUSE_SECONDS:
                    await self.stuck(there, error.words)
                await self.pause(pause_seconds)
                pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
                continue
            pause_seconds = SHORTEST_PAUSE_SECONDS
            await asyncio.to_thread(parts.put, part, size, content)
            await self.pause(len(content) / self.bytes_per_second)

    async def _await_room(self, need_bytes: int) -> None:
        while (until_ms := await asyncio.to_thread(self.room, need_bytes)) is not None:
            self.reader.close()
            await self.wait(until_ms)
            await self.pause(BUDGET_PAUSE_SECONDS)
