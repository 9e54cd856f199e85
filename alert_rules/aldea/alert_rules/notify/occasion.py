"""What happened, with all that a message says of it. It travels as the notification's JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

DOCUMENT_VERSION = 1


class Transition(StrEnum):
    """What is told. `WAS_DOWN` is made of a fired and a resolved that leave together."""

    FIRED = "fired"
    RESOLVED = "resolved"
    REVISED = "revised"
    FLAPPING_STARTED = "flapping_started"
    FLAPPING_ENDED = "flapping_ended"
    GROUP = "group"
    GROUP_RESOLVED = "group_resolved"
    PLATFORM = "platform"
    PLATFORM_RESOLVED = "platform_resolved"
    TEST = "test"
    WAS_DOWN = "was_down"


OPENING = frozenset({Transition.FIRED, Transition.GROUP, Transition.PLATFORM, Transition.FLAPPING_STARTED})
"""Transitions that start something."""

CLOSING = frozenset(
    {Transition.RESOLVED, Transition.GROUP_RESOLVED, Transition.PLATFORM_RESOLVED, Transition.FLAPPING_ENDED}
)
"""Transitions that end it: who was told of the start is told of the end."""

ALWAYS_URGENT = frozenset({Transition.PLATFORM, Transition.PLATFORM_RESOLVED, Transition.TEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A transition of an incident. Times are milliseconds since 1970; `zone` (IANA) is the site's own.

    `title` and `reason` are sentences by language code (`{"es": …, "en": …}`); without a title the incident is
    a site that is down. `sites` and `site_names` are those that a common fault has hit, `shared` what they have in
    common. `revision` tells several of one transition apart (0: the first). `urgent` breaks quiet hours.
    """

    incident: str
    transition: Transition
    opened_ms: int
    rule: str = ""
    site: str | None = None
    site_name: str = ""
    place: str = ""
    zone: str = "UTC"
    cause: str | None = None
    title: Mapping[str, str] = field(default_factory=dict)
    reason: Mapping[str, str] = field(default_factory=dict)
    fired_ms: int | None = None
    resolved_ms: int | None = None
    sites: tuple[str, ...] = ()
    site_names: tuple[str, ...] = ()
    shared: str = ""
    urgent: bool = False
    revision: int = 0

    @property
    def breaks_quiet(self) -> bool:
        """Whether quiet hours do not hold it back."""
        return self.urgent or self.transition in ALWAYS_URGENT

    @property
    def step(self) -> str:
        """The transition as it stands in the dedupe key."""
        return self.transition.value if self.revision == 0 else f"{self.transition.value}-{self.revision}"


def document_of(occasion: Occasion, key: str) -> dict[str, Any]:
    """Return the JSON document that a webhook gets and the outbox keeps."""
    return {
        "version": DOCUMENT_VERSION,
        "key": key,
        "incident": occasion.incident,
        "transition": occasion.transition.value,
        "revision": occasion.revision,
        "rule": occasion.rule,
        "site": None if occasion.site is None else {"id": occasion.site, "name": occasion.site_name},
        "place": occasion.place,
        "time_zone": occasion.zone,
        "cause": occasion.cause,
        "title": dict(occasion.title),
        "reason": dict(occasion.reason),
        "opened": _iso(occasion.opened_ms),
        "fired": _iso(occasion.fired_ms),
        "resolved": _iso(occasion.resolved_ms),
        "sites": [{"id": one, "name": name} for one, name in zip(occasion.sites, occasion.site_names, strict=True)],
        "shared": occasion.shared,
        "urgent": occasion.urgent,
    }


def occasion_of(document: Mapping[str, Any]) -> Occasion:
    """Return the occasion that was written by `document_of`."""
    site = document["site"] or {"id": None, "name": ""}
    taken = {item.name for item in fields(Occasion)} & set(document)
    values = {name: document[name] for name in taken}
    values |= {
        "transition": Transition(document["transition"]),
        "site": site["id"],
        "site_name": site["name"],
        "zone": document["time_zone"],
        "opened_ms": _ms(document["opened"]) or 0,
        "fired_ms": _ms(document["fired"]),
        "resolved_ms": _ms(document["resolved"]),
        "sites": tuple(item["id"] for item in document["sites"]),
        "site_names": tuple(item["name"] for item in document["sites"]),
    }
    return Occasion(**values)


def _iso(ms: int | None) -> str | None:
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ms(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)
