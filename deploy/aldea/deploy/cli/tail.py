"""`aldea tail`.

examples:
  aldea tail                         every site, as it arrives
  aldea tail --site isla-arena       one site
  aldea tail --json | jq .           a JSON document a message

With passwords and TLS it signs in as the collector does: ALDEA_MQTT_USERNAME, ALDEA_MQTT_PASSWORD_FILE,
ALDEA_MQTT_CA_FILE, or the options.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.words import said
from aldea.model.messages import Will, parse_ack, parse_status
from aldea.model.sample import is_id
from aldea.model.topics import Lane, TopicError, parse_topic
from aldea.model.wire import Rejected, decode

if TYPE_CHECKING:
    from aldea.model.sample import Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--mqtt-host",
        default=os.environ.get("ALDEA_MQTT_HOST") or "127.0.0.1",
        help=_("the broker's host name or address"),
    )
    parser.add_argument(
        "--mqtt-port", type=int, default=os.environ.get("ALDEA_MQTT_PORT") or "1883", help=_("the broker's port")
    )
    parser.add_argument(
        "--username", default=os.environ.get("ALDEA_MQTT_USERNAME") or None, help=_("the name to sign in with")
    )
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        default=os.environ.get("ALDEA_MQTT_PASSWORD_FILE") or None,
        help=_("a file that holds the password alone"),
    )
    parser.add_argument(
        "--ca",
        type=Path,
        metavar="FILE",
        default=os.environ.get("ALDEA_MQTT_CA_FILE") or None,
        help=_("the authority of the broker's certificate; given: TLS"),
    )
    parser.add_argument("--site", default="+", type=_site, help=_("one site's id (default: all)"))
    parser.add_argument("--json", action="store_true", help=_("one JSON document a message"))
    parser.add_argument("--count", type=int, default=0, help=_("stop after so many messages (default: never)"))


def run(arguments: argparse.Namespace) -> int:
    """Subscribe and print until stopped."""
    client = _client(arguments)
    left = [arguments.count]
    refused: list[str] = []

    def on_connect(client: paho.Client, _data: Any, _flags: Any, answer: ReasonCode, *_: Any) -> None:
        if answer.is_failure:
            refused.append(str(answer))
            client.disconnect()
        else:
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
    except ssl.SSLError as error:
        raise CommandError(
            said("the broker's certificate is not trusted (%(why)s); see --ca", why=error.reason)
        ) from error
    except OSError as error:
        raise CommandError(
            said(
                "no broker answers at %(place)s (%(why)s); see --mqtt-host, --mqtt-port",
                place=f"{arguments.mqtt_host}:{arguments.mqtt_port}",
                why=error,
            )
        ) from error
    client.loop_forever()
    if refused:
        raise CommandError(
            said("the broker lets nobody in so (%(why)s); see --username, --password-file", why=refused[0])
        )
    return OK


def _site(text: str) -> str:
    if text != "+" and not is_id(text):
        raise argparse.ArgumentTypeError(_("%(text)r is no site's id: 1 to 39 of a-z, 0-9 and -") % {"text": text})
    return text


def _client(arguments: argparse.Namespace) -> paho.Client:
    if arguments.password_file is not None and arguments.username is None:
        raise CommandError(said("a password file needs a name as well: --username, such as aldea-collector"))
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    try:
        if arguments.username is not None:
            file = arguments.password_file
            client.username_pw_set(arguments.username, None if file is None else Path(file).read_text().strip())
        if arguments.ca is not None:
            client.tls_set_context(ssl.create_default_context(cafile=str(arguments.ca)))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            said("--password-file or --ca can't be read (%(why)s): is it there, and yours?", why=error)
        ) from error
    return client


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
