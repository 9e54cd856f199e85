"""The register as the port that evidence comes through."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from aldea.indicators.evidence import Dated, IntervalLike, ProgrammeLike, RecordLike, SiteHistory, UsageDayLike
from aldea.indicators.segments import CUTTING_FACTS
from aldea.storage.register import Unit
from aldea.storage.register.indicator_sources import SiteFile, site_files
from aldea.storage.register.programmes import list_programmes
from aldea.storage.register.records import current_records
from aldea.storage.register.truth import read_intervals
from aldea.storage.register.usage_days import read_usage_days

CLIENTS = "clients"
"""What a box that can count connected devices says of itself at its enrolment."""


@dataclass(frozen=True, slots=True)
class RegisterInputs:
    """Reads within one unit, so that all evidence of a computation is of one moment."""

    unit: Unit

    def sites(self, *, simulated: bool) -> Sequence[SiteHistory]:
        """Return every real, or every simulated, site with its history."""
        return [_history(file) for file in site_files(self.unit, CUTTING_FACTS, simulated=simulated)]

    def intervals(self, sites: Collection[str], from_ms: int, to_ms: int) -> Sequence[IntervalLike]:
        """Return settled truth, clipped to the window."""
        return read_intervals(self.unit, sites, from_ms, to_ms)

    def usage_days(self, sites: Collection[str], first: date, last: date) -> Sequence[UsageDayLike]:
        """Return the daily counts of devices."""
        return read_usage_days(self.unit, sites, first, last)

    def records(self, forms: Collection[str], first: date, last: date, sites: Collection[str]) -> Sequence[RecordLike]:
        """Return records by event date; of these sites only, real and simulated being separate worlds."""
        wanted = frozenset(sites)
        return [one for one in current_records(self.unit, forms, first, last) if one.site in wanted]

    def programmes(self) -> Sequence[ProgrammeLike]:
        """Return every programme."""
        return list_programmes(self.unit)


def _history(file: SiteFile) -> SiteHistory:
    facts: dict[str, list[Dated]] = {}
    for one in file.held:
        facts.setdefault(one.fact, []).append(Dated(one.value, one.from_ms, one.to_ms))
    site = file.site
    return SiteHistory(
        id=site.id,
        name=site.name,
        timezone=site.timezone,
        simulated=site.simulated,
        states=facts.pop("state", []),
        facts=facts,
        measured=file.has_device,
        # A box enrolled before it was asked says nothing of clients: then its days decide.
        sees_clients=file.sees.get(CLIENTS, True),
    )
