"""Exchanges a one-time code for this device's credential, over HTTPS. Standard library alone."""

from __future__ import annotations

import json
import platform
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aldea.agents.enrolment import Enrolment, enrolled, keep_enrolment
from aldea.agents.machine import hardware_id
from aldea.model.checks import is_loopback
from aldea.model.settings import SettingsError

ANSWER_BYTES = 256 * 1024
WAIT_SECONDS = 30.0


class CannotEnrol(Exception):
    """It did not work; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which server, how it is verified, and whether an address without encryption was allowed by the person."""

    server: str
    ca_file: Path | None = None
    allow_http: bool = False


def enrol(where: Where, code: str, folder: Path) -> Enrolment:
    """Enrol this device and keep what it is given in `folder`. Raises CannotEnrol with a sentence.

    The folder is tried first: a code is good once, and must not be spent on an answer that can't be kept.
    """
    address = _address(where)
    before = _prepare(folder)
    said = {"code": code, "hardware": facts(), "site": None if before is None else before.site}
    answer = _ask(where, address, said)
    try:
        authority = None if where.ca_file is None else where.ca_file.read_bytes()
        return keep_enrolment(folder, answer, where.server, authority)
    except ValueError as error:
        raise CannotEnrol(str(error)) from error
    except OSError as error:
        raise CannotEnrol(
            f"{folder} cannot be written ({error.strerror}); the code is spent: mend the folder and ask for a new one"
        ) from error


def facts() -> dict[str, str]:
    """Return what the server is told of this hardware: a pseudonym, the processor's kind, the system. No names."""
    return {
        "hardware_id": hardware_id() or "",
        "machine": platform.machine()[:40],
        "system": f"{platform.system()} {platform.release()}"[:80],
        "python": platform.python_version(),
    }


def _address(where: Where) -> str:
    parts = urlsplit(where.server if "://" in where.server else f"https://{where.server}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CannotEnrol(f"--server {where.server!r} is not an address such as https://aldea.example.org")
    if parts.scheme == "http" and not (where.allow_http or is_loopback(parts.hostname)):
        raise CannotEnrol(
            f"--server {where.server} has no encryption, and the answer carries a password: use https://, or add "
            "--allow-http on a network that is all yours"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/api/v1/enrol"


def _prepare(folder: Path) -> Enrolment | None:
    probe = folder / ".enrolment-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        return enrolled(folder)
    except SettingsError:
        return None
    except OSError as error:
        raise CannotEnrol(
            f"{folder} cannot be written ({error.strerror}): set ALDEA_DATA or --data to a folder that can. The code "
            "was not used"
        ) from error


def _ask(where: Where, address: str, said: dict[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "aldea-agent"}
    request = urllib.request.Request(address, json.dumps(said).encode(), headers, method="POST")  # noqa: S310 - checked
    try:
        context = ssl.create_default_context(cafile=None if where.ca_file is None else str(where.ca_file))
    except OSError as error:
        raise CannotEnrol(f"--ca {where.ca_file} cannot be read as certificates: {error}") from error
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect())
    try:
        with opener.open(request, timeout=WAIT_SECONDS) as answer:
            content = answer.read(ANSWER_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise CannotEnrol(_refusal(error)) from error
    except urllib.error.URLError as error:
        raise CannotEnrol(_unreachable(where.server, error.reason)) from error
    except (OSError, HTTPException) as error:
        raise CannotEnrol(
            f"{where.server} broke off in its answer ({error}): ask for a new code and try again"
        ) from error
    return _document(where.server, content)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A code is not carried to another address than the one that was typed."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""
        return


def _document(server: str, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content) if len(content) <= ANSWER_BYTES else None
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise CannotEnrol(f"{server} does not answer as an Aldea server does: check the address")
    return document


def _refusal(error: urllib.error.HTTPError) -> str:
    if 300 <= error.code < 400:
        return f"the server points to {error.headers.get('Location', 'another address')!r}: use that with --server"
    try:
        detail = json.loads(error.read(ANSWER_BYTES))["detail"]
    except (ValueError, KeyError, TypeError, OSError):
        return f"the server answers {error.code} {error.reason}: check the address"
    return str(detail)


def _unreachable(server: str, reason: object) -> str:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {server} is not trusted ({reason.verify_message}): name its authority with --ca FILE, "
            "and look at this machine's clock"
        )
    return f"{server} cannot be reached ({reason}): check the address and this machine's network. The code was not used"
