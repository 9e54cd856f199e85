"""What silent sites have in common, and whether so many at once can be believed. Pure.

A site that sends every five minutes fell silent somewhere between its last arrival and the one that was missed.
Sites fell silent together when those spans, give or take some slack, have an instant in common.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

SHARED_FACTS = ("upstream", "power_region", "provider", "state_name")
"""What sites can share, what explains most first."""

COVERS_RATIO = 0.8
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Common:
    """A value that silent sites share, and who they are."""

    by: str
    value: str
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """So many sites fell silent at once that we doubt ourselves. `everything`: all that were to be heard."""

    sites: tuple[str, ...]
    expected: int
    since_ms: int
    everything: bool


def together(missing: Mapping[str, Span], slack_ms: int) -> tuple[str, ...]:
    """Return the largest set of sites that fell silent together, by id; of several, the latest."""
    edges = sorted(edge for start, end in missing.values() for edge in ((start, 0), (max(start, end) + slack_ms, 1)))
    most, count, best = 0, 0, 0
    for at_ms, is_end in edges:
        count += -1 if is_end else 1
        if not is_end and count >= most:
            most, best = count, at_ms
    return tuple(sorted(key for key, (start, end) in missing.items() if start <= best <= max(start, end) + slack_ms))


def common_fault(
    missing: Mapping[str, Span],
    facts: Mapping[str, Mapping[str, str]],
    members: Mapping[tuple[str, str], int],
    site: str,
    *,
    at_least: int,
    share_ratio: float,
    slack_ms: int,
) -> Common | None:
    """Return what a silent `site` shares with others that fell silent with it, or None.

    `facts` are each site's shared facts, `members` how many expected sites have a value. A value counts when
    `at_least` sites fell silent within `slack_ms`, and these are at least `share_ratio` of those who have it.
    """
    mine = facts.get(site, {})
    found: list[tuple[float, int, Common]] = []
    for rank, by in enumerate(SHARED_FACTS):
        value = mine.get(by)
        if value is None:
            continue
        sharing = {key: span for key, span in missing.items() if facts.get(key, {}).get(by) == value}
        near = _near(sharing, site, slack_ms)
        ratio = len(near) / max(members.get((by, value), 0), len(near), 1)
        if len(near) >= at_least and ratio >= share_ratio:
            found.append((round(ratio, 1), -rank, Common(by, value, near)))
    return max(found, key=lambda one: one[:2])[2] if found else None


def doubt(
    missing: Mapping[str, Span],
    facts: Mapping[str, Mapping[str, str]],
    expected: Collection[str],
    *,
    at_least: int,
    ratio: float,
    slack_ms: int,
) -> Doubt | None:
    """Return why we should doubt ourselves: too many sites fell silent at once with nothing that explains it.

    A shared fact explains it when it covers nearly all of them while some site without it is still heard. Where every
    expected site is gone, nothing can be told apart, and we doubt ourselves first.
    """
    if len(missing) < max(at_least, ratio * len(expected)):
        return None
    gone = together(missing, slack_ms)
    if len(gone) < max(at_least, ratio * len(expected)):
        return None
    since = min(missing[key][0] for key in gone)
    everything = len(missing) >= len(expected)
    if not everything and _explained(gone, facts, expected):
        return None
    return Doubt(gone, len(expected), since, everything)


def _explained(gone: Iterable[str], facts: Mapping[str, Mapping[str, str]], expected: Collection[str]) -> bool:
    silent = set(gone)
    heard = [key for key in expected if key not in silent]
    for by in SHARED_FACTS:
        counts: dict[str, int] = {}
        for key in silent:
            value = facts.get(key, {}).get(by)
            if value is not None:
                counts[value] = counts.get(value, 0) + 1
        for value, count in counts.items():
            if count >= COVERS_RATIO * len(silent) and any(facts.get(key, {}).get(by) != value for key in heard):
                return True
    return False


def _near(missing: Mapping[str, Span], site: str, slack_ms: int) -> tuple[str, ...]:
    """Return the sites whose span lies within `slack_ms` of `site`'s, itself among them."""
    if site not in missing:
        return ()
    start, end = missing[site]
    return tuple(
        sorted(key for key, (first, last) in missing.items() if first <= end + slack_ms and start <= last + slack_ms)
    )
