"""Lets a broker forget the retained status of devices: an empty retained message in the place of each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from aldea.deploy.broker.base import BrokerError
from aldea.model.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

WAIT_SECONDS = 15.0


def forget_retained(
    host: str,
    port: int,
    devices: Sequence[tuple[str, str]],
    username: str | None = None,
    password: str | None = None,
    ca_file: str | None = None,
) -> None:
    """Clear the retained status of each (site, device). Raises BrokerError when the broker doesn't confirm it."""
    if not devices:
        return
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.max_queued_messages_set(0)
    if username is not None:
        client.username_pw_set(username, password)
    if ca_file is not None:
        client.tls_set(ca_certs=ca_file)
    connected = threading.Event()
    client.on_connect = lambda *answer: None if answer[3].is_failure else connected.set()
    try:
        client.connect(host, port, keepalive=30)
        client.loop_start()
        if not connected.wait(WAIT_SECONDS):
            raise BrokerError(f"the broker at {host}:{port} does not let us in to clear what it remembers")
        sent = [client.publish(str(Topic(*pair, Lane.STATUS)), b"", qos=1, retain=True) for pair in devices]
        for info in sent:
            info.wait_for_publish(WAIT_SECONDS)
        if not all(info.is_published() for info in sent):
            raise BrokerError(f"the broker at {host}:{port} did not confirm that it forgets the simulated sites")
    except OSError as error:
        raise BrokerError(
            f"the broker at {host}:{port} cannot be told to forget the simulated sites: {error}"
        ) from error
    finally:
        client.disconnect()
        client.loop_stop()
