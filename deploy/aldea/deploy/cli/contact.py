"""`aldea contact`.

examples:
  aldea contact add tecnica-tekax email address=tecnica@example.org --language es --quiet 22:00-06:30
  aldea contact add turno webhook url=https://example.org/hook
  aldea contact list --json
  aldea contact test 3

Channels and their fields: email address= · telegram chat= token= · whatsapp phone= gateway= · sms phone= gateway= ·
ntfy server= topic= token= · webhook url= token= · apprise url=. A value of - is read from standard input, so that a
secret is in no list of processes. `test` waits until the notifier has sent the message.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
import threading
from gettext import gettext as _
from typing import TYPE_CHECKING, Any

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.channels import CHANNELS, FieldProblem, check_fields, cleaned, shown
from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.settings import LANGUAGES, AlertSettings
from aldea.deploy.cli.main import FAILED, OK, CommandError
from aldea.deploy.cli.page_words import as_on_pages, translated
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.words import in_language, said, tell
from aldea.model.clock import SystemClock
from aldea.model.said import Said, joined
from aldea.storage.register import RegisterError
from aldea.storage.register.contacts import ContactPoint, QuietHours, add_contact, list_contacts
from aldea.storage.register.notifications import Notification, NotificationState, find_notification

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register

LOOK_SECONDS = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|test")
    add = actions.add_parser("add", help=_("a way to reach a person"))
    add.add_argument("person", help=_("the account's name"))
    add.add_argument("kind", choices=sorted(CHANNELS))
    add.add_argument("field", nargs="+", metavar="NAME=VALUE")
    add.add_argument("--language", default="es", choices=LANGUAGES)
    add.add_argument("--quiet", metavar="HH:MM-HH:MM", help=_("hold back what is not urgent between these times"))
    add.add_argument("--timezone", default="America/Mexico_City", help=_("of the quiet hours (IANA)"))
    listing = actions.add_parser("list", help=_("who can be reached, and how; without secrets"))
    listing.add_argument("--json", action="store_true", help=_("one JSON document"))
    test = actions.add_parser("test", help=_("send a test message"))
    test.add_argument("contact", type=int, help=_("the number that `list` shows"))
    test.add_argument("--wait", type=float, default=30.0, metavar="SECONDS", help=_("for the outcome (default: 30)"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    with opened_register(arguments) as register:
        try:
            register.check()
            return {"add": _add, "list": _list, "test": _test}[arguments.action](register, arguments)
        except RegisterError as error:
            raise CommandError(error) from error


def _add(register: Register, arguments: argparse.Namespace) -> int:
    fields = dict(_pair(text) for text in arguments.field)
    problems = check_fields(arguments.kind, fields)
    if problems:
        raise CommandError(joined(map(_problem, problems), "\n"))
    point = ContactPoint(
        person=arguments.person,
        kind=arguments.kind,
        fields=cleaned(arguments.kind, fields),
        language=arguments.language,
        created_ms=SystemClock().wall_ms(),
        quiet=None if arguments.quiet is None else _quiet(arguments.quiet, arguments.timezone),
    )
    with register.transaction() as unit:
        number = add_contact(unit, point)
    reached = said(
        "%(person)s can be reached by %(kind)s; try it: aldea contact test %(number)s",
        person=arguments.person,
        kind=arguments.kind,
        number=number,
    )
    tell(reached, arguments)
    return OK


def _problem(problem: FieldProblem) -> str:
    return said("%(field)s: %(sentence)s", field=problem.field, sentence=as_on_pages(problem.sentence))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(
            said("%(given)s is not NAME=VALUE, for instance address=direccion@example.org", given=repr(text))
        )
    return name, sys.stdin.readline().strip() if value == "-" else value


def _quiet(text: str, zone: str) -> QuietHours:
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)", text)
    if found is None:
        raise CommandError(said("--quiet %(given)s is not two times of day such as 22:00-06:30", given=repr(text)))
    first, first_minute, last, last_minute = map(int, found.groups())
    return QuietHours(zone, first * 60 + first_minute, last * 60 + last_minute)


def _list(register: Register, arguments: argparse.Namespace) -> int:
    with register.reading() as unit:
        rows = [_row(one.person, one.label, point) for one in list_contacts(unit) for point in one.contacts]
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return OK
    off = in_language(said("off"), arguments.lang)
    for row in rows:
        state = "" if row["enabled"] else f"  ({off})"
        print(f"{row['id']:>4}  {row['person']:<24} {row['kind']:<10} {row['shown']}{state}")
    if not rows:
        tell(said("Nobody can be reached yet: aldea contact add --help"), arguments)
    return OK


def _row(person: str, label: str, point: ContactPoint) -> dict[str, Any]:
    quiet = point.quiet
    return {
        "id": point.id,
        "person": person,
        "label": label,
        "kind": point.kind,
        "shown": shown(point.kind, point.fields),
        "language": point.language,
        "enabled": point.enabled,
        "verified_ms": point.verified_ms,
        "quiet": None
        if quiet is None
        else {"zone": quiet.zone, "from_minute": quiet.from_minute, "to_minute": quiet.to_minute},
    }


def _test(register: Register, arguments: argparse.Namespace) -> int:
    settings = AlertSettings()
    announcer = Announcer(settings, Writer(settings.pages_url))
    with register.transaction() as unit:
        now, nonce = SystemClock().wall_ms(), secrets.token_hex(6)
        key = announcer.announce_test(unit, arguments.contact, nonce, now, settings.time_zone)
    if key is None:
        raise CommandError(
            said("there is no contact point %(number)s; aldea contact list shows them all", number=arguments.contact)
        )
    pause = threading.Event()
    for _look in range(max(1, round(arguments.wait / LOOK_SECONDS))):
        with register.reading() as unit:
            found = find_notification(unit, key)
        if found is not None and found.decided_ms is not None:
            break
        pause.wait(LOOK_SECONDS)
    if found is not None and found.state is NotificationState.SENT:
        tell(said("The service has taken the test message."), arguments)
        return OK
    if found is not None and found.decided_ms is not None:
        tell(said("The test message was not sent. %(why)s", why=_why_not(found)), arguments, file=sys.stderr)
        return FAILED
    waits = said("The test message still waits: is aldea up, or aldea alerts, running?")
    tell(waits, arguments, file=sys.stderr)
    return FAILED


def _why_not(found: Notification) -> str:
    from aldea.dashboard_api.web.contact_words import FAILURE_WORDS, STATE_WORDS

    if found.last_error is None:
        return as_on_pages(found.state.value, STATE_WORDS[found.state.value][0])
    code, _colon, words = found.last_error.partition(": ")
    spanish = translated(FAILURE_WORDS[code]) if code in FAILURE_WORDS else ""
    return Said(found.last_error, f"{spanish} {words}".strip()) if spanish else found.last_error
