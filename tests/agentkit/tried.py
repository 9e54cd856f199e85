"""A device that tries settings, on a hand-wound clock: its link, its starts, and power that goes at any write."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from aldea.agents.overlay.desk import SettingsDesk
from aldea.agents.overlay.source import Source
from aldea.model.clock import ManualClock
from aldea.model.settings import SettingsError

if TYPE_CHECKING:
    from aldea.agents.overlay.answering import Answer
    from aldea.agents.overlay.watching import Watched
    from aldea.agents.settings import AgentSettings

TRIAL_SECONDS = 60
GOOD = {"sample_seconds": 20}
DEAD = {"broker": {"port": 9}}


class PowerCut(BaseException):
    """The machine is gone in the middle of a step."""


@dataclass
class TriedBox:
    """One device: its folder outlives its starts."""

    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)
    boot: int = 1
    link: bool = True
    watched: Watched | None = None
    desk: SettingsDesk = field(init=False)
    settings: AgentSettings = field(init=False)

    def __post_init__(self) -> None:
        config = self.folder / "aldea.toml"
        lines = ['site = "village"', f'data = "{self.folder}"', f"trial_seconds = {TRIAL_SECONDS}"]
        config.write_text("\n".join(["[agent]", *lines]))
        self.source = Source(config, {})

    def start(self) -> AgentSettings:
        """A process begins."""
        self.desk = SettingsDesk(self.source, self.clock, f"boot-{self.boot}", usable, self.watched)
        return self.begin()

    def begin(self) -> AgentSettings:
        """The agent starts, again in the same process where its desk asked for it."""
        self.settings = self.desk.begin()
        return self.settings

    def reboot(self) -> None:
        self.boot += 1
        self.clock.reboot()

    def take(self, revision: int, document: dict[str, Any]) -> Answer:
        return self.desk.take(f"command-{revision}", {"revision": revision, "document": document})

    @property
    def hears(self) -> bool:
        """Whether the settings it runs with reach the server."""
        return self.link and self.settings.broker.port != DEAD["broker"]["port"]

    def live(self, seconds: int = 3 * TRIAL_SECONDS) -> None:
        """Run on, starting again as the agent does, for so long."""
        for _ in range(seconds):
            if self.desk.step(heard=self.hears):
                self.begin()
            self.clock.advance(1000)


def usable(settings: AgentSettings) -> None:
    if settings.broker.port == 7:
        raise SettingsError(["agent.broker.port is 7; nobody uses that"])


def cut_off_while_trying(box: TriedBox, revision: int, document: dict[str, Any]) -> None:
    """The link goes just as a trial begins, and is away for longer than both sides are given."""
    box.take(revision, document)
    box.link = False
    box.start()
    box.live(3 * TRIAL_SECONDS)
    assert box.settings.broker.port == 1883, "the settings before hold meanwhile"
    assert not box.desk.on_trial


class Cuts:
    """Lets the power go before or after the nth system call that writes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self._patch = patch

    def __enter__(self) -> Self:
        for module, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
            self._patch.setattr(module, name, self._cutting(getattr(module, name)))
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    def _tick(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise PowerCut

    def _cutting(self, call: Any) -> Any:
        def cut(*arguments: Any, **named: Any) -> Any:
            self._tick()
            result = call(*arguments, **named)
            self._tick()
            return result

        return cut
