"""What a rule is: how to gather evidence of one site from events, and how to look at it at an instant. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from aldea.alert_rules.events import Event
from aldea.alert_rules.opening import Opening

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Place:
    """What a rule may know of the site beside its events. `off_when_closed`: its silence then means nothing."""

    site: str
    opening: Opening | None = None
    off_when_closed: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a word and its values: the words for people are made of it in their language (`sentences`)."""

    code: str
    values: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Look:
    """What the evidence says at an instant.

    `bad` None: it says nothing, so that nothing changes for the better or the worse. `since_ms`: since when it is
    bad, or good. `ready_ms`: when the hold before firing, or before resolving, is over if it stays so; None: the
    rule's hold, counted from when it was first seen. `again_ms`: when to look again if no event comes.
    `missing`: the span in which a site that should have been heard by now must have fallen silent.
    """

    bad: bool | None
    reason: Reason
    since_ms: int | None = None
    ready_ms: int | None = None
    again_ms: int | None = None
    missing: tuple[int, int] | None = None


class Kind(Protocol):
    """A kind of rule with its settings: a frozen dataclass whose fields are the keys of the rules file.

    Evidence is an immutable value of the kind's own type. `gather` must not care about the order of the events of
    one site between two ticks, nor about duplicates. All times are milliseconds since 1970.
    """

    @property
    def hold_seconds(self) -> int:
        """How long it must stay bad before it fires."""
        ...

    @property
    def clear_hold_seconds(self) -> int:
        """How long it must stay good before it is resolved."""
        ...

    def start(self) -> Any:
        """Return the evidence of a site of which nothing is known."""
        ...

    def gather(self, evidence: Any, event: Event) -> Any:
        """Return the evidence after an event; the same object where the event says nothing."""
        ...

    def look(self, evidence: Any, at_ms: int, place: Place, *, firing: bool) -> Look:
        """Say what the evidence means at `at_ms`. `firing` chooses the limit that counts (hysteresis)."""
        ...

    def dump(self, evidence: Any) -> Any:
        """Return evidence as JSON."""
        ...

    def load(self, stored: Any) -> Any:
        """Return evidence of its JSON."""
        ...

    def problems(self) -> list[str]:
        """Return what is impossible about settings that are each right alone: `field: sentence`."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the rules file. `where`: facts a site must have (any of the values), all of them.

    `notify` False: incidents are recorded, nobody is told. `simulated_sites` are judged the same way, and never told.
    """

    name: str
    kind_name: str
    kind: Kind
    enabled: bool = True
    notify: bool = True
    where: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NOTHING)

    def applies_to(self, facts: Mapping[str, Any]) -> bool:
        """Say whether a site with these facts is watched by this rule."""
        return all(_has(facts.get(fact), values) for fact, values in self.where.items())


def _has(value: Any, wanted: tuple[str, ...]) -> bool:
    held = value if isinstance(value, list | tuple) else (value,)
    return any(str(one) in wanted for one in held if one is not None)
