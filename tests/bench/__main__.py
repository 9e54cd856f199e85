"""`python -m bench [section ...] [--quick] [--json FILE]`: measures, and shows each figure beside its budget."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import machine
from bench.report import CannotMeasure, Figure, table
from rigs.processes import RigError

if TYPE_CHECKING:
    from collections.abc import Sequence

SECTIONS = {
    "ingest": "Ingest: agents' batches to journal and SQLite, broker on the same machine",
    "influx": "Ingest: InfluxDB, against what the same server takes in bulk",
    "agent": "Agent: memory and processor",
    "wire": "Agent: bytes on the wire in a month of 30 days",
    "pages": "Pages and API, real server on loopback",
    "alerts": "Alert engine: a step with ten thousand sites",
    "start": "Start of aldea up",
}
# The ingest measurement is a program of its own too, which this module shows as a section.
_MODULES = {"ingest": "ingest_section"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sections asked for (all by default); 0 also when a budget is missed, 1 when one could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: a look, not a measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    arguments = parser.parse_args(argv)
    unknown = [name for name in arguments.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"there is no section {unknown[0]!r}: choose of {', '.join(SECTIONS)}")
    facts = machine()
    for name, value in facts.items():
        print(f"{name:>12}  {value}")
    found: dict[str, list[Figure]] = {}
    absent: dict[str, str] = {}
    for name in arguments.sections or SECTIONS:
        started = time.perf_counter()
        try:
            found[name] = importlib.import_module(f"bench.{_MODULES.get(name, name)}").section(quick=arguments.quick)
        except (CannotMeasure, RigError) as error:
            absent[name] = str(error)
            print(f"\n{SECTIONS[name]}\n  not measured: {error}", flush=True)
        else:
            print(f"\n{table(SECTIONS[name], found[name])}", flush=True)
        print(f"({time.perf_counter() - started:.0f} s; load {os.getloadavg()[0]:.1f} at the end)", flush=True)
    _conclude(found, absent)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(_document(facts, found, absent), indent=2) + "\n", encoding="utf-8")
    return int(bool(absent))


def _conclude(found: dict[str, list[Figure]], absent: dict[str, str]) -> None:
    held = [figure for figures in found.values() for figure in figures if figure.holds]
    missed = [(name, figure) for name, figures in found.items() for figure in figures if figure.holds is False]
    print(f"\n{len(held)} of {len(held) + len(missed)} budgets hold.")
    for name, figure in missed:
        print(f"MISSED: {name}: {figure.what}: {figure.measured:,.4g}, budget {figure.budget:,.4g} {figure.unit}")
    for name in absent:
        print(f"NOT MEASURED: {name}")


def _document(facts: dict[str, str], found: dict[str, list[Figure]], absent: dict[str, str]) -> dict[str, Any]:
    return {
        "machine": facts,
        "sections": {name: [figure.document() for figure in figures] for name, figures in found.items()},
        "not_measured": absent,
    }


if __name__ == "__main__":
    sys.exit(main())
