"""When a birth goes again, and which of two hellos means that the collector has started again."""

from __future__ import annotations

from collections import Counter

from aldea.agents.uplink.greeting import Greeting
from aldea.agents.uplink.pace import Pace

PACE = Pace()


def births(greeting: Greeting, until_ms: int) -> list[int]:
    """Send each birth when it is due, from an unanswered connection at 0 on; return when they went."""
    greeting.wait(0)
    found = []
    for mono_ms in range(0, until_ms, 100):
        if greeting.is_due(mono_ms):
            greeting.sent(mono_ms)
            found.append(mono_ms)
    return found


def test_ten_thousand_agents_that_nobody_answers_do_not_ask_in_step() -> None:
    """They all connected when the broker came back, and the collector has not."""
    fleet = [Greeting(PACE, number / 200) for number in range(200)]
    asked = Counter(at_ms // 1_000 for one in fleet for at_ms in births(one, 700_000)[1:])
    late = {second: count for second, count in asked.items() if second >= 30}
    assert max(late.values()) <= 200 / 5, "in no second more than a fifth of them"
    assert sum(asked.values()) <= 9 * 200


def test_a_hello_soon_after_another_is_in_doubt_for_as_long_as_answers_take_on_this_link() -> None:
    greeting = Greeting(PACE)
    assert not greeting.answered(0, 20_000)
    assert not greeting.answered(2_000, 20_000)
    assert greeting.unheard_since(41_999) is None
    assert greeting.unheard_since(42_000) == 2_000
    assert greeting.unheard_since(60_000) is None, "once"


def test_a_hello_long_after_another_is_of_a_collector_that_started_again() -> None:
    greeting = Greeting(PACE)
    assert not greeting.answered(0, 100)
    assert not greeting.answered(2_000, 100)
    assert greeting.answered(6_000, 100)
    assert greeting.unheard_since(60_000) is None, "what was under way has gone again already"
