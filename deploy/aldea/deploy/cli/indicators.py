"""`aldea indicators`.

examples:
  aldea indicators list
  aldea indicators show acc_availability_total_pct --period 202506 --area state
  aldea indicators show apr_course_completion_pct --programme aldeas --json
  aldea indicators compute --period 2025Q2
"""

from __future__ import annotations

import json
from dataclasses import asdict
from gettext import gettext as _
from typing import TYPE_CHECKING

from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.page_words import translated
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.words import in_language, said, tell
from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.indicator import Indicator
from aldea.indicators.periods import PeriodError, period_of
from aldea.indicators.stored import value_of
from aldea.indicators.terms import Level
from aldea.indicators.work import IndicatorWork
from aldea.model.clock import SystemClock
from aldea.model.said import Said
from aldea.storage.register import RegisterError
from aldea.storage.register.indicator_values import IndicatorValue, ValueFilter, known_periods, read_values

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from aldea.storage.register import Register


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|compute")
    listing = actions.add_parser("list", help=_("the catalogue"))
    listing.add_argument("--json", action="store_true", help=_("one JSON document"))
    show = actions.add_parser("show", help=_("an indicator and its stored values"))
    show.add_argument("id")
    show.add_argument("--period", help=_("202506, 2025Q2 or 2025 (default: the newest there is)"))
    show.add_argument(
        "--area", default="all", help=_("all, state, municipality, site, or one of them as state:Yucatán")
    )
    show.add_argument("--programme", default="", help=_("a programme's id (default: all together)"))
    show.add_argument("--simulated", action="store_true", help=_("simulated sites instead of real ones"))
    show.add_argument("--json", action="store_true", help=_("one JSON document"))
    compute = actions.add_parser("compute", help=_("work out a period now and store it"))
    compute.add_argument("--period", required=True, help=_("202506, 2025Q2 or 2025"))
    compute.add_argument("--simulated", action="store_true", help=_("simulated sites instead of real ones"))
    compute.add_argument("--json", action="store_true", help=_("one JSON document"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    if arguments.action == "list":
        return _list(arguments)
    with opened_register(arguments) as register:
        try:
            register.check()
            return {"show": _show, "compute": _compute}[arguments.action](register, arguments)
        except (RegisterError, PeriodError) as error:
            raise CommandError(error) from error


def _list(arguments: argparse.Namespace) -> int:
    language = arguments.lang
    entries = [
        {
            "id": entry.id,
            "step": entry.step.value,
            "name": entry.name.said(language),
            "unit": entry.unit,
            "method": entry.method_name,
            "method_version": entry.method_version,
        }
        for entry in CATALOGUE.values()
    ]
    if arguments.json:
        print(json.dumps(entries, ensure_ascii=False, indent=2))
        return OK
    for one in entries:
        print(f"{one['step']:<14} {one['id']:<30} {one['name']}")
    return OK


def _show(register: Register, arguments: argparse.Namespace) -> int:
    entry = CATALOGUE.get(arguments.id)
    if entry is None:
        raise CommandError(
            said("there is no indicator %(id)s; aldea indicators list shows them all", id=repr(arguments.id))
        )
    level, _colon, code = arguments.area.partition(":")
    if level not in tuple(Level):
        raise CommandError(
            said("--area %(area)s: use all, state, municipality or site, or state:Yucatán", area=repr(arguments.area))
        )
    with register.reading() as unit:
        period = arguments.period or next(reversed(known_periods(unit, simulated=arguments.simulated)), "")
        if arguments.period:
            period_of(period)
        only = ValueFilter(
            arguments.simulated, [entry.id], [period], level, [code] if code else None, arguments.programme
        )
        rows = read_values(unit, only)
    if arguments.json:
        print(json.dumps([_told(row) for row in rows], ensure_ascii=False, indent=2))
        return OK
    _print(entry, period, rows, arguments)
    return OK


def _compute(register: Register, arguments: argparse.Namespace) -> int:
    period = period_of(arguments.period)
    done = IndicatorWork(register, SystemClock()).publish(period, simulated=arguments.simulated)
    if arguments.json:
        print(json.dumps(asdict(done), indent=2))
        return OK
    stored = done.stored
    outcome = said(
        "%(period)s (%(state)s): %(new)s new, %(changed)s changed, %(gone)s gone, %(same)s as before.",
        period=period.code,
        state=said("closed") if done.closed else said("open"),
        new=stored.new,
        changed=stored.changed,
        gone=stored.gone,
        same=stored.same,
    )
    tell(outcome, arguments)
    return OK


def _print(entry: Indicator, period: str, rows: Sequence[IndicatorValue], arguments: argparse.Namespace) -> None:
    language = arguments.lang
    shown_period = period or in_language(said("no period yet"), language)
    unit = in_language(_unit(entry), language)
    print(f"{entry.name.said(language)} [{unit}], {shown_period}")
    print(f"  {entry.formula.said(language)}")
    for row in rows:
        print(_line(row, language))
    if not rows:
        tell(said("  no value here: aldea indicators compute --period 202506 works out a period"), arguments)


def _unit(entry: Indicator) -> Said:
    from aldea.dashboard_api.web.indicator_words import UNIT_WORDS

    return Said(entry.unit, translated(UNIT_WORDS.get(entry.unit, entry.unit)))


def _line(row: IndicatorValue, language: str) -> str:
    counted = known = ""
    if row.numerator is not None:
        counts = said("%(part)s of %(whole)s", part=f"{row.numerator:g}", whole=f"{row.denominator or 0:g}")
        counted = in_language(counts, language)
    if row.coverage is not None:
        known = in_language(said("%(share)s %% known", share=f"{row.coverage:.1f}"), language)
    shown, notes = value_of(row).shown or "-", " ".join(row.notes)
    return f"  {row.area_code:<32} {shown:>8}  {row.status}  {counted:<24} {known:<14} {notes}".rstrip()


def _told(row: IndicatorValue) -> dict[str, object]:
    told = asdict(row)
    del told["id"], told["newest"]
    return {**told, "shown": value_of(row).shown}
