"""What figures are worked out from, and the port through which it comes.

The protocols are the attributes that are read, so that the register's own values fit without being copied.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol


class IntervalLike(Protocol):
    """A stretch of settled truth: `state` is up, down, planned, off or unknown."""

    @property
    def site(self) -> str: ...  # noqa: D102  # attributes of a protocol speak for themselves
    @property
    def start_ms(self) -> int: ...  # noqa: D102
    @property
    def end_ms(self) -> int: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102


class UsageDayLike(Protocol):
    """The devices seen at a site on a local day; `unique_devices` None where that is not known."""

    @property
    def site(self) -> str: ...  # noqa: D102
    @property
    def day(self) -> date: ...  # noqa: D102
    @property
    def unique_devices(self) -> int | None: ...  # noqa: D102
    @property
    def covered_ratio(self) -> float | None: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102


class RecordLike(Protocol):
    """The newest version of something entered in a form, not withdrawn."""

    @property
    def site(self) -> str: ...  # noqa: D102
    @property
    def programme(self) -> str: ...  # noqa: D102
    @property
    def form(self) -> str: ...  # noqa: D102
    @property
    def event_date(self) -> date: ...  # noqa: D102
    @property
    def payload(self) -> Mapping[str, Any]: ...  # noqa: D102


class ProgrammeLike(Protocol):
    """A programme with its days and what its sites owe: form to `month` or `quarter`."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def starts_on(self) -> date: ...  # noqa: D102
    @property
    def ends_on(self) -> date | None: ...  # noqa: D102
    @property
    def duties(self) -> Mapping[str, str]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Dated:
    """A value that held from `from_ms` until `to_ms` (None: still)."""

    value: Any
    from_ms: int
    to_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        """Whether it held at an instant."""
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)


@dataclass(frozen=True, slots=True)
class SiteHistory:
    """A site with all that was ever true of it: states, and facts by name (several may hold at once).

    `measured`: whether a device was ever enrolled there; `sees_clients`: whether that device can count clients.
    """

    id: str
    name: str
    timezone: str
    simulated: bool
    states: Sequence[Dated]
    facts: Mapping[str, Sequence[Dated]] = field(default_factory=dict)
    measured: bool = True
    sees_clients: bool = True

    def fact_at(self, name: str, at_ms: int) -> Any:
        """Return the fact's value at an instant, None where nothing is on file."""
        return next((entry.value for entry in self.facts.get(name, ()) if entry.holds(at_ms)), None)

    def all_at(self, name: str, at_ms: int) -> frozenset[str]:
        """Return every value of a fact that held at an instant."""
        return frozenset(str(entry.value) for entry in self.facts.get(name, ()) if entry.holds(at_ms))

    def state_at(self, at_ms: int) -> str | None:
        """Return the state at an instant, None before the first."""
        return next((str(entry.value) for entry in self.states if entry.holds(at_ms)), None)


class Inputs(Protocol):
    """Where evidence comes from. Instants are ms since 1970, days are local days; both ends of days count."""

    def sites(self, *, simulated: bool) -> Sequence[SiteHistory]:
        """Return every real, or every simulated, site."""
        ...

    def intervals(self, sites: Collection[str], from_ms: int, to_ms: int) -> Iterable[IntervalLike]:
        """Return settled truth, clipped to the window."""
        ...

    def usage_days(self, sites: Collection[str], first: date, last: date) -> Iterable[UsageDayLike]:
        """Return the daily counts of devices."""
        ...

    def records(self, forms: Collection[str], first: date, last: date, sites: Collection[str]) -> Iterable[RecordLike]:
        """Return records by event date."""
        ...

    def programmes(self) -> Sequence[ProgrammeLike]:
        """Return every programme."""
        ...
