"""One MQTT connection, driven by hand: paho reads and writes when told to, in the thread that tells it.

No thread of paho's own, so nothing can die unseen in one; its callbacks only note down what happened. A
connection is used once: paho's memory of messages under way is not wanted, the outbox knows better.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from aldea.agents.tcp_info import tcp_info
from aldea.agents.uplink.paho_client import Client, MQTTMessage, MQTTMessageInfo

_CONNECT_SECONDS = 20.0
_UNACKNOWLEDGED_MS = 90_000
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME; Python has no name for it


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Where the broker is and how to speak to it. `version` is `auto`, `5` or `3.1.1`."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None
    keepalive_seconds: int = 600
    version: str = "auto"


@dataclass(frozen=True, slots=True)
class Opened:
    """The broker took the connection and the subscriptions; it may have named its largest packet."""

    max_packet_bytes: int | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message came."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended, or never came to be. `before_welcome`: the broker had not accepted it."""

    reason: str
    before_welcome: bool


LinkEvent = Opened | Message | Lost


class Link:
    """A connection from `open` to `Lost`. Used from one thread."""

    def __init__(self, options: LinkOptions, client_id: str, version: MQTTProtocolVersion) -> None:
        self._options = options
        self._events: list[LinkEvent] = []
        self._wanted: list[tuple[str, int]] = []
        self._welcomed = self._ended = False
        self._max_packet_bytes: int | None = None
        self._wire_bytes = 0
        # Version 5 has no such argument: there a clean start is asked for at each connect.
        clean_session = None if version is MQTTProtocolVersion.MQTTv5 else True
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean_session,
            protocol=version,
            reconnect_on_failure=False,
        )
        self._last_promised: MQTTMessageInfo | None = None
        self._context: TlsContext | None = None
        self._client.connect_timeout = _CONNECT_SECONDS
        if options.username is not None:
            self._client.username_pw_set(options.username, options.password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect

    def open(self, will: tuple[str, bytes], subscriptions: list[tuple[str, int]], *, clock_is_right: bool) -> None:
        """Connect and say what shall be subscribed; `Opened` follows. Raises OSError (SSLError is one).

        Where the machine's clock is known to be wrong, a certificate's dates cannot be judged and are not; its
        chain and the host's name always are.
        """
        if self._options.tls:
            self._context = tls_context(self._options.ca_file, clock_is_right=clock_is_right)
            self._client.tls_set_context(self._context)
        self._wanted = subscriptions
        topic, payload = will
        self._client.will_set(topic, payload, qos=1, retain=True)
        v5 = self._client.protocol == MQTTProtocolVersion.MQTTv5
        extra: dict[str, Any] = {"clean_start": True} if v5 else {}
        self._client.connect(self._options.host, self._options.port, self._options.keepalive_seconds, **extra)
        self._watch_for_silence()

    def poll(self, timeout_seconds: float, wake: socket.socket) -> list[LinkEvent]:
        """Wait for the network, or for a byte on `wake`; return what happened."""
        connection = self._socket()
        if connection is not None:
            self._exchange(connection, timeout_seconds, wake)
        if not self._ended:
            self._client.loop_misc()
        if self._client.socket() is None:
            self._end("the connection was closed")
        events, self._events = self._events, []
        return events

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool) -> None:
        """Send a message; while there is no connection nothing is sent, and nothing kept."""
        if self._welcomed and not self._ended:
            info = self._client.publish(topic, payload, qos=qos, retain=retain)
            if qos > 0:
                self._last_promised = info

    def is_flushed(self) -> bool:
        """Say whether the last message that the broker must confirm was confirmed."""
        return self._ended or self._last_promised is None or self._last_promised.is_published()

    def wire_bytes(self) -> int:
        """Return what this connection has cost so far, both ways, headers included; once closed, as known last."""
        connection = self._socket()
        found = None if connection is None else tcp_info(connection, comes_full=False)
        if found is not None:
            self._wire_bytes = found.wire_bytes
        return self._wire_bytes

    def close(self) -> None:
        """Say goodbye: the broker then keeps the will to itself."""
        self._ended = True
        self._client.disconnect()
        if self._client.want_write():
            self._client.loop_write()
        connection = self._client.socket()
        if connection is not None:
            connection.close()

    def abandon(self) -> None:
        """Cut the connection without goodbye, so that the will is sent."""
        self._ended = True
        wrapped = None if self._context is None else self._context.wrapped
        for connection in (self._socket(), wrapped):
            if connection is not None:
                connection.close()

    def _exchange(self, connection: socket.socket, timeout_seconds: float, wake: socket.socket) -> None:
        pending = getattr(connection, "pending", None)
        if pending is not None and pending() > 0:
            timeout_seconds = 0.0
        events = selectors.EVENT_READ
        if self._client.want_write():
            events |= selectors.EVENT_WRITE
        with selectors.DefaultSelector() as selector:
            selector.register(wake, selectors.EVENT_READ)
            selector.register(connection, events)
            ready = {key.fileobj: mask for key, mask in selector.select(timeout_seconds)}
        if wake in ready:
            wake.recv(4096)
        mask = ready.get(connection, 0)
        if mask & selectors.EVENT_READ or timeout_seconds == 0.0:
            self._read_all()
        if mask & selectors.EVENT_WRITE:
            self._client.loop_write()

    def _read_all(self) -> None:
        """Read what is there: TLS may hold packets that the socket no longer shows."""
        for _ in range(100):
            rc = self._client.loop_read()
            connection = self._socket()
            pending = getattr(connection, "pending", None)
            if rc is not MQTTErrorCode.MQTT_ERR_SUCCESS or pending is None or pending() == 0:
                return

    def _socket(self) -> socket.socket | None:
        """Return the connection's socket: paho promises less than it gives, a plain or a TLS socket."""
        return cast("socket.socket | None", self._client.socket())

    def _watch_for_silence(self) -> None:
        """Let the kernel end a connection whose other side no longer answers."""
        connection = self._socket()
        if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)

    def _end(self, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self._events.append(Lost(reason, before_welcome=not self._welcomed))

    def _on_connect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._end(f"the broker refuses the connection: {reason}")
            return
        self._max_packet_bytes = getattr(properties, "MaximumPacketSize", None)
        self._client.subscribe(self._wanted)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._end("the broker does not let this device read its own topics; check its access rules")
            return
        self._welcomed = True
        self._events.append(Opened(self._max_packet_bytes))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._events.append(Message(message.topic, bytes(message.payload)))

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._end(f"the connection was lost: {reason}")


class TlsContext(ssl.SSLContext):
    """Verifies chain and name, and remembers its socket: paho leaves one open whose handshake failed."""

    wrapped: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        """Wrap a socket as the library does."""
        self.wrapped = super().wrap_socket(*args, **options)
        return self.wrapped


def tls_context(ca_file: Path | None, *, clock_is_right: bool) -> TlsContext:
    """Return what verifies the broker's chain and name; the certificate's dates only where the clock is right."""
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)  # which asks for a certificate and checks the host's name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(str(ca_file))
    if not clock_is_right:
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return context
