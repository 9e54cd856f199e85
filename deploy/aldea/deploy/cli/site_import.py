"""`aldea site import`: a table of real sites into the register, after a look at what it would do."""

from __future__ import annotations

import json
from datetime import date
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aldea.deploy.broker.files import write_whole
from aldea.deploy.cli.codes import AUTHOR
from aldea.deploy.cli.main import FAILED, OK, CommandError
from aldea.deploy.cli.page_words import translated
from aldea.deploy.os_words import reason_of
from aldea.deploy.words import said, tell
from aldea.model.clock import SystemClock
from aldea.model.said import Said, joined
from aldea.storage.importing.applying import apply_plan
from aldea.storage.importing.files import rejects_csv, template_csv
from aldea.storage.importing.plan import Plan, PlannedSite, Wish, make_plan
from aldea.storage.importing.tables import MOST_BYTES, Table, read_table
from aldea.storage.importing.words import Fault, TableError, as_it_is
from aldea.storage.importing.workbooks import rejects_xlsx, template_xlsx
from aldea.storage.register.audit import audit

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register

SHOWN = 200


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help=_("XLSX or CSV"))
    parser.add_argument("--dry-run", action="store_true", help=_("say what would be done, and do nothing"))
    parser.add_argument("--good-rows", action="store_true", help=_("take the good lines although others are refused"))
    parser.add_argument("--rejects", type=Path, metavar="FILE", help=_("write the refused lines with their reasons"))
    parser.add_argument(
        "--accept-fixes", action="store_true", help=_("take the fixes that are offered (a lost zero …)")
    )
    parser.add_argument("--from", dest="from_day", type=_day, metavar="DATE", help=_("changes hold from then (today)"))
    parser.add_argument(
        "--template", type=Path, metavar="FILE", help=_("write an empty table (.xlsx or .csv) and stop")
    )
    parser.add_argument("--language", choices=("es", "en"), default="es", help=_("of the template's headings"))
    parser.add_argument("--json", action="store_true", help=_("one JSON document"))


def write_template(arguments: argparse.Namespace) -> int:
    """Write the template that was asked for."""
    path: Path = arguments.template
    make = template_csv if path.suffix.lower() == ".csv" else template_xlsx
    _write(path, make(arguments.language))
    tell(said("%(file)s: fill it in, then look at it with: aldea site import %(file)s --dry-run", file=path), arguments)
    return OK


def import_sites(register: Register, arguments: argparse.Namespace) -> int:
    """Import, or say what that would do; exit code 1 where lines were refused."""
    if arguments.file is None:
        raise CommandError(said("name the file to import, or write an empty one with --template FILE"))
    now = SystemClock().wall_ms()
    wish = Wish(from_day=arguments.from_day, accept_fixes=arguments.accept_fixes)
    try:
        table = _read(arguments.file)
        with register.transaction() as unit:
            plan = make_plan(unit, table, wish, now)
            done = not arguments.dry_run and bool(plan.good) and (not plan.refused or arguments.good_rows)
            if done:
                apply_plan(unit, plan.good, now)
                counts = {"file": arguments.file.name, "added": len(plan.added), "changed": len(plan.changed)}
                audit(unit, None, "sites_imported", arguments.file.name, {"by": AUTHOR, **counts}, now)
    except TableError as error:
        raise CommandError(joined(map(_fault, error.faults), "\n")) from error
    if arguments.rejects is not None and plan.refused:
        make = rejects_xlsx if arguments.rejects.suffix.lower() == ".xlsx" else rejects_csv
        _write(arguments.rejects, make(plan, arguments.lang, translated if arguments.lang == "es" else as_it_is))
    if arguments.json:
        print(json.dumps(_document(plan, done=done), ensure_ascii=False, indent=2))
    else:
        tell(_words(plan), arguments)
        tell(_conclusion(plan, arguments, done=done), arguments)
    return FAILED if plan.refused else OK


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _not_a_day(text) from None


def _not_a_day(text: str) -> Exception:
    from argparse import ArgumentTypeError

    return ArgumentTypeError(_("%(day)s is not a date such as 2026-03-01") % {"day": text})


def _read(path: Path) -> Table:
    try:
        if path.stat().st_size > 4 * MOST_BYTES:
            raise CommandError(
                said("%(file)s is larger than %(most)s MB: split it", file=path, most=MOST_BYTES // 1024 // 1024)
            )
        return read_table(path.read_bytes())
    except OSError as error:
        raise CommandError(said("%(file)s cannot be read: %(why)s", file=path, why=reason_of(error))) from error


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content, 0o644)
    except OSError as error:
        raise CommandError(said("%(file)s cannot be written: %(why)s", file=path, why=reason_of(error))) from error


def _words(plan: Plan) -> Said:
    lines = [f"+ {item.row.id}  {item.row.name} ({item.timezone})" for item in plan.added[:SHOWN]]
    lines += [joined([f"~ {item.row.id}", _changes(item)], "  ") for item in plan.changed[:SHOWN]]
    for refused in plan.refused[:SHOWN]:
        lines += [_refused(fault, refused.line) for fault in refused.faults]
    lines += [
        said("  line %(line)s: %(fault)s; took %(fix)s", line=fault.line, fault=_fault(fault), fix=fault.fix)
        for fault in plan.accepted
    ]
    lines += [_ignored(heading, meant) for heading, meant in plan.ignored]
    return joined(lines, "\n")


def _fault(fault: Fault) -> Said:
    return Said(fault.sentence(), fault.sentence(translated))


def _refused(fault: Fault, line: int) -> Said:
    if fault.fix is None:
        return said("! line %(line)s: %(fault)s", line=line, fault=_fault(fault))
    return said(
        "! line %(line)s: %(fault)s [--accept-fixes takes %(fix)s]", line=line, fault=_fault(fault), fix=fault.fix
    )


def _ignored(heading: str, meant: str | None) -> Said:
    if meant:
        return said(
            "  the column “%(heading)s” is not one of ours; did you mean %(meant)s?", heading=heading, meant=meant
        )
    return said("  the column “%(heading)s” is not one of ours", heading=heading)


def _changes(item: PlannedSite) -> Said:
    changes = (
        said(
            "%(key)s: %(before)s → %(after)s", key=change.key, before=_short(change.before), after=_short(change.after)
        )
        for change in item.changes
    )
    return joined(changes, ", ")


def _short(value: Any) -> str:
    if value is None:
        return said("nothing")
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _conclusion(plan: Plan, arguments: argparse.Namespace, *, done: bool) -> Said:
    counts = said(
        "%(added)s to add, %(changed)s to change, %(same)s as they are, %(refused)s refused.",
        added=len(plan.added),
        changed=len(plan.changed),
        same=len(plan.same),
        refused=len(plan.refused),
    )
    return joined([counts, _outcome(plan, arguments, done=done)], " ")


def _outcome(plan: Plan, arguments: argparse.Namespace, *, done: bool) -> Said:
    if done:
        return said("Done.")
    if arguments.dry_run:
        return said("Nothing was changed: this was a dry run.")
    if plan.refused and not arguments.good_rows:
        return said("Nothing was changed: mend the lines, or take the good ones with --good-rows.")
    return said("There was nothing to do.")


def _document(plan: Plan, *, done: bool) -> dict[str, Any]:
    return {
        "done": done,
        "added": [item.row.id for item in plan.added],
        "changed": [
            {"id": item.row.id, "changes": {c.key: [c.before, c.after] for c in item.changes}} for item in plan.changed
        ],
        "same": [row.id for row in plan.same],
        "refused": [
            {
                "line": refused.line,
                "faults": [
                    {"column": fault.column, "sentence": fault.sentence(), "fix": fault.fix} for fault in refused.faults
                ],
            }
            for refused in plan.refused
        ],
        "ignored_columns": [heading for heading, _meant in plan.ignored],
    }
