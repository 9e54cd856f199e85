"""`aldea site import`: a table of real sites into the register, after a look at what it would do."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aldea.deploy.broker.files import write_whole
from aldea.deploy.cli.codes import AUTHOR
from aldea.deploy.cli.main import FAILED, OK, CommandError
from aldea.model.clock import SystemClock
from aldea.storage.importing.applying import apply_plan
from aldea.storage.importing.files import rejects_csv, template_csv
from aldea.storage.importing.plan import Plan, PlannedSite, Wish, make_plan
from aldea.storage.importing.tables import MOST_BYTES, Table, read_table
from aldea.storage.importing.words import TableError
from aldea.storage.importing.workbooks import rejects_xlsx, template_xlsx
from aldea.storage.register.audit import audit

if TYPE_CHECKING:
    import argparse

    from aldea.storage.register import Register

SHOWN = 200


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="XLSX or CSV")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--good-rows", action="store_true", help="take the good lines although others are refused")
    parser.add_argument("--rejects", type=Path, metavar="FILE", help="write the refused lines with their reasons")
    parser.add_argument("--accept-fixes", action="store_true", help="take the fixes that are offered (a lost zero …)")
    parser.add_argument("--from", dest="from_day", type=_day, metavar="DATE", help="changes hold from then (today)")
    parser.add_argument("--template", type=Path, metavar="FILE", help="write an empty table (.xlsx or .csv) and stop")
    parser.add_argument("--language", choices=("es", "en"), default="es", help="of the template's headings")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def write_template(arguments: argparse.Namespace) -> int:
    """Write the template that was asked for."""
    path: Path = arguments.template
    make = template_csv if path.suffix.lower() == ".csv" else template_xlsx
    _write(path, make(arguments.language))
    print(f"{path}: fill it in, then look at it with: aldea site import {path} --dry-run")
    return OK


def import_sites(register: Register, arguments: argparse.Namespace) -> int:
    """Import, or say what that would do; exit code 1 where lines were refused."""
    if arguments.file is None:
        raise CommandError("name the file to import, or write an empty one with --template FILE")
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
        raise CommandError("\n".join(fault.sentence() for fault in error.faults)) from error
    if arguments.rejects is not None and plan.refused:
        make = rejects_xlsx if arguments.rejects.suffix.lower() == ".xlsx" else rejects_csv
        _write(arguments.rejects, make(plan, "en"))
    print(json.dumps(_document(plan, done=done), ensure_ascii=False, indent=2) if arguments.json else _words(plan))
    if not arguments.json:
        print(_conclusion(plan, arguments, done=done))
    return FAILED if plan.refused else OK


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _not_a_day(text) from None


def _not_a_day(text: str) -> Exception:
    from argparse import ArgumentTypeError

    return ArgumentTypeError(f"{text} is not a date such as 2026-03-01")


def _read(path: Path) -> Table:
    try:
        if path.stat().st_size > 4 * MOST_BYTES:
            raise CommandError(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MB: split it")
        return read_table(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content, 0o644)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error


def _words(plan: Plan) -> str:
    lines = [f"+ {item.row.id}  {item.row.name} ({item.timezone})" for item in plan.added[:SHOWN]]
    lines += [f"~ {item.row.id}  {_changes(item)}" for item in plan.changed[:SHOWN]]
    for refused in plan.refused[:SHOWN]:
        lines += [f"! line {refused.line}: {fault.sentence()}{_offer(fault.fix)}" for fault in refused.faults]
    lines += [f"  line {fault.line}: {fault.sentence()}; took {fault.fix}" for fault in plan.accepted]
    for heading, meant in plan.ignored:
        lines.append(f"  the column “{heading}” is not one of ours" + (f"; did you mean {meant}?" if meant else ""))
    return "\n".join(lines)


def _offer(fix: str | None) -> str:
    return "" if fix is None else f" [--accept-fixes takes {fix}]"


def _changes(item: PlannedSite) -> str:
    return ", ".join(f"{change.key}: {_short(change.before)} → {_short(change.after)}" for change in item.changes)


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _conclusion(plan: Plan, arguments: argparse.Namespace, *, done: bool) -> str:
    counts = (
        f"{len(plan.added)} to add, {len(plan.changed)} to change, {len(plan.same)} as they are, "
        f"{len(plan.refused)} refused."
    )
    if done:
        return f"{counts} Done."
    if arguments.dry_run:
        return f"{counts} Nothing was changed: this was a dry run."
    if plan.refused and not arguments.good_rows:
        return f"{counts} Nothing was changed: mend the lines, or take the good ones with --good-rows."
    return f"{counts} There was nothing to do."


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
        "ignored_columns": [heading for heading, _ in plan.ignored],
    }
