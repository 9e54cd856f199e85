"""The heartbeat: an address elsewhere is fetched while all parts get on with their work, and only then.

A watchdog outside (a service, or a second Aldea) raises the alarm when it stops: nobody else would notice a
server that has lost its power, or an engine that runs and judges nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError

from aldea.alert_rules.notify.webhook import failed_request
from aldea.model.clock import Clock
from aldea.storage.register import Register, RegisterError, Unit
from aldea.storage.register.collectors import collector_statuses
from aldea.storage.register.feed import newest_feed_id
from aldea.storage.register.liveness_marks import ENGINE, NOTIFIER, liveness_marks

log = logging.getLogger(__name__)

STALE_MS = 120_000
COMMIT_STALE_MS = 900_000
GONE_MS = 86_400_000
TIMEOUT_SECONDS = 15.0
_REDIRECTS = urllib3.Retry(connect=0, read=0, other=0, status=0, redirect=3)


@dataclass(frozen=True, slots=True)
class Signs:
    """What the register knew at one look: the newest event, and each part's progress."""

    newest_event: int
    progress: Mapping[str, int]


class Heartbeat:
    """Pings `url` every `every_seconds` while journal, engine and notifier advance; counts what failed."""

    def __init__(
        self,
        register: Register,
        clock: Clock,
        url: str,
        every_seconds: float,
        parts: Sequence[str] = (ENGINE, NOTIFIER),
    ) -> None:
        self._register = register
        self._clock = clock
        self._url = url
        self._every_ms = round(every_seconds * 1000)
        self._parts = tuple(parts)
        self._looks: list[Signs] = []
        self._due_ms = 0
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=1, retries=False)
        self.sent = 0
        self.failed = 0
        self.withheld = 0
        self.why_not = ""

    def step(self) -> bool:
        """Ping if it is time and all is well; say whether a ping arrived."""
        now = self._clock.mono_ms()
        if now < self._due_ms:
            return False
        self._due_ms = now + self._every_ms
        self.why_not = self._fault()
        if self.why_not:
            self.withheld += 1
            log.warning("no heartbeat: %s", self.why_not)
            return False
        return self._ping()

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def _fault(self) -> str:
        """Return why no heartbeat may be sent, or nothing."""
        try:
            with self._register.reading() as unit:
                return self._looked(unit, self._clock.wall_ms())
        except RegisterError as error:
            return f"the register does not answer ({error})"

    def _looked(self, unit: Unit, now: int) -> str:
        marks = liveness_marks(unit)
        collectors = [one for one in collector_statuses(unit) if now - one.reported_ms < GONE_MS]
        signs = Signs(newest_feed_id(unit), {name: mark.progress for name, mark in marks.items()})
        self._looks = [*self._looks, signs][-3:]
        if not any(now - one.reported_ms <= STALE_MS for one in collectors):
            return "no collector has reported for two minutes"
        if not any(one.last_commit_ms and now - one.last_commit_ms <= COMMIT_STALE_MS for one in collectors):
            return "the journal has committed nothing for a quarter of an hour"
        for name in self._parts:
            mark = marks.get(name)
            if mark is None or now - mark.marked_ms > STALE_MS:
                return f"the {name} has left no sign of life for two minutes"
            if _stuck(name, self._looks):
                return f"the {name} runs, but gets on with nothing"
        return ""

    def _ping(self) -> bool:
        try:
            answer = self._pool.request("GET", self._url, timeout=TIMEOUT_SECONDS, retries=_REDIRECTS)
            problem = "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
        except (HTTPError, ValueError) as error:
            problem = failed_request(error).sentence
        if problem:
            self.failed += 1
            # The address may hold the watchdog's secret: it is not logged.
            log.warning("the heartbeat was not taken: %s (%d so far)", problem, self.failed)
            return False
        self.sent += 1
        return True


def _stuck(name: str, looks: Sequence[Signs]) -> bool:
    """Return whether events came in the last interval but one, and the part stands where it stood before them."""
    if len(looks) < 3 or name not in looks[0].progress:
        return False
    return looks[1].newest_event > looks[0].newest_event and looks[2].progress[name] <= looks[0].progress[name]
