"""The fold of one rule over one site's events: inactive, pending, firing, resolved, with a hold both ways. Pure.

Batches, presence and health only gather evidence; a tick judges. So events of one site may come in any order
between two ticks, and twice, and the outcome is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from aldea.alert_rules.events import Event, PlatformHealth, Tick
from aldea.alert_rules.flapping import Flap, next_look_ms, observe
from aldea.alert_rules.rule import Look, Place, Reason, Rule

SHORTEST_FLAP_WINDOW_MS = 60_000


class Stage(StrEnum):
    """Where a rule is with a site."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class Transition(StrEnum):
    """What has just changed."""

    PENDING = "pending"
    CALMED = "calmed"
    FIRED = "fired"
    RESOLVED = "resolved"
    FLAPPING_STARTED = "flapping_started"
    FLAPPING_ENDED = "flapping_ended"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A change with its reason. `since_ms`: since when it has been bad; for RESOLVED and CALMED, good again."""

    transition: Transition
    at_ms: int
    since_ms: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Memory:
    """All that a rule remembers of a site. `due_ms`: when a tick may change something though no event comes."""

    evidence: Any
    stage: Stage = Stage.INACTIVE
    since_ms: int | None = None
    good_ms: int | None = None
    held: bool = False
    not_before_ms: int = 0
    flap: Flap = Flap()  # noqa: RUF009 - frozen
    due_ms: int | None = None
    missing: tuple[int, int] | None = None


def begin(rule: Rule) -> Memory:
    """Return the memory of a site of which the rule knows nothing."""
    return Memory(rule.kind.start())


def fold(rule: Rule, place: Place, memory: Memory, event: Event) -> tuple[Memory, tuple[Verdict, ...]]:
    """Return the memory after an event, and what has changed by it."""
    if isinstance(event, Tick):
        return _judge(rule, place, _not_ahead(rule, memory, event), event.at_ms)
    if isinstance(event, PlatformHealth):
        memory = _held(memory, event)
    evidence = rule.kind.gather(memory.evidence, event)
    return (memory if evidence is memory.evidence else replace(memory, evidence=evidence)), ()


def _not_ahead(rule: Rule, memory: Memory, tick: Tick) -> Memory:
    """Return the memory without times that a clock wrote that was ahead and has been put right."""
    evidence = rule.kind.gather(memory.evidence, tick)
    if evidence is not memory.evidence:
        memory = replace(memory, evidence=evidence, not_before_ms=min(memory.not_before_ms, tick.at_ms))
    if memory.since_ms is not None and memory.since_ms > tick.at_ms:
        memory = replace(memory, since_ms=tick.at_ms)
    if memory.good_ms is not None and memory.good_ms > tick.at_ms:
        memory = replace(memory, good_ms=tick.at_ms)
    return memory


def _held(memory: Memory, event: PlatformHealth) -> Memory:
    if not event.healthy:
        return replace(memory, held=True)
    return replace(memory, held=False, not_before_ms=max(memory.not_before_ms, event.at_ms + event.grace_ms))


def _judge(rule: Rule, place: Place, memory: Memory, at_ms: int) -> tuple[Memory, tuple[Verdict, ...]]:
    look = rule.kind.look(memory.evidence, at_ms, place, firing=memory.stage is Stage.FIRING)
    if memory.missing != look.missing:
        memory = replace(memory, missing=look.missing)
    if memory.held or at_ms < memory.not_before_ms:
        # Not judged while we can't be believed; but who is missing must be known to see when that is over.
        return _due(memory, at_ms, look.again_ms, None if memory.held else memory.not_before_ms), ()
    stay = _firing if memory.stage is Stage.FIRING else _quiet
    judged, verdicts = stay(rule, memory, look, at_ms)
    flapped, more = _flap(rule, judged, look, at_ms)
    calmer = next_look_ms(flapped.flap, flap_window_ms(rule))
    return _due(flapped, at_ms, judged.due_ms, look.again_ms, calmer), (*more, *verdicts)


def _quiet(rule: Rule, memory: Memory, look: Look, at_ms: int) -> tuple[Memory, tuple[Verdict, ...]]:
    """Judge a site that is inactive or pending."""
    if not look.bad:
        if memory.stage is Stage.INACTIVE:
            return replace(memory, due_ms=None), ()
        calm = replace(memory, stage=Stage.INACTIVE, since_ms=None, due_ms=None)
        return calm, (Verdict(Transition.CALMED, at_ms, look.since_ms or at_ms, look.reason),)
    since = look.since_ms if look.since_ms is not None else memory.since_ms
    since = at_ms if since is None else since
    ready = look.ready_ms if look.ready_ms is not None else since + rule.kind.hold_seconds * 1000
    if at_ms >= ready:
        fired = replace(memory, stage=Stage.FIRING, since_ms=since, good_ms=None, due_ms=None)
        return fired, (Verdict(Transition.FIRED, at_ms, since, look.reason),)
    pending = replace(memory, stage=Stage.PENDING, since_ms=since, due_ms=ready)
    if memory.stage is Stage.PENDING:
        return pending, ()
    return pending, (Verdict(Transition.PENDING, at_ms, since, look.reason),)


def _firing(rule: Rule, memory: Memory, look: Look, at_ms: int) -> tuple[Memory, tuple[Verdict, ...]]:
    """Judge a site whose incident is open: it ends when it has been good throughout the hold."""
    if look.bad is None:
        return replace(memory, due_ms=None), ()
    if look.bad:
        return replace(memory, good_ms=None, due_ms=None), ()
    # The first good look counts from the evidence, later ones don't move it.
    good = memory.good_ms
    if good is None:
        good = at_ms if look.since_ms is None else min(look.since_ms, at_ms)
    ready = good + rule.kind.clear_hold_seconds * 1000
    if look.ready_ms is not None and look.since_ms is not None:
        ready = max(ready, good + look.ready_ms - look.since_ms)
    if at_ms < ready:
        return replace(memory, good_ms=good, due_ms=ready), ()
    done = replace(memory, stage=Stage.INACTIVE, since_ms=None, good_ms=None, due_ms=None)
    return done, (Verdict(Transition.RESOLVED, at_ms, good, look.reason),)


def _flap(rule: Rule, memory: Memory, look: Look, at_ms: int) -> tuple[Memory, tuple[Verdict, ...]]:
    before = memory.flap
    after = observe(before, at_ms, bad=look.bad, window_ms=flap_window_ms(rule))
    if after is before:
        return memory, ()
    changed = replace(memory, flap=after)
    if after.flapping == before.flapping:
        return changed, ()
    transition = Transition.FLAPPING_STARTED if after.flapping else Transition.FLAPPING_ENDED
    ratio = round(after.ratio, 3)
    reason = Reason("flapping", {"change_ratio": ratio, "window_seconds": flap_window_ms(rule) // 1000})
    return changed, (Verdict(transition, at_ms, at_ms, reason),)


def flap_window_ms(rule: Rule) -> int:
    """Return the length of one of the twenty windows that flapping is judged by: the longer hold, 60 s at least."""
    return max(rule.kind.hold_seconds * 1000, rule.kind.clear_hold_seconds * 1000, SHORTEST_FLAP_WINDOW_MS)


def _due(memory: Memory, at_ms: int, *instants: int | None) -> Memory:
    """Keep the next of some instants; what is past has been looked at just now."""
    due = min((one for one in instants if one is not None and one > at_ms), default=None)
    return memory if due == memory.due_ms else replace(memory, due_ms=due)


def dump(rule: Rule, memory: Memory) -> dict[str, Any]:
    """Return a memory as JSON."""
    flap = memory.flap
    return {
        "evidence": rule.kind.dump(memory.evidence),
        "stage": memory.stage.value,
        "since_ms": memory.since_ms,
        "good_ms": memory.good_ms,
        "held": memory.held,
        "not_before_ms": memory.not_before_ms,
        "flap": [flap.window, flap.changes, flap.bad, flap.flapping],
        "due_ms": memory.due_ms,
        "missing": None if memory.missing is None else list(memory.missing),
    }


def load(rule: Rule, stored: Any) -> Memory:
    """Return a memory of its JSON. Raises KeyError, TypeError or ValueError when another kind of rule wrote it."""
    window, changes, bad, flapping = stored["flap"]
    missing = stored["missing"]
    return Memory(
        evidence=rule.kind.load(stored["evidence"]),
        stage=Stage(stored["stage"]),
        since_ms=stored["since_ms"],
        good_ms=stored["good_ms"],
        held=bool(stored["held"]),
        not_before_ms=int(stored["not_before_ms"]),
        flap=Flap(int(window), int(changes), bool(bad), bool(flapping)),
        due_ms=stored["due_ms"],
        missing=None if missing is None else (int(missing[0]), int(missing[1])),
    )
