"""`aldea api`.

example:
  ALDEA_DATA=/var/lib/aldea aldea api --port 8000
"""

from __future__ import annotations

import argparse
import os
from gettext import gettext as _
from pathlib import Path

from aldea.agents.overlay.checking import agent_guide
from aldea.dashboard_api.access.opening import check_address
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.certificate import Certificate
from aldea.dashboard_api.server import CannotServe
from aldea.dashboard_api.server import main as serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, add_series_option, default_series_url, opened_register
from aldea.deploy.garbage import settle_garbage
from aldea.deploy.words import said
from aldea.model.checks import a_url, is_loopback
from aldea.model.clock import SystemClock
from aldea.model.series import StoreUnavailable
from aldea.storage.register import RegisterError
from aldea.storage.register.endpoint import set_server_url
from aldea.storage.series import open_series_store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    add_series_option(parser)
    parser.add_argument(
        "--host",
        default=os.environ.get("ALDEA_HTTP_HOST") or "127.0.0.1",
        help=_("the address to serve on (ALDEA_HTTP_HOST; default: 127.0.0.1)"),
    )
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("ALDEA_HTTP_PORT") or "8000",
        help=_("the port (ALDEA_HTTP_PORT; default: 8000)"),
    )
    environ = os.environ
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        default=environ.get("ALDEA_HTTP_CERTIFICATE"),
        help=_("serve by HTTPS: the certificate with its chain (ALDEA_HTTP_CERTIFICATE)"),
    )
    parser.add_argument(
        "--key", type=Path, metavar="FILE", default=environ.get("ALDEA_HTTP_KEY"), help=_("its key (ALDEA_HTTP_KEY)")
    )
    parser.add_argument(
        "--public-url",
        type=public_url,
        metavar="URL",
        default=environ.get("ALDEA_PUBLIC_URL") or None,
        help=_("where people and devices reach the pages (ALDEA_PUBLIC_URL; unset: where each page was asked for)"),
    )


def public_url(text: str) -> str:
    """Return an address that was typed, without its last slash. Raises ArgumentTypeError with a sentence."""
    if a_url(text) is not None:
        sentence = _(
            "%(text)r is not where pages are reached; expects http:// or https://, a host, and no user name in it"
        )
        raise argparse.ArgumentTypeError(sentence % {"text": text})
    return text.rstrip("/")


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    if (arguments.certificate is None) != (arguments.key is None):
        raise CommandError(said("--certificate and --key belong together: give both or neither"))
    certificate = None if arguments.certificate is None else Certificate(arguments.certificate, arguments.key)
    with opened_register(arguments) as register:
        try:
            register.check()
            check_address(register, arguments.host)
            store = open_series_store(arguments.series or default_series_url())
        except (RegisterError, CannotServe, StoreUnavailable, ValueError) as error:
            raise CommandError(error) from error
        try:
            settle_garbage()
            settings = ApiSettings(demo_admin=is_loopback(arguments.host), public_url=arguments.public_url)
            if arguments.public_url is not None:
                with register.transaction() as unit:
                    set_server_url(unit, arguments.public_url)
            app = create_app(register, store, SystemClock(), settings, agent_guide())
            serve(app, arguments.host, arguments.port, certificate)
        except CannotServe as error:
            raise CommandError(error) from error
        finally:
            store.close()
    return OK
