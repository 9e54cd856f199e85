"""From evidence to letters: what the agent's own rows and boots say of each slot of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aldea.model.truth.evidence import SlotEvidence, Tally, loss_ratio
from aldea.model.truth.holes import BootSpan, HoleVerdict
from aldea.model.truth.slots import SLOT_MS, SLOTS_A_DAY
from aldea.model.truth.states import DOWN_CODES, Code

CONTEXT_SLOTS = 12
"""How far around a day evidence is read: a cause may be seen up to an hour before or after a slot."""

_WEB_REACH = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures by which slots are judged; docs/truth.md explains them.

    A slot is down from `down_loss_ratio` of lost packets on, degraded from `degraded_loss_ratio` on.
    """

    down_loss_ratio: float = 0.75
    degraded_loss_ratio: float = 0.20
    opening_grace_ms: int = 60 * 60 * 1000
    announced_before_ms: int = 48 * 60 * 60 * 1000
    planned_cap_ms: int = 8 * 60 * 60 * 1000


DEFAULT_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Observed:
    """What was observed from slot `first` on: a letter each, and the packets to the best anchor."""

    first: int
    letters: str
    sent: tuple[int, ...]
    received: tuple[int, ...]


def observe(
    tally: Tally,
    day: int,
    until_ms: int,
    boots: Sequence[BootSpan],
    verdicts: Sequence[HoleVerdict],
    rules: Rules = DEFAULT_RULES,
) -> Observed:
    """Judge a day's slots, and an hour on either side; slots that end after `until_ms` stay blank.

    `tally` holds the evidence from an hour before the day to an hour after it; `boots` and `verdicts` those
    that touch that time. The result depends on nothing else.
    """
    first = day * SLOTS_A_DAY - CONTEXT_SLOTS
    count = SLOTS_A_DAY + 2 * CONTEXT_SLOTS
    slots = [tally.at(first + index) for index in range(count)]
    letters: list[str] = [_measured(slot, rules) for slot in slots]
    _believe_the_web(slots, letters)
    _bridge_jitter(slots, letters)
    _name_causes(slots, letters, rules)
    _explain_silence(letters, first, boots, verdicts)
    blank = max(until_ms // SLOT_MS - first, 0)
    letters[blank:] = [Code.LATER] * len(letters[blank:])
    pairs = [(slot.best_anchor() if slot else None) or (0, 0) for slot in slots]
    return Observed(first, "".join(letters), tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))


def of_day(observed: Observed, day: int) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Return the letters and the packets of the day alone."""
    low = day * SLOTS_A_DAY - observed.first
    part = slice(low, low + SLOTS_A_DAY)
    return observed.letters[part], observed.sent[part], observed.received[part]


def _measured(slot: SlotEvidence | None, rules: Rules) -> str:
    """Judge one slot by itself; a cause comes later. Blank: nothing was measured."""
    if slot is None or not slot.rows:
        return Code.LATER
    pair = slot.best_anchor()
    if pair is None:
        return _without_anchor(slot)
    sent, received = pair
    loss = loss_ratio(sent, received)
    if loss < rules.degraded_loss_ratio:
        return Code.UP
    if loss < rules.down_loss_ratio:
        return Code.DEGRADED
    return Code.WEB_ONLY if slot.web_answers else Code.DOWN


def _without_anchor(slot: SlotEvidence) -> str:
    if slot.web_answers:
        return Code.WEB_ONLY
    return Code.ACCOUNT if slot.portal else Code.NO_ROWS


def _believe_the_web(slots: Sequence[SlotEvidence | None], letters: list[str]) -> None:
    """Save slots whose anchors are blocked although the web was asked only in the slots around them.

    Only where the anchors were silent in those slots too: else it was an outage between two good answers.
    """
    before = list(letters)
    for index, letter in enumerate(before):
        slot = slots[index]
        if letter == Code.DOWN and slot is not None and not slot.web_tries:
            around = [_nearest_web(slots, before, index, step) for step in (-1, 1)]
            if around == [Code.WEB_ONLY, Code.WEB_ONLY]:
                letters[index] = Code.WEB_ONLY


def _nearest_web(slots: Sequence[SlotEvidence | None], letters: Sequence[str], index: int, step: int) -> str | None:
    for place in range(index + step, index + step * (_WEB_REACH + 1), step):
        if not 0 <= place < len(slots):
            return None
        slot = slots[place]
        if slot is not None and slot.web_tries:
            return letters[place]
    return None


def _bridge_jitter(slots: Sequence[SlotEvidence | None], letters: list[str]) -> None:
    """Fill a slot that is empty only because its round fell just into the next or the one before.

    An agent that measures every five minutes does so once a slot, give or take some seconds.
    """
    for index in range(1, len(slots) - 1):
        before, after = slots[index - 1], slots[index + 1]
        if slots[index] is not None or before is None or after is None:
            continue
        one, other = ((slot.best_anchor() or (0, 0))[0] for slot in (before, after))
        if min(one, other) and one + other >= 3 * min(one, other) and max(one, other) <= 2 * min(one, other):
            letters[index] = letters[index - 1 if one > other else index + 1]


def _name_causes(slots: Sequence[SlotEvidence | None], letters: list[str], rules: Rules) -> None:
    """Give each run of slots that are down its causes: by a portal's page, or by what the gateway did.

    A slot without such evidence takes the nearest of its run, at most an hour away.
    """
    mute = _gateway_is_mute(slots, letters, rules)
    start = 0
    while start < len(letters):
        if letters[start] not in DOWN_CODES:
            start += 1
            continue
        end = start
        while end < len(letters) and letters[end] in DOWN_CODES:
            end += 1
        seen = [_cause_seen(slots[index], rules, mute=mute) for index in range(start, end)]
        for index in range(start, end):
            letters[index] = _nearest(seen, index - start) or letters[index]
        start = end


def _cause_seen(slot: SlotEvidence | None, rules: Rules, *, mute: bool) -> str | None:
    if slot is None:
        return None
    if slot.portal and not slot.web_answers:
        return Code.ACCOUNT
    answers = _gateway_answers(slot, rules)
    if answers is None or (mute and not answers and not slot.gateway_lost_route):
        return None
    return Code.BACKHAUL if answers else Code.SITE_LAN


def _gateway_answers(slot: SlotEvidence, rules: Rules) -> bool | None:
    if slot.gateway_sent:
        return loss_ratio(slot.gateway_sent, slot.gateway_received) < rules.down_loss_ratio
    return False if slot.gateway_lost_route else None


def _gateway_is_mute(slots: Sequence[SlotEvidence | None], letters: Sequence[str], rules: Rules) -> bool:
    """Say whether the gateway answers no pings even while the internet does: then its silence tells nothing."""
    answers = [
        _gateway_answers(slot, rules)
        for slot, letter in zip(slots, letters, strict=True)
        if slot is not None and letter in (Code.UP, Code.DEGRADED)
    ]
    silent, good = answers.count(False), answers.count(True)
    return silent > good


def _nearest(seen: Sequence[str | None], index: int) -> str | None:
    for distance in range(CONTEXT_SLOTS + 1):
        for place in (index - distance, index + distance):
            if 0 <= place < len(seen) and seen[place] is not None:
                return seen[place]
    return None


def _explain_silence(
    letters: list[str], first: int, boots: Sequence[BootSpan], verdicts: Sequence[HoleVerdict]
) -> None:
    for index, letter in enumerate(letters):
        if letter != Code.LATER:
            continue
        start_ms = (first + index) * SLOT_MS
        end_ms = start_ms + SLOT_MS
        verdict = next((v for v in verdicts if v.hole.start_ms < end_ms and v.hole.end_ms > start_ms), None)
        if verdict is not None:
            letters[index] = Code.POWER if verdict.is_power else Code.HOLE
        elif any(boot.start_ms < end_ms and boot.end_ms > start_ms for boot in boots):
            letters[index] = Code.NO_ROWS
        else:
            letters[index] = Code.SILENT
