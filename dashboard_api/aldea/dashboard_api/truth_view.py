"""Settled truth of one site in a window: intervals, and the figures that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aldea.dashboard_api.instants import instant_ms
from aldea.dashboard_api.problems import Fault, bad_request
from aldea.model.truth import Durations, Interval, durations_between
from aldea.storage.register.register import Unit
from aldea.storage.register.truth import judged_span, read_intervals, settled_until

MOST_DAYS = 400
DAY_MS = 86_400_000
GOOD_COVERAGE, LEAST_COVERAGE = 0.8, 0.5


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a site from `start_ms` up to before `end_ms`."""

    site: str
    start_ms: int
    end_ms: int
    intervals: tuple[Interval, ...]
    settled_ms: int | None
    judged_ms: int | None
    durations: Durations

    @property
    def provisional(self) -> bool:
        """Whether data that is late, or not judged yet, may still change it."""
        return any(moment is None or moment < self.end_ms for moment in (self.settled_ms, self.judged_ms))

    @property
    def service_ratio(self) -> float | None:
        """Up over up and down; withheld where too little is known."""
        return None if self.status == "O" else self.durations.service_ratio

    @property
    def experienced_ratio(self) -> float | None:
        """Up over up, down and planned; withheld where too little is known."""
        return None if self.status == "O" else self.durations.experienced_ratio

    @property
    def status(self) -> Literal["A", "U", "O"]:
        """How far the figures can be relied on, by how much of the time is known."""
        coverage = self.durations.coverage_ratio
        if coverage is None or coverage < LEAST_COVERAGE:
            return "O"
        return "A" if coverage >= GOOD_COVERAGE else "U"


def read_truth(unit: Unit, site: str, start_ms: int, end_ms: int) -> Truth:
    """Return what is known of a site. Time that nobody has judged is in no interval and in no duration."""
    found = read_intervals(unit, [site], start_ms, end_ms)
    settled, judged = settled_until(unit, site), judged_span(unit, site)
    durations = durations_between(found, start_ms, end_ms)
    return Truth(site, start_ms, end_ms, found, settled, None if judged is None else judged[1], durations)


def checked_window(start: str, end: str, now_ms: int) -> tuple[int, int]:
    """Return the window that two parameters name. Raises Problem (400) with a sentence for each that can't be."""
    faults: list[Fault] = []
    found: dict[str, int] = {}
    for name, text in (("start", start), ("end", end)):
        try:
            found[name] = instant_ms(text, now_ms)
        except ValueError as error:
            faults.append(Fault(name, f"{name} {error}."))
    if not faults and found["start"] >= found["end"]:
        faults.append(Fault("start", "start is not before end: exchange them, or move one."))
    if not faults and found["end"] - found["start"] > MOST_DAYS * DAY_MS:
        faults.append(Fault("start", f"start is more than {MOST_DAYS} days before end: ask in parts."))
    if faults:
        raise bad_request(faults)
    return found["start"], found["end"]
