"""What a section returns, and how it is shown: one line a figure, with its budget and whether it holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `budget` None: shown for comparison, nothing is promised. `note` says how it came about.

    `at_least`: the budget is a floor (a rate), not a ceiling (a time, a size).
    """

    what: str
    measured: float
    unit: str
    budget: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the budget holds; None where there is none."""
        if self.budget is None:
            return None
        return self.measured >= self.budget if self.at_least else self.measured <= self.budget

    @property
    def ratio(self) -> float | None:
        """The measured number over its budget."""
        return None if self.budget is None else self.measured / self.budget

    def document(self) -> dict[str, Any]:
        """Return the figure for JSON."""
        return {**asdict(self), "ratio": self.ratio, "holds": self.holds}


_VERDICTS = {True: "holds", False: "MISSES", None: ""}


def table(title: str, figures: Sequence[Figure]) -> str:
    """Return a section as text."""
    rows = [("what", "measured", "budget", "ratio", "")]
    for figure in figures:
        sign = ">=" if figure.at_least else "<="
        budget = "" if figure.budget is None else f"{sign} {_number(figure.budget)} {figure.unit}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        rows.append((figure.what, f"{_number(figure.measured)} {figure.unit}", budget, ratio, _VERDICTS[figure.holds]))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [title, "-" * len(title)]
    for place, row in enumerate(rows):
        first, rest = (
            row[0].ljust(widths[0]),
            [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)],
        )
        lines.append("  ".join((first, *rest)).rstrip())
        if place and figures[place - 1].note:
            lines.append(f"    {figures[place - 1].note}")
    return "\n".join(lines)


def _number(value: float) -> str:
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return percentile(values, 0.5)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of `values` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)]


class CannotMeasure(Exception):
    """This machine lacks what a section needs; the message says what."""
