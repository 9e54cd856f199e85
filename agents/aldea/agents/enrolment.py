"""What this device was given when it enrolled: its place, its broker and its credential. Kept in its data folder."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from aldea.agents.overlay.keeping import FILE as SETTINGS_FILE
from aldea.agents.whole_file import sync_folder, write_whole
from aldea.model.said import Said
from aldea.model.sample import is_id
from aldea.model.settings import SettingsError

FILE = "enrolment.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One enrolment. Files are names in the data folder; no `ca_file`, `server_ca_file`: the system's authorities.

    `server` was asked, and is verified by `server_ca_file`; `release_key` has the public keys (PEM) of releases.
    """

    site: str
    device: str
    host: str
    port: int
    tls: bool
    username: str
    password_file: str
    ca_file: str | None
    server: str
    timezone: str
    server_ca_file: str | None = None
    release_key: str | None = None


def enrolled(folder: Path) -> Enrolment | None:
    """Return the enrolment kept in `folder`, None where there is none. Raises SettingsError when it can't be read."""
    path = folder / FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw.pop("version") != VERSION:
            raise ValueError("it was written by another version")
        # What a later version has added is no reason for this one to know nobody.
        return Enrolment(**{name: raw[name] for name in Enrolment.__slots__ if name in raw})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(
            [
                Said(
                    f"{path} cannot be read ({error}): enrol again with a new code (`aldea agent enrol`)",
                    f"{path} no se puede leer ({error}): inscribir otra vez con un código nuevo (`aldea agent enrol`)",
                )
            ]
        ) from error


def keep_enrolment(folder: Path, answer: Mapping[str, Any], server: str, server_ca: bytes | None = None) -> Enrolment:
    """Keep what the server answered, all of it or nothing, readable by us alone (mode 0600).

    `server_ca` (PEM) is the authority by which the server was verified, None for the system's.
    Raises ValueError with a sentence for an answer that isn't one, OSError when the folder can't be written.
    """
    tag = secrets.token_hex(4)
    made, password, authority = _read_answer(answer, server, tag)
    if server_ca is not None:
        made = replace(made, server_ca_file=f"enrolment-{tag}.server.pem")
    folder.mkdir(parents=True, exist_ok=True)
    before = _names(folder)
    write_whole(folder / made.password_file, password.encode() + b"\n")
    if made.ca_file is not None and authority is not None:
        write_whole(folder / made.ca_file, authority.encode())
    if made.server_ca_file is not None and server_ca is not None:
        write_whole(folder / made.server_ca_file, server_ca)
    # This one name decides: until it changes, the old enrolment holds as a whole.
    write_whole(folder / FILE, json.dumps({"version": VERSION, **asdict(made)}, indent=1).encode() + b"\n")
    # Settings from afar belong to the enrolment before; the server sends what holds for this one.
    (folder / SETTINGS_FILE).unlink(missing_ok=True)
    sync_folder(folder)
    for name in before - {made.password_file, made.ca_file, made.server_ca_file}:
        (folder / name).unlink(missing_ok=True)
    return made


def with_enrolment(document: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    """Return a parsed `aldea.toml` with what the folder's enrolment says below it.

    Where the file or the environment name a broker or its user themselves, these hold alone: half of one and half of
    the other would be neither. Raises SettingsError for a site that isn't the enrolled one.
    """
    given = document.get("agent", {})
    if not isinstance(given, Mapping):
        return dict(document)
    folder = Path(environ.get("ALDEA_DATA") or str(given.get("data") or "data"))
    found = enrolled(folder)
    if found is None:
        return dict(document)
    agent: dict[str, object] = dict(given)
    for name, variable, own in (
        ("site", "ALDEA_SITE", found.site),
        ("device", "ALDEA_DEVICE", found.device),
    ):
        told = environ.get(variable) or agent.get(name)
        if told is not None and told != own:
            mine = f"{found.site}/{found.device}"
            raise SettingsError(
                [
                    Said(
                        f"agent.{name} is {told!r}, but {folder} is enrolled as {mine}; leave it out",
                        f"agent.{name} es {told!r}, pero {folder} está inscrito como {mine}; quitarlo",
                    )
                ]
            )
        agent[name] = own
    if "broker" not in agent and not _names_broker(environ):
        agent["broker"] = _broker(found, folder)
    return {**document, "agent": agent}


def _broker(found: Enrolment, folder: Path) -> dict[str, object]:
    table: dict[str, object] = {
        "host": found.host,
        "port": found.port,
        "username": found.username,
        "password_file": str(folder / found.password_file),
        "tls": found.tls,
    }
    if found.tls and found.ca_file is not None:
        table["ca_file"] = str(folder / found.ca_file)
    return table


def _names_broker(environ: Mapping[str, str]) -> bool:
    return any(name.startswith("ALDEA_MQTT_") and value for name, value in environ.items())


def _read_answer(answer: Mapping[str, Any], server: str, tag: str) -> tuple[Enrolment, str, str | None]:
    try:
        broker, settings = answer["broker"], answer["settings"]
        authority = broker["ca_pem"]
        made = Enrolment(
            site=answer["site"],
            device=answer["device"],
            host=broker["host"],
            port=broker["port"],
            tls=broker["tls"],
            username=answer["username"],
            password_file=f"enrolment-{tag}.password",
            ca_file=None if authority is None else f"enrolment-{tag}.ca.pem",
            server=server,
            timezone=settings["timezone"],
            release_key=settings.get("release_key"),
        )
        password = answer["password"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the server's answer has no {error}: is it an Aldea of this version?") from error
    texts: tuple[Any, ...] = (made.site, made.device, made.host, made.username, made.timezone, password)
    others: tuple[Any, ...] = (made.port, made.tls)
    shapes = tuple(type(item) for item in others) == (int, bool) and all(
        isinstance(text, str | None) for text in (authority, made.release_key)
    )
    if not all(isinstance(text, str) and text for text in texts) or not shapes:
        raise ValueError("the server's answer is not one for an enrolment: is it an Aldea of this version?")
    if not (is_id(made.site) and is_id(made.device)):
        raise ValueError(f"the server's answer names {made.site[:40]}/{made.device[:40]}, which can't be a device")
    return made, password, authority


def _names(folder: Path) -> set[str]:
    patterns = ("enrolment-*.password", "enrolment-*.ca.pem", "enrolment-*.server.pem")
    return {path.name for pattern in patterns for path in folder.glob(pattern)}
