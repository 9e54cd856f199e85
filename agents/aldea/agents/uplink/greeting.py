"""The birth of a connection, repeated until it is answered, and the hello that answers it."""

from __future__ import annotations

from aldea.agents.uplink.pace import Pace

SAME_BIRTH_MS = 5_000
"""Two hellos within this time may both answer one birth, which the broker may hand out twice."""


class Greeting:
    """When the birth is due, and what a hello means. Times are milliseconds since boot.

    `hello_ms`: when the collector said hello in this connection, None: not yet. `birth_sent_ms`: when the birth was
    sent last that a hello may echo. `share` (0 to 1) is this agent's own: by it pauses are up to half as long again,
    so that a fleet whose broker came back without its collector does not ask in step.
    """

    def __init__(self, pace: Pace, share: float = 0.0) -> None:
        self._pace = pace
        self._share = share
        self._was_welcome = False
        self._resolved_ms = 0
        self.wait(0)

    def wait(self, mono_ms: int) -> None:
        """Begin to wait for a hello: a connection is new, or nobody listens any more.

        An agent that was never welcomed since it started may be registered this very moment: it asks sooner.
        """
        self.hello_ms: int | None = None
        self.birth_sent_ms: int | None = None
        self._doubtful_ms: int | None = None
        self._due_ms = mono_ms
        again_ms = self._pace.birth_again_ms
        self._pause_ms = again_ms if self._was_welcome else min(self._pace.birth_first_ms, again_ms)

    def is_due(self, mono_ms: int) -> bool:
        """Say whether the birth is to be sent now."""
        return self.hello_ms is None and mono_ms >= self._due_ms

    def sent(self, mono_ms: int) -> None:
        """Note that a birth was sent."""
        self.birth_sent_ms = mono_ms
        self._due_ms = mono_ms + round(self._pause_ms * (1 + self._share / 2))
        self._pause_ms = min(2 * self._pause_ms, self._pace.birth_longest_ms)

    def answered(self, mono_ms: int, usual_ms: int) -> bool:
        """Take a hello; return whether the collector has started again since the one before.

        One that follows at once may answer the same birth: then what is under way shows who spoke. `usual_ms` is
        how long answers take on this link.
        """
        self._was_welcome = True
        before = self.hello_ms
        if before is None or mono_ms - before > SAME_BIRTH_MS:
            self.hello_ms = mono_ms
            self._doubtful_ms = None
            return before is not None
        if self._doubtful_ms is None:
            self._doubtful_ms = mono_ms
            self._resolved_ms = mono_ms + max(SAME_BIRTH_MS, 2 * usual_ms)
        return False

    def unheard_since(self, mono_ms: int) -> int | None:
        """Return, once, the moment of a doubtful hello that is long enough ago: what went before may be lost."""
        if self._doubtful_ms is None or mono_ms < self._resolved_ms:
            return None
        doubtful_ms, self._doubtful_ms = self._doubtful_ms, None
        return doubtful_ms
