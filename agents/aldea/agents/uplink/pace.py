"""How much is sent, how often, and how long an answer is waited for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Limits of the conversation. Times in milliseconds, sizes in bytes of the encoded batch.

    More `bulk_rows` (the contract allows 2,000) cost memory while a batch is made.
    `bulk_bytes_per_second` is the backlog's share of the link: it never holds back the live lane.
    A birth is repeated after `birth_again_ms`, by an agent that nobody ever welcomed after `birth_first_ms`, and then
    with pauses that double; each agent's are longer by its own share, up to a half.
    `change_gap_ms`: a change of state is sent at once, but no more than one such sending in this time.
    """

    send_interval_ms: int = 300_000
    live_rows: int = 500
    live_window: int = 3
    bulk_rows: int = 1_000
    bulk_window: int = 4
    batch_bytes: int = 32_000
    bulk_bytes_per_second: int = 16_000
    answer_ms: int = 30_000
    answer_longest_ms: int = 600_000
    birth_first_ms: int = 2_000
    birth_again_ms: int = 15_000
    birth_longest_ms: int = 600_000
    change_gap_ms: int = 60_000


class Throttle:
    """A token bucket that holds two batches: bytes accrue with time, and each batch spends its own."""

    def __init__(self, bytes_per_second: int, batch_bytes: int) -> None:
        self._rate = bytes_per_second
        self._most = float(max(2 * batch_bytes, bytes_per_second))
        self._left = self._most
        self._at_ms: int | None = None

    def ready(self, mono_ms: int) -> bool:
        """Say whether another batch may go; it may go into debt once, so that any size passes at last."""
        if self._at_ms is not None:
            self._left = min(self._most, self._left + (mono_ms - self._at_ms) / 1000 * self._rate)
        self._at_ms = mono_ms
        return self._left > 0

    def spend(self, size: int) -> None:
        """Note that a batch went."""
        self._left -= size


class AnswerTime:
    """How long answers take on this link, smoothed as TCP does (RFC 6298), for when to send again."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._smoothed_ms: float | None = None

    def measured(self, milliseconds: int) -> None:
        """Learn from one answer."""
        before = self._smoothed_ms
        self._smoothed_ms = milliseconds if before is None else 0.875 * before + 0.125 * milliseconds

    @property
    def usual_ms(self) -> int:
        """How long an answer usually takes; 0 while none was timed."""
        return int(self._smoothed_ms or 0)

    def wait_ms(self, tries: int) -> int:
        """Return how long to wait for the answer to a batch sent for the `tries`-th time again."""
        usual = max(self._pace.answer_ms, 4 * self.usual_ms)
        return min(usual << min(tries, 16), self._pace.answer_longest_ms)
