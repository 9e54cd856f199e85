"""What time it was: this boot's anchor, from NTP or from the server's acknowledgements."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from aldea.model.clock import ClockState
from aldea.model.wire import Anchor

MAX_ERROR_MS = 2_000
NTP_DISTRUST_MS = 600_000
_NTP_ERROR_MS = 100
_DRIFT_MS = 2_000
_SENDINGS_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, by this machine: milliseconds since boot, its wall clock, and how far that can be believed."""

    mono_ms: int
    wall_ms: int
    clock: ClockState


class Anchors:
    """Chooses the boot's anchor, and stays with it: times once given are changed only for a cause.

    A new one is taken when the old one differs from what is known now by more than the errors of both and two
    seconds: the wall clock was set, or the machine's oscillator has drifted for weeks.
    """

    def __init__(self, known: Anchor | None) -> None:
        self.chosen = known
        self._server: Anchor | None = known if known is not None and known.source == "server" else None
        self._about: int | None = None
        self._sent: deque[int] = deque(maxlen=_SENDINGS_REMEMBERED)

    def sent(self, mono_ms: int) -> None:
        """Note when something was sent that an acknowledgement may echo."""
        self._sent.append(mono_ms)

    def heard(self, echo_mono_ms: int | None, server_ms: int, now: Moment) -> None:
        """Take the server's time from an answer to what was sent at `echo_mono_ms` in this boot.

        The answer was given within the round trip, so half of it is the error (Cristian, 1989). One that cannot be
        timed, or took too long, is still good enough to find a clock out that is wrong by more than minutes.
        """
        self._about = server_ms - now.mono_ms
        if echo_mono_ms is None or echo_mono_ms not in self._sent:
            return
        round_trip = now.mono_ms - echo_mono_ms
        error = -(-round_trip // 2)
        if round_trip < 0 or error > MAX_ERROR_MS:
            return
        heard = Anchor(echo_mono_ms + round_trip // 2, server_ms, error, "server")
        if self._server is None or error <= self._server.error_ms or _differ(self._server, heard):
            self._server = heard

    def choose(self, now: Moment) -> bool:
        """Decide on the anchor by what is known now; return whether it changed."""
        best = self._best(now)
        if best is None:
            changes = self.chosen is not None and self._is_disproved(self.chosen)
        else:
            changes = self.chosen is None or _differ(self.chosen, best)
        if changes:
            self.chosen = best
        return changes

    def _best(self, now: Moment) -> Anchor | None:
        if now.clock is not ClockState.NTP:
            return self._server
        ntp = Anchor(now.mono_ms, now.wall_ms, _NTP_ERROR_MS, "ntp")
        return self._server if self._is_disproved(ntp) else ntp

    def _is_disproved(self, anchor: Anchor) -> bool:
        """Say whether the server's time, as well as it is known, shows that NTP was wrong."""
        known = self._about if self._server is None else self._server.offset_ms
        return anchor.source == "ntp" and known is not None and abs(anchor.offset_ms - known) > NTP_DISTRUST_MS


def _differ(one: Anchor, other: Anchor) -> bool:
    return abs(one.offset_ms - other.offset_ms) > one.error_ms + other.error_ms + _DRIFT_MS
