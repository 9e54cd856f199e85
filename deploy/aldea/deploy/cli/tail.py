"""`aldea tail`.

examples:
  aldea tail                         every site, as it arrives
  aldea tail --site isla-arena       one site
  aldea tail --json | jq .           a JSON document a message
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from aldea.deploy.cli.main import OK, CommandError
from aldea.model.messages import Will, parse_ack, parse_status
from aldea.model.topics import Lane, TopicError, parse_topic
from aldea.model.wire import Rejected, decode

if TYPE_CHECKING:
    import argparse

    from aldea.model.sample import Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--mqtt-host", default=os.environ.get("ALDEA_MQTT_HOST") or "127.0.0.1")
    parser.add_argument("--mqtt-port", type=int, default=os.environ.get("ALDEA_MQTT_PORT") or "1883")
    parser.add_argument("--site", default="+", help="one site's id (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON document a message")
    parser.add_argument("--count", type=int, default=0, help="stop after so many messages (default: never)")


def run(arguments: argparse.Namespace) -> int:
    """Subscribe and print until stopped."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    left = [arguments.count]

    def on_connect(client: paho.Client, *_: Any) -> None:
        client.subscribe(f"aldea/1/{arguments.site}/+/+")

    def on_message(client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        shown = described(message.topic, bytes(message.payload))
        print(json.dumps(shown, ensure_ascii=False) if arguments.json else "\n".join(_lines(shown)), flush=True)
        left[0] -= 1
        if left[0] == 0:
            client.disconnect()

    client.on_connect = on_connect
    client.on_message = on_message
    try:
        client.connect(arguments.mqtt_host, arguments.mqtt_port)
    except OSError as error:
        raise CommandError(
            f"no broker answers at {arguments.mqtt_host}:{arguments.mqtt_port} ({error}); see --mqtt-host, --mqtt-port"
        ) from error
    client.loop_forever()
    return OK


def described(topic: str, payload: bytes) -> dict[str, Any]:
    """Return a message in plain words: its topic's parts, its size, and what it holds or why it can't be read."""
    try:
        parsed = parse_topic(topic)
    except TopicError as error:
        return {"topic": topic, "error": str(error)}
    out: dict[str, Any] = {
        "site": parsed.site,
        "device": parsed.device,
        "lane": parsed.lane.value,
        "bytes": len(payload),
    }
    try:
        return {**out, **_content(parsed.lane, payload)}
    except Rejected as error:
        return {**out, "error": str(error)}


def _content(lane: Lane, payload: bytes) -> dict[str, Any]:
    if lane in (Lane.LIVE, Lane.BULK):
        header, rows = decode(payload)
        return {"epoch": header.epoch, "boot": header.boot_no, "rows": [_row(row) for row in rows]}
    if lane is Lane.STATUS:
        status = parse_status(payload)
        state = f"offline ({status.reason})" if isinstance(status, Will) else "online"
        return {"state": state, "connection": status.connection}
    if lane is Lane.ACK:
        ack = parse_ack(payload)
        return {"stored": list(ack.stored), "rejected": list(ack.rejected), "conflict": list(ack.conflict)}
    return {"command": payload.decode(errors="replace")}


def _row(row: Row) -> dict[str, Any]:
    return {"seq": row.seq, "measurement": row.measurement, "tags": dict(row.tags), "fields": dict(row.fields)}


def _lines(message: dict[str, Any]) -> list[str]:
    rows = message.pop("rows", None)
    head = " ".join(f"{key}={value}" for key, value in message.items())
    if rows is None:
        return [head]
    return [head, *(f"    {_compact(row)}" for row in rows)]


def _compact(row: dict[str, Any]) -> str:
    parts = [row["measurement"], *(f"{key}={value}" for key, value in {**row["tags"], **row["fields"]}.items())]
    return " ".join(parts)
