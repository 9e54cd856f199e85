# ruff: noqa: N999  # a command is found by its name

"""`aldea import`.

examples:
  aldea import csv attendance --template > attendance.csv     then fill it in, and:
  aldea import csv attendance attendance.csv
  aldea import csv attendance attendance.csv --good-rows --rejects rejects.csv

The forms: course, attendance, service, project_use, business_support, business_follow_up, power_note, nothing.
A file with a bad row is not taken at all, unless --good-rows is given. The same file again stores nothing twice.
Exit codes: 0 all rows are stored, 1 some or all are not, 2 used wrongly.
"""

from __future__ import annotations

import json
import sys
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.dashboard_api.record_files import MAX_BYTES, FileError, Reviewed, review, store_all, template
from aldea.deploy.cli.main import FAILED, OK, CommandError
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.os_words import reason_of
from aldea.deploy.words import said, tell
from aldea.model.clock import SystemClock
from aldea.model.forms import Definition, load_forms
from aldea.storage.register import RegisterError

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="csv")
    table = kinds.add_parser("csv", help=_("records of a form from a CSV file"))
    table.add_argument("form", choices=sorted(load_forms()), help=_("the form's id"))
    table.add_argument("file", nargs="?", type=Path, help=_("the CSV file"))
    table.add_argument("--template", action="store_true", help=_("print the empty file for the form, and stop"))
    table.add_argument("--good-rows", action="store_true", help=_("take all good rows, even if others are bad"))
    table.add_argument("--rejects", type=Path, metavar="FILE", help=_("write the lines that were not taken there"))
    table.add_argument(
        "--language",
        choices=("es", "en"),
        help=_("of the sentences about rows (default: that of the rest; with --json: en)"),
    )
    table.add_argument("--json", action="store_true", help=_("one JSON document"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    definition = load_forms()[arguments.form]
    if arguments.template:
        sys.stdout.write(template(definition))
        return OK
    content = _content(arguments.file)
    with opened_register(arguments) as register:
        try:
            register.check()
            found, stored = _imported(register, definition, content, arguments)
        except FileError as error:
            raise CommandError(f"{arguments.file}: {error}") from error
        except RegisterError as error:
            raise CommandError(error) from error
    if arguments.rejects is not None and found.rejects:
        arguments.rejects.write_text(found.rejects, encoding="utf-8")
    _show(found, stored, arguments)
    return FAILED if found.bad else OK


def _content(path: Path | None) -> bytes:
    if path is None:
        raise CommandError(said("no file is named: give a CSV file, or --template for an empty one"))
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CommandError(
                said("%(file)s is larger than %(most)s MB: divide it", file=path, most=MAX_BYTES // 1_000_000)
            )
        return path.read_bytes()
    except OSError as error:
        raise CommandError(said("%(file)s can't be read: %(why)s", file=path, why=reason_of(error))) from error


def _imported(
    register: Register, definition: Definition, content: bytes, arguments: argparse.Namespace
) -> tuple[Reviewed, tuple[int, int]]:
    with register.transaction() as unit:
        found = review(
            unit,
            definition,
            content,
            may_write=lambda _site, _programme: True,
            author=None,
            now_ms=SystemClock().wall_ms(),
            language=arguments.language or ("en" if arguments.json else arguments.lang),
        )
        taken = not found.bad or arguments.good_rows
        return found, store_all(unit, found.good) if taken else (0, 0)


def _show(found: Reviewed, stored: tuple[int, int], arguments: argparse.Namespace) -> None:
    if arguments.json:
        bad = [{"line": item.line, "detail": item.sentence} for item in found.bad]
        print(json.dumps({"stored": stored[0], "there_before": stored[1], "bad": bad}, ensure_ascii=False))
        return
    for item in found.bad:
        print(item.sentence, file=sys.stderr)
    tell(
        said(
            "%(stored)s records stored, %(before)s were there before, %(bad)s things to mend",
            stored=stored[0],
            before=stored[1],
            bad=len(found.bad),
        ),
        arguments,
    )
