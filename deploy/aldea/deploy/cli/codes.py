"""How a code is shown at the terminal, with the command to type at the site."""

from __future__ import annotations

import json
import math
from datetime import datetime
from gettext import gettext as _
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aldea.deploy.words import in_language, said
from aldea.model.said import Said, in_spanish, joined
from aldea.storage.register.endpoint import server_url
from aldea.storage.register.sites import find_site

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Unit
    from aldea.storage.register.enrolment import Code

AUTHOR = "command line"


def add_code_options(parser: argparse.ArgumentParser) -> None:
    """Declare what a command that issues codes takes."""
    parser.add_argument("--hours", type=float, default=24, help=_("how long the code is good (default: %(default)s)"))
    parser.add_argument("--server", metavar="URL", help=_("the pages' address as the site reaches it"))
    parser.add_argument("--json", action="store_true", help=_("one JSON document"))


def show_code(unit: Unit, code: Code, arguments: argparse.Namespace) -> str:
    """Return what is printed: the code, until when it is good, and what to type."""
    server = arguments.server or server_url(unit) or said("https://ADDRESS-OF-THE-PAGES")
    command = Said(_typed(server, code), _typed(in_spanish(server), code))
    if arguments.json:
        shown = {
            "site": code.site,
            "device": code.device,
            "code": code.text,
            "expires_ms": code.expires_ms,
            "command": command,
        }
        return json.dumps(shown, indent=2)
    site = find_site(unit, code.site)
    zone = ZoneInfo("UTC" if site is None else site.timezone)
    until = datetime.fromtimestamp(math.floor(code.expires_ms / 1000), zone)
    shown_until = f"{until:%Y-%m-%d %H:%M} ({zone.key})"
    lines = (
        said("Code for %(device)s: %(code)s", device=f"{code.site}/{code.device}", code=code.text),
        said("It is good once, until %(until)s. At the site, type:", until=shown_until),
        Said(f"\n  {command}\n", f"\n  {command.es}\n"),
        said("and then: aldea agent run"),
    )
    return in_language(joined(lines, "\n"), arguments.lang)


def _typed(server: str, code: Code) -> str:
    return f"aldea agent enrol --server {server} --code {code.text}"
