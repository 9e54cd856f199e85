"""`aldea site`.

examples:
  aldea site add isla-arena --name "Isla Arena" --timezone America/Merida --fact inegi_code=04001
  aldea site list --json
  aldea site show isla-arena
  aldea site enrol isla-arena                       a one-time code for its agent
  aldea site import --template sites.xlsx           then fill it in, and:
  aldea site import sites.xlsx --dry-run
"""

from __future__ import annotations

import json
from dataclasses import asdict
from gettext import gettext as _
from typing import TYPE_CHECKING

from aldea.deploy.cli.codes import AUTHOR, add_code_options, show_code
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.cli.site_import import add_import_options, import_sites, write_template
from aldea.deploy.cli.site_words import no_such_site
from aldea.deploy.words import in_language, said, tell
from aldea.model.clock import SystemClock
from aldea.storage.register import RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.devices import Device, devices_of
from aldea.storage.register.enrolment import issue_code
from aldea.storage.register.facts import NewFact, facts_at
from aldea.storage.register.listing import SiteFilter, SiteOverview, list_sites
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites, find_site, state_at

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register

PAGE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|show|enrol|import")
    add = actions.add_parser("add", help=_("register a site and its agent's device"))
    add.add_argument("id", help=_("1 to 39 of a-z, 0-9 and -"))
    add.add_argument("--name", required=True)
    add.add_argument("--timezone", required=True, help=_("IANA name, such as America/Merida"))
    add.add_argument("--device", default="agent", help=_("the id of the agent's device (default: agent)"))
    add.add_argument("--fact", action="append", default=[], metavar="NAME=VALUE", help=_("repeatable"))
    listing = actions.add_parser("list", help=_("all sites"))
    listing.add_argument("--json", action="store_true", help=_("one JSON document"))
    show = actions.add_parser("show", help=_("one site with its facts and devices"))
    show.add_argument("id")
    show.add_argument("--json", action="store_true", help=_("one JSON document"))
    enrol = actions.add_parser("enrol", help=_("a one-time code with which an agent fetches its access"))
    enrol.add_argument("id")
    enrol.add_argument("--device", default="agent", help=_("the device's id (default: agent)"))
    add_code_options(enrol)
    add_import_options(actions.add_parser("import", help=_("real sites from a table: XLSX or CSV")))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    if arguments.action == "import" and arguments.template is not None:
        return write_template(arguments)
    with opened_register(arguments) as register:
        try:
            register.check()
            actions = {"add": _add, "list": _list, "show": _show, "enrol": _enrol, "import": import_sites}
            return actions[arguments.action](register, arguments)
        except RegisterError as error:
            raise CommandError(error) from error


def _add(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    site = Site(id=arguments.id, name=arguments.name, timezone=arguments.timezone, created_at_ms=now)
    device = Device(site=arguments.id, id=arguments.device, kind="agent", enrolled_at_ms=now)
    facts = tuple(_fact(text) for text in arguments.fact)
    with register.transaction() as unit:
        add_sites(unit, [SiteEntry(site, now, SiteState.COMMISSIONED, facts=facts, devices=(device,))])
    device_shown = f"{arguments.id}/{arguments.device}"
    tell(said("%(site)s is registered; its agent is %(device)s.", site=arguments.id, device=device_shown), arguments)
    return OK


def _enrol(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        code = issue_code(unit, arguments.id, arguments.device, now, AUTHOR, arguments.hours)
        audit(unit, None, "code_issued", f"{code.site}/{code.device}", {"by": AUTHOR}, now)
        print(show_code(unit, code, arguments))
    return OK


def _fact(text: str) -> NewFact:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(said("--fact %(given)s is not NAME=VALUE, for instance provider=Hughes", given=repr(text)))
    return NewFact(name, value)


def _list(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    found: list[SiteOverview] = []
    after = None
    with register.reading() as unit:
        while page := list_sites(unit, now, after=after, limit=PAGE, only=SiteFilter()):
            found += page
            after = page[-1].site.id
    if arguments.json:
        print(json.dumps([asdict(item.site) for item in found], ensure_ascii=False, indent=2))
        return OK
    simulated = in_language(said("simulated"), arguments.lang)
    for item in found:
        print(f"{item.site.id:<40} {item.site.name}{f'  ({simulated})' if item.site.simulated else ''}")
    if not found:
        tell(said("No sites yet: aldea site add --help"), arguments)
    return OK


def _show(register: Register, arguments: argparse.Namespace) -> int:
    now = SystemClock().wall_ms()
    with register.reading() as unit:
        site = find_site(unit, arguments.id)
        if site is None:
            raise CommandError(no_such_site(arguments.id))
        state = state_at(unit, site.id, now)
        facts = {fact.fact: fact.value for fact in facts_at(unit, site.id, now)}
        devices = devices_of(unit, site.id)
    shown = {
        **asdict(site),
        "state": None if state is None else state.value,
        "facts": facts,
        "devices": [asdict(device) for device in devices],
    }
    if arguments.json:
        print(json.dumps(shown, ensure_ascii=False, indent=2, default=str))
        return OK
    for name, value in shown.items():
        print(f"{name:<16} {value}")
    return OK
