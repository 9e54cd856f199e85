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
from aldea.agents.page.words import N_, Unable, Words, say
from aldea.model.checks import is_loopback
from aldea.model.settings import SettingsError

ANSWER_BYTES = 256 * 1024
WAIT_SECONDS = 30.0


class CannotEnrol(Unable):
    """It did not work; `words` say why and what to do. The server's own sentences come in the language asked for."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which server, how it is verified, and whether an address without encryption was allowed by the person."""

    server: str
    ca_file: Path | None = None
    allow_http: bool = False


def enrol(where: Where, code: str, folder: Path, language: str = "en") -> Enrolment:
    """Enrol this device and keep what it is given in `folder`. Raises CannotEnrol with a sentence.

    The folder is tried first: a code is good once, and must not be spent on an answer that can't be kept.
    """
    address = _address(where)
    before = _prepare(folder)
    said = {"code": code, "hardware": facts(), "site": None if before is None else before.site}
    answer = _ask(where, address, said, language)
    try:
        authority = None if where.ca_file is None else where.ca_file.read_bytes()
        return keep_enrolment(folder, answer, where.server, authority)
    except ValueError as error:
        raise CannotEnrol(_told(error)) from error
    except OSError as error:
        text = N_("%(folder)s cannot be written (%(why)s); the code is spent: mend the folder and ask for a new one")
        raise CannotEnrol(say(text, folder=folder, why=error.strerror)) from error


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
        raise CannotEnrol(
            say("--server %(server)s is not an address such as https://aldea.example.org", server=where.server)
        )
    if parts.scheme == "http" and not (where.allow_http or is_loopback(parts.hostname)):
        text = N_(
            "--server %(server)s has no encryption, and the answer carries a password: use https://, or add "
            "--allow-http on a network that is all yours"
        )
        raise CannotEnrol(say(text, server=where.server))
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
        text = N_(
            "%(folder)s cannot be written (%(why)s): set ALDEA_DATA or --data to a folder that can. The code was "
            "not used"
        )
        raise CannotEnrol(say(text, folder=folder, why=error.strerror)) from error


def _ask(where: Where, address: str, said: dict[str, Any], language: str) -> dict[str, Any]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Language": language,
        "User-Agent": "aldea-agent",
    }
    request = urllib.request.Request(address, json.dumps(said).encode(), headers, method="POST")  # noqa: S310 - checked
    try:
        context = ssl.create_default_context(cafile=None if where.ca_file is None else str(where.ca_file))
    except OSError as error:
        text = N_("--ca %(file)s cannot be read as certificates: %(why)s")
        raise CannotEnrol(say(text, file=where.ca_file, why=error)) from error
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
        text = N_("%(server)s broke off in its answer (%(why)s): ask for a new code and try again")
        raise CannotEnrol(say(text, server=where.server, why=error)) from error
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
        raise CannotEnrol(say("%(server)s does not answer as an Aldea server does: check the address", server=server))
    return document


def _refusal(error: urllib.error.HTTPError) -> Words:
    if 300 <= error.code < 400:
        there = error.headers.get("Location", "?")
        return say("the server points to %(address)s: use that with --server", address=repr(there))
    try:
        detail = json.loads(error.read(ANSWER_BYTES))["detail"]
    except (ValueError, KeyError, TypeError, OSError):
        return say("the server answers %(code)s %(why)s: check the address", code=error.code, why=error.reason)
    return _told(detail)


def _unreachable(server: str, reason: object) -> Words:
    if isinstance(reason, ssl.SSLCertVerificationError):
        text = N_(
            "the certificate of %(server)s is not trusted (%(why)s): name its authority with --ca FILE, and look at "
            "this machine's clock"
        )
        return say(text, server=server, why=reason.verify_message)
    text = N_(
        "%(server)s cannot be reached (%(why)s): check the address and this machine's network. The code was not used"
    )
    return say(text, server=server, why=reason)


def _told(sentence: object) -> Words:
    """Return somebody else's sentence as it is."""
    return Words("%(sentence)s", {"sentence": str(sentence)})
