"""The words of `aldea user`."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

from aldea.dashboard_api.access.permissions import TOKEN_PERMISSIONS
from aldea.deploy.cli.places import add_register_option
from aldea.storage.register.people import ROLE_NAMES

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="add|list|reset-password|grant|revoke|disable|enable|token"
    )
    add = actions.add_parser("add", help=_("add a person"))
    add.add_argument("account", help=_("what they sign in with: 1 to 39 of a-z, 0-9 and -"))
    add.add_argument("--name", required=True, help=_("the person's name, as pages show it"))
    _add_scope(add, role_needed=False)
    add.add_argument("--link", action="store_true", help=_("print a link by which they set the password themselves"))
    listing = actions.add_parser("list", help=_("everybody and their roles"))
    listing.add_argument("--json", action="store_true", help=_("one JSON document"))
    reset = actions.add_parser("reset-password", help=_("set a password; every session ends"))
    reset.add_argument("account")
    reset.add_argument("--link", action="store_true", help=_("print a link by which they set the password themselves"))
    grant = actions.add_parser("grant", help=_("give a role"))
    grant.add_argument("account")
    _add_scope(grant, role_needed=True)
    revoke = actions.add_parser("revoke", help=_("end a role now"))
    revoke.add_argument("account")
    revoke.add_argument("number", type=int, help=_("the grant's number, as `list --json` shows it"))
    for name, text in (("disable", _("keep a person out")), ("enable", _("let a person in again"))):
        actions.add_parser(name, help=text).add_argument("account")
    token = actions.add_parser("token", help=_("make an API token, which is shown this once"))
    token.add_argument("account", help=_("in whose name it asks"))
    token.add_argument("--name", required=True, help=_("which program it is for"))
    allowed = sorted(item.value for item in TOKEN_PERMISSIONS)
    token.add_argument("--may", action="append", choices=allowed, help=_("repeatable (default: view)"))
    token.add_argument("--programme", default="", help=_("only its sites"))
    token.add_argument("--region", default="", help=_("only this state's sites"))
    token.add_argument("--days", type=int, help=_("for how many days (default: no end)"))


def _add_scope(parser: argparse.ArgumentParser, *, role_needed: bool) -> None:
    if role_needed:
        parser.add_argument("role", choices=ROLE_NAMES)
    else:
        parser.add_argument("--role", choices=ROLE_NAMES, help=_("the first role (others: `aldea user grant`)"))
    parser.add_argument("--programme", default="", help=_("only this programme's sites"))
    parser.add_argument("--region", default="", help=_("only this state's sites"))
    parser.add_argument("--until", metavar="YYYY-MM-DD", help=_("the last day (UTC)"))
