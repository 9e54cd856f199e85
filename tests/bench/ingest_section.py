"""The ingest measurement as a section: the best of a few runs, since other programs only ever take away from a rate."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.ingest import AGENTS, BUDGETS, measure
from bench.report import Figure


def section(*, quick: bool) -> list[Figure]:
    """Measure both message sizes."""
    rows, runs = (200_000, 1) if quick else (600_000, 4)
    return [figure for size, budget in BUDGETS.items() for figure in _figures(size, budget, rows, runs)]


def _figures(size: int, budget: int, rows: int, runs: int) -> list[Figure]:
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(prefix="aldea-bench-") as folder:
            found.append(measure(size, max(1, rows // size // AGENTS) * AGENTS, Path(folder)))
    best = max(found, key=lambda run: run["rate"])
    rates = ", ".join(f"{run['rate']:,.0f}" for run in found)
    note = (
        f"best of {rates}; {best['rows']:,.0f} rows of eight fields in {best['seconds']:.1f} s,"
        f" {best['bytes']:.1f} B a row on the wire; {best['feed']:,.0f} rows/s until the register's feed has them"
        f" too; {best['rows_a_cpu_second']:,.0f} rows a second of processor time, collector and broker together"
    )
    return [Figure(f"{size} rows a message", best["rate"], "rows/s", budget, at_least=True, note=note)]
