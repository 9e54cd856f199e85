"""What the engine holds in memory: sites, the rules' memories, when to look again, who is missing."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aldea.alert_rules.events import Event, PlatformHealth, Tick
from aldea.alert_rules.fold import Memory, Verdict, begin, dump, fold, load
from aldea.alert_rules.grouping import SHARED_FACTS, Span
from aldea.alert_rules.kinds.site_silent import Silence, SiteSilent, parse_seed
from aldea.alert_rules.opening import parse_opening
from aldea.alert_rules.rule import Place, Rule
from aldea.alert_rules.ruleset import RuleSet
from aldea.storage.register.pulses import Pulse
from aldea.storage.register.sites import SiteState
from aldea.storage.register.watched import WatchedSite

Key = tuple[str, str]
"""Rule and site."""

EXPECTED_MS = 86_400_000
"""A site that was not heard for a day is not among those we expect to hear."""


@dataclass(slots=True)
class Side:
    """The real sites, or the simulated ones: neither says anything about the other.

    `members`: how many of the expected have a value in common.
    """

    missing: dict[str, Span] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)
    members: dict[tuple[str, str], int] = field(default_factory=dict)
    changed: bool = True


class Watch:
    """The engine's memory, rebuilt from the register whenever a step did not end well."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = tuple(rule for rule in rules.rules if rule.enabled)
        self.sites: dict[str, WatchedSite] = {}
        self.shared: dict[str, Mapping[str, str]] = {}
        self.sides = {False: Side(), True: Side()}
        self.memories: dict[Key, Memory] = {}
        self.dirty: set[Key] = set()
        self.touched: set[Key] = set()
        self.cursors: dict[str, int] = {}
        self._places: dict[str, Place] = {}
        self._applying: dict[str, tuple[Rule, ...]] = {}
        self._heap: list[tuple[int, str, str]] = []
        self._scheduled: dict[Key, int] = {}
        self._by_name = {rule.name: rule for rule in self._rules}

    def rule(self, name: str) -> Rule | None:
        """Return a rule that is in force, by name."""
        return self._by_name.get(name)

    def rules_of(self, site: str) -> tuple[Rule, ...]:
        """Return the rules that apply to a site."""
        return self._applying.get(site, ())

    def knows(self, site: str) -> bool:
        """Say whether the rules have a memory of a site."""
        return all((rule.name, site) in self.memories for rule in self.rules_of(site))

    def judges(self, rule: str, site: str) -> bool:
        """Say whether a rule that is in force applies to a site."""
        return self._applies((rule, site))

    def replace_sites(self, found: Mapping[str, WatchedSite]) -> set[str]:
        """Take the register's list over; return the sites that are no longer watched."""
        watched = {key: one for key, one in found.items() if one.state is SiteState.COMMISSIONED}
        gone = set(self.sites) - set(watched)
        self.sites = watched
        self._places = {key: _place(one) for key, one in watched.items()}
        self._applying = {
            key: tuple(rule for rule in self._rules if rule.applies_to(one.facts)) for key, one in watched.items()
        }
        self.shared = {
            key: {by: str(one.facts[by]) for by in SHARED_FACTS if by in one.facts} for key, one in watched.items()
        }
        for side in self.sides.values():
            side.missing = {key: span for key, span in side.missing.items() if key in watched}
            side.expected &= set(watched)
            side.changed = True
        return gone

    def forget(self, sites: Iterable[str]) -> None:
        """Drop what was gathered of sites that are no longer watched, and of rules that no longer apply."""
        leaving = set(sites)
        for key in [key for key in self.memories if key[1] in leaving or not self._applies(key)]:
            del self.memories[key]
            self.dirty.discard(key)
            self.touched.discard(key)

    def fill(self, stored: Mapping[Key, Any], pulses: Mapping[str, Pulse], held: Collection[bool]) -> None:
        """Give every watched site its memories: what is stored, else what the live status knows.

        `held`: the sides (simulated or not) whose sites may not be judged now.
        """
        for site in self.sites:
            for rule in self._applying[site]:
                key = (rule.name, site)
                if key not in self.memories:
                    memory = _memory(rule, stored.get(key), pulses.get(site))
                    self.memories[key] = replace(memory, held=self.sites[site].simulated in held)
                    self.touched.add(key)
                    if key not in stored:
                        self.dirty.add(key)

    def gather(self, site: str, event: Event) -> None:
        """Hand an event of a site to its rules."""
        for rule in self._applying.get(site, ()):
            self._fold(rule, site, event)
            self.touched.add((rule.name, site))

    def spread_health(self, event: PlatformHealth, *, simulated: bool) -> None:
        """Tell every rule of every site of one side that we are deaf, or hear again."""
        for site, one in self.sites.items():
            if one.simulated == simulated:
                self.gather(site, event)

    def due(self, now_ms: int) -> bool:
        """Say whether a tick is due."""
        return bool(self.touched) or bool(self._heap and self._heap[0][0] <= now_ms)

    def take_due(self, now_ms: int) -> list[Key]:
        """Return whose tick is due, in order, and forget that it was."""
        keys, self.touched = self.touched, set()
        while self._heap and self._heap[0][0] <= now_ms:
            at_ms, rule, site = heapq.heappop(self._heap)
            key = (rule, site)
            if self._scheduled.get(key) == at_ms:
                del self._scheduled[key]
                keys.add(key)
        return sorted(key for key in keys if key in self.memories)

    def tick(self, key: Key, now_ms: int) -> tuple[Verdict, ...]:
        """Let a rule judge a site."""
        rule, site = self._by_name[key[0]], key[1]
        verdicts = self._fold(rule, site, Tick(now_ms))
        due = self.memories[key].due_ms
        # One entry a key: a later time is found out when the earlier one comes.
        if due is not None and (key not in self._scheduled or due < self._scheduled[key]):
            self._scheduled[key] = due
            heapq.heappush(self._heap, (due, *key))
        return verdicts

    def update_missing(self, key: Key, now_ms: int) -> None:
        """Note whether a site misses a send, by the first rule about silence that applies to it."""
        rule, site = self._by_name[key[0]], key[1]
        if self._pulse_rule(site) is not rule:
            return
        evidence: Silence = self.memories[key].evidence
        side = self.sides[self.sites[site].simulated]
        span = rule.kind.look(evidence, now_ms, self._places[site], firing=False).missing
        expected = evidence.heard_ms is not None and now_ms - evidence.heard_ms < EXPECTED_MS
        if expected != (site in side.expected):
            (side.expected.add if expected else side.expected.discard)(site)
            side.changed = True
        if not expected:
            span = None
        if span != side.missing.get(site):
            side.changed = True
            if span is None:
                del side.missing[site]
            else:
                side.missing[site] = span

    def members(self, side: Side) -> Mapping[tuple[str, str], int]:
        """Return how many expected sites have each shared value, counted anew when something has changed."""
        if side.changed:
            side.members = {}
            for site in side.expected:
                for item in self.shared.get(site, {}).items():
                    side.members[item] = side.members.get(item, 0) + 1
        return side.members

    def take_dirty(self) -> dict[Key, Any]:
        """Return the memories that are to be stored, as JSON."""
        dirty, self.dirty = self.dirty, set()
        return {key: dump(self._by_name[key[0]], self.memories[key]) for key in dirty if key in self.memories}

    def _fold(self, rule: Rule, site: str, event: Event) -> tuple[Verdict, ...]:
        key = (rule.name, site)
        before = self.memories[key]
        after, verdicts = fold(rule, self._places[site], before, event)
        if after is not before:
            self.memories[key] = after
            self.dirty.add(key)
        return verdicts

    def _pulse_rule(self, site: str) -> Rule | None:
        return next((rule for rule in self._applying.get(site, ()) if isinstance(rule.kind, SiteSilent)), None)

    def _applies(self, key: Key) -> bool:
        return any(rule.name == key[0] for rule in self._applying.get(key[1], ()))


def _place(one: WatchedSite) -> Place:
    off = one.facts.get("silence_means") == "off_when_closed"
    return Place(one.site, parse_opening(one.facts.get("opening_hours"), one.timezone) if off else None, off)


def _memory(rule: Rule, stored: Any, pulse: Pulse | None) -> Memory:
    if stored is not None:
        try:
            return load(rule, stored)
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # another kind of rule had this name: what it gathered says nothing to this one
    fresh = begin(rule)
    if pulse is None or not isinstance(rule.kind, SiteSilent):
        return fresh
    return replace(fresh, evidence=parse_seed(pulse.last_arrival_ms, pulse.interval_seconds, online=pulse.online))
