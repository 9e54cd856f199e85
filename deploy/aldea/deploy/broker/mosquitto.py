"""A mosquitto of our own, as a child process on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aldea.deploy.broker.base import HOST, MAX_PACKET_BYTES, BrokerError
from aldea.deploy.os_words import reason_of
from aldea.deploy.tied import start_tied
from aldea.deploy.words import said
from aldea.model.clock import Clock, SystemClock

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.deploy.broker.access import AccessFiles
    from aldea.deploy.broker.certificates import CertificateFiles

# Debian puts daemons where an ordinary user's PATH does not look.
_ALSO_LOOK_IN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
_READY_WITHIN_MS = 10_000
_STOP_WITHIN_SECONDS = 5.0
_LOG_KEPT_BYTES = 4 * 1024 * 1024

# MQTT 3.1.1 CONNECT: clean session, keepalive 5 s, empty client id; its success answer; DISCONNECT.
_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00"
_CONNACK_ACCEPTED = b"\x20\x02\x00\x00"
_DISCONNECT = b"\xe0\x00"

# allow_anonymous: where only this machine's loopback is served; else see `Field`.
# persistence: nothing of ours rests on it. Agents keep what the collector has not acknowledged and say who
#   they are at every connect; a snapshot from before a crash would only bring back what no longer holds.
# max_inflight_messages: at the default of 20 a collector on MQTT 3.1.1, which acknowledges after its commit,
#   stalls.
# max_queued_*: bounded in number and bytes. Never 0: some releases then drop everything.
_CONFIG = """\
# Written by Aldea at each start; changes are lost.
listener {port} {host}
{access}persistence false
max_inflight_messages 2000
max_queued_messages 100000
max_queued_bytes 67108864
max_packet_size {max_packet_bytes}
set_tcp_nodelay true
log_dest file {log}
log_timestamp_format %Y-%m-%dT%H:%M:%S
log_type error
log_type warning
log_type notice
connection_messages false
{user}{field}"""

_ACCESS = """\
allow_anonymous false
password_file {passwords}
acl_file {rules}
"""

# use_username_as_clientid: else one device could throw another out by taking its client id.
_FIELD = """\
listener {port} {host}
certfile {certificate}
keyfile {key}
tls_version tlsv1.2
use_username_as_clientid true
"""


@dataclass(frozen=True, slots=True)
class Field:
    """A second listener, for agents out there: TLS always, passwords always, and on the first listener as well."""

    host: str
    port: int
    access: AccessFiles
    certificates: CertificateFiles


def find_mosquitto() -> str | None:
    """Return the path of an installed mosquitto, or None."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_ALSO_LOOK_IN))
    return shutil.which("mosquitto", path=path)


class MosquittoBroker:
    """Runs mosquitto in its own session, so that Ctrl-C at the terminal reaches us first and we stop it last.

    It ends with us even when we are killed (Linux: parent-death signal).
    """

    kind: Literal["mosquitto"] = "mosquitto"

    def __init__(
        self, executable: str, folder: Path, port: int, clock: Clock | None = None, field: Field | None = None
    ) -> None:
        self.host = HOST
        self._field = field
        self.port = port
        self.log_file = folder / "mosquitto.log"
        self._executable = executable
        self._folder = folder
        self._clock = clock or SystemClock()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._ended = threading.Event()
        self._keeper: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self.is_alive() else None

    def start(self) -> None:
        """Start mosquitto, and return once it accepts a connection. Raises BrokerError with a sentence."""
        if self.is_alive():
            return
        config = self._write_config()
        self._ended.clear()
        self._failure = None
        # The kernel's parent-death signal is tied to the *thread* that started the child, so that one waits
        # for the child for as long as it lives.
        self._keeper = threading.Thread(target=self._keep, args=(config,), name="mosquitto", daemon=True)
        self._keeper.start()
        deadline = self._clock.mono_ms() + _READY_WITHIN_MS
        while not accepts_connections(self.host, self.port, anonymous=self._field is None):
            if self._ended.wait(0.02):
                raise BrokerError(said("mosquitto did not start: %(why)s", why=self._reason()))
            if self._clock.mono_ms() > deadline:
                self.stop()
                raise BrokerError(said("mosquitto did not answer within 10 seconds; see %(file)s", file=self.log_file))
        if self._ended.is_set():  # then it was somebody else who answered
            raise BrokerError(said("mosquitto did not start: %(why)s", why=self._reason()))

    def stop(self) -> None:
        """Ask it to end, insist after five seconds, and wait until it is gone."""
        keeper, process = self._keeper, self._process
        if keeper is None:
            return
        if process is not None and not self._ended.is_set():
            process.send_signal(signal.SIGTERM)
            if not self._ended.wait(_STOP_WITHIN_SECONDS):
                process.kill()
        keeper.join()
        self._keeper = self._process = None

    def reload(self) -> None:
        """Let it read its password and access files again; it ends connections that these no longer allow."""
        process = self._process
        if process is not None and self.is_alive():
            process.send_signal(signal.SIGHUP)

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._keeper is not None and self._process is not None and not self._ended.is_set()

    def _keep(self, config: Path) -> None:
        try:
            with self.log_file.open("ab") as log:
                self._process = start_tied(
                    [self._executable, "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            self._process.wait()
        except OSError as error:
            self._failure = error
        finally:
            self._ended.set()

    def _write_config(self) -> Path:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self.log_file.exists() and self.log_file.stat().st_size > _LOG_KEPT_BYTES:
                self.log_file.replace(self.log_file.with_suffix(".log.1"))
            config = self._folder / "mosquitto.conf"
            config.write_text(self._config_text(), encoding="utf-8")
        except OSError as error:
            raise BrokerError(
                said("cannot write mosquitto's files in %(folder)s: %(why)s", folder=self._folder, why=reason_of(error))
            ) from error
        return config

    def _config_text(self) -> str:
        # As root mosquitto would become another user, who may not write here and loses the death signal.
        user = f"user {pwd.getpwuid(0).pw_name}\n" if os.geteuid() == 0 else ""
        return _CONFIG.format(
            port=self.port,
            host=self.host,
            max_packet_bytes=MAX_PACKET_BYTES,
            log=self.log_file.resolve(),
            user=user,
            access="allow_anonymous true\n" if self._field is None else access_lines(self._field.access),
            field="" if self._field is None else field_lines(self._field),
        )

    def _reason(self) -> str:
        if self._failure is not None:
            return f"{self._executable}: {self._failure.strerror}"
        try:
            lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        last = lines[-1] if lines else said("it ended without a word")
        return said("%(last)s (log: %(file)s)", last=last, file=self.log_file)


def access_lines(files: AccessFiles) -> str:
    """Return the lines of mosquitto.conf that ask everybody for a password."""
    return _ACCESS.format(passwords=files.passwords.resolve(), rules=files.rules.resolve())


def field_lines(field: Field) -> str:
    """Return the lines of mosquitto.conf that open the listener for the agents."""
    files = field.certificates
    return _FIELD.format(
        port=field.port, host=field.host, certificate=files.certificate.resolve(), key=files.key.resolve()
    )


def accepts_connections(host: str, port: int, *, anonymous: bool = True) -> bool:
    """Tell whether an MQTT broker answers a connection at `host:port` right now.

    `anonymous`: whether it must accept one without a name; else a refusal is an answer as well.
    """
    try:
        with socket.create_connection((host, port), timeout=1.0) as connection:
            connection.sendall(_CONNECT)
            answer = connection.recv(4)
            connection.sendall(_DISCONNECT)
    except OSError:
        return False
    return answer == _CONNACK_ACCEPTED if anonymous else answer[:2] == _CONNACK_ACCEPTED[:2]
