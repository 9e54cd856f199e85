"""What a rollout and its devices are, and how long a rollout has patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from aldea.model.release import ReleaseError, version_key

HOUR_MS = 3_600_000
WAVES = (1, 10, None)
"""How many devices a wave has; None: all that are left."""
AWAY_MS = 24 * HOUR_MS
"""A device that was not heard for so long is left for later."""
PATIENCE_MS = 72 * HOUR_MS
"""A device that has not begun to try the release so long after it was asked is left for later."""
SILENCE_MS = 24 * HOUR_MS
"""A device that has begun with the release and was not heard for so long since, is silent."""
SILENT_RATIO, SILENT_FEW, SILENT_FIRST = 0.05, 2, 1
"""So many silent devices halt nothing, of those that were asked: among hundreds of sites some lose their power on any
day. The last: so many while no device runs the release."""
FIRST_MS = 72 * HOUR_MS
"""A first site that was named, and has told nothing of the release so long after the rollout began, is waited for no
more: a person decides."""
SETTLED_MS = 600_000
"""A device that has confirmed and is heard so long after with an older version went back by itself."""
HEALTHY_MS = HOUR_MS
"""A device counts as heard if something came from it in so long a time."""
AGAIN_MS = 24 * HOUR_MS
"""A device whose trial told nothing, or that knew no key, is asked again only so long after that."""
INCONCLUSIVE_MANY = 3
"""So many devices whose trials told nothing, where fewer have confirmed, are no accident of the link."""
LATE_MS = 30 * 24 * HOUR_MS
"""The last wave stays open so long for devices that come back."""

Key = tuple[str, str]
"""Site and device."""


class RolloutState(StrEnum):
    """Where a rollout stands. `halted`: it stopped by itself; `stopped`: a person ended it for good."""

    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    STOPPED = "stopped"
    DONE = "done"

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen any more."""
        return self in (RolloutState.STOPPED, RolloutState.DONE)


CHANGES: Mapping[str, RolloutState] = MappingProxyType(
    {"pause": RolloutState.PAUSED, "resume": RolloutState.RUNNING, "stop": RolloutState.STOPPED}
)
"""What a person may want of a rollout that is under way, and what it becomes."""


class Progress(StrEnum):
    """Where a device stands.

    `asked`: it has said nothing yet; `fetching`: it has answered; `trying`: it starts the new version; `silent`: it was
    not heard since it began to try it, and goes on where it stood once it is; `left`: for later; `inconclusive`: its
    trials told of the link alone, it runs the old version; `no_key`: it knows nobody who may sign releases;
    `set_aside`: by a person.
    """

    ASKED = "asked"
    FETCHING = "fetching"
    TRYING = "trying"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    SILENT = "silent"
    LEFT = "left"
    INCONCLUSIVE = "inconclusive"
    NO_KEY = "no_key"
    SET_ASIDE = "set_aside"

    @property
    def is_under_way(self) -> bool:
        """Whether an outcome is still to come."""
        return self in (Progress.ASKED, Progress.FETCHING, Progress.TRYING)

    @property
    def is_trouble(self) -> bool:
        """Whether it alone halts the rollout."""
        return self in (Progress.FAILED, Progress.ROLLED_BACK)

    @property
    def is_for_later(self) -> bool:
        """Whether it is asked again in the last wave, and another takes its place until then."""
        return self in (Progress.LEFT, Progress.INCONCLUSIVE, Progress.NO_KEY, Progress.SILENT)

    @property
    def tells_nothing(self) -> bool:
        """Whether it was asked, and nobody knows by that how the release fares."""
        return self in (Progress.INCONCLUSIVE, Progress.NO_KEY, Progress.SILENT)


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What is known of a device. `progress` None: not asked yet.

    `heard_ms` is the last arrival, `version` what it runs as far as is known. `asked_ms`, `trying_ms` and
    `confirmed_ms` are when it was asked, told that it tries, and was confirmed; `ended_ms` when it ended, however.
    """

    site: str
    device: str
    version: str | None = None
    heard_ms: int | None = None
    simulated: bool = False
    progress: Progress | None = None
    wave: int = 0
    asked_ms: int | None = None
    trying_ms: int | None = None
    confirmed_ms: int | None = None
    ended_ms: int | None = None

    @property
    def key(self) -> Key:
        """Site and device."""
        return self.site, self.device


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout. `wave` counts from 0; `first_site` is asked first, None: the one that was heard last.

    `downgrade`: it is for devices with a newer version too, up to `replaces` (None: any).
    """

    version: str
    state: RolloutState
    wave: int
    created_ms: int
    bake_hours: float = 24.0
    first_site: str | None = None
    downgrade: bool = False
    replaces: str | None = None

    def is_behind(self, version: str) -> bool:
        """Say whether a device with this version has an older one; of a downgrade: one that it is to replace."""
        if version == self.version or (self.downgrade and self.replaces is None):
            return version != self.version
        try:
            if self.replaces is not None and version_key(version) > version_key(self.replaces):
                return False
            return self.replaces is not None or version_key(version) < version_key(self.version)
        except ReleaseError:
            return True  # nobody can say: the device itself decides


FIRST_TELLS_NOTHING = "first_site"
"""The word for a rollout that halts since the first site that was named has told nothing."""
NOT_TRUSTED = "not_trusted"
"""The word for a rollout that halts since the key that signed the release is not trusted any more."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why it halted or waits: a word, and what the word is about."""

    word: str
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """What tells it from another reason, for whoever says which one was looked at."""
        return " ".join([self.word, *(f"{name}={self.about[name]}" for name in sorted(self.about))])


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done: `ask` these devices as part of `wave`, note what became of others, and the new state."""

    state: RolloutState
    wave: int
    ask: tuple[Key, ...] = ()
    noted: Mapping[Key, Progress] = field(default_factory=dict)
    why: Why | None = None
