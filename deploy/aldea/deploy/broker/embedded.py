"""The built-in broker: amqtt on a thread of its own, for machines without mosquitto."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from amqtt.adapters import StreamWriterAdapter
from amqtt.broker import Broker as AmqttBroker
from amqtt.errors import AMQTTError

from aldea.deploy.broker.base import HOST, MAX_PACKET_BYTES, BrokerError
from aldea.deploy.words import said

if TYPE_CHECKING:
    from amqtt.session import Session

_START_WITHIN_SECONDS = 10.0
_STOP_WITHIN_SECONDS = 10.0
_LISTENER = "default"

# amqtt closes a connection exactly at the client's keepalive, while clients send their ping just then and the
# standard grants half as much again. Without this, every quiet agent would be declared dead once a keepalive.
_KEEPALIVE_GRACE_SECONDS = 15


class _PacketTooLargeError(Exception):
    """Ends amqtt's reading of a connection. Any OSError would only make it read on, in mid-packet."""


class _BoundedReader:
    """What amqtt reads from: hangs up on a packet larger than we take, before a byte of it is kept."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream

    async def read(self, n: int = -1) -> bytes:
        """Read exactly `n` bytes, or all until the end for -1."""
        if n > MAX_PACKET_BYTES:
            raise _PacketTooLargeError(f"a packet of {n} bytes is larger than {MAX_PACKET_BYTES}")
        return await (self._stream.read() if n < 0 else self._stream.readexactly(n))

    def feed_eof(self) -> None:
        """Pretend that the other side hung up."""
        self._stream.feed_eof()


class _Broker(AmqttBroker):  # type: ignore[misc]  # amqtt ships no types
    """Amqtt, but a client that connects is not sent what *others* subscribed to.

    amqtt 0.12 greets every client with the retained messages of all filters anyone has subscribed to.
    """

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        subscribers = self.subscriptions.get(subscription[0], [])
        if any(subscriber.client_id == session.client_id for subscriber, _qos in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class EmbeddedBroker:
    """Runs amqtt (MQTT 3.1.1 only) in this process, on its own thread and event loop.

    Keeps nothing over a restart and nothing for a client that is away: agents and collector rely on neither.
    """

    kind: Literal["amqtt"] = "amqtt"

    def __init__(self, port: int) -> None:
        self.host = HOST
        self.port = port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def start(self) -> None:
        """Start it, and return once it listens. Raises BrokerError with a sentence."""
        if self.is_alive():
            return
        _quieten()
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="mqtt-broker", daemon=True)
        self._thread.start()
        try:
            started.result(_START_WITHIN_SECONDS)
        except TimeoutError:
            self.stop()
            raise BrokerError(said("the built-in MQTT broker did not start within 10 seconds")) from None
        except (AMQTTError, OSError) as error:
            self.stop()
            raise BrokerError(
                said(
                    "the built-in MQTT broker cannot listen on %(place)s: %(why)s",
                    place=f"{self.host}:{self.port}",
                    why=error,
                )
            ) from error

    def stop(self) -> None:
        """Close every connection, end the thread, and wait for it."""
        thread = self._thread
        if thread is None:
            return
        if self._loop is not None and self._end is not None and thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        thread.join(_STOP_WITHIN_SECONDS)
        if thread.is_alive():
            raise BrokerError(said("the built-in MQTT broker did not stop within 10 seconds"))
        self._thread = self._loop = self._end = None

    def is_alive(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, started: concurrent.futures.Future[None]) -> None:
        with asyncio.Runner() as runner:  # cancels what is left, then closes the loop
            self._loop = runner.get_loop()
            runner.run(self._serve(started))

    async def _serve(self, started: concurrent.futures.Future[None]) -> None:
        self._end = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(partial(_note, logging.getLogger(__name__)))
        broker = _Broker(_config(), loop=loop)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await broker.external_connected(_BoundedReader(reader), StreamWriterAdapter(writer), _LISTENER)
            finally:  # amqtt leaves the connection open when the first packet is not a CONNECT
                writer.close()

        try:
            await broker.start()
            server = await asyncio.start_server(serve, self.host, self.port)
        except (AMQTTError, OSError) as error:
            started.set_exception(error)
            return
        started.set_result(None)
        await self._end.wait()
        server.close()
        await broker.shutdown()


def _config() -> dict[str, Any]:
    return {
        # We listen ourselves and hand the connections over: amqtt's own listener has no limit on a packet.
        "listeners": {_LISTENER: {"type": "external"}},
        "timeout_disconnect_delay": _KEEPALIVE_GRACE_SECONDS,
        # Named one by one: amqtt's default set logs every packet.
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }


def _quieten() -> None:
    """Keep the library's chatter out of our log; what matters to a person we say ourselves."""
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)


def _note(log: logging.Logger, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what amqtt's tasks leave behind (a client gone in mid-delivery) without alarming anyone."""
    log.debug("built-in broker: %s", context.get("message"), exc_info=context.get("exception"))
