"""The desk where settings from afar are taken, tried, kept or given up: the state machine, its file and its clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aldea.agents.lock import FolderLock
from aldea.agents.overlay import state as steps
from aldea.agents.overlay.answering import (
    NO_COMMAND,
    NO_DISK,
    Answer,
    known_answer,
    refusal,
    taken_detail,
)
from aldea.agents.overlay.checking import TOO_DEEP, refusals
from aldea.agents.overlay.keeping import Keeper
from aldea.agents.overlay.source import Source, differing
from aldea.agents.overlay.state import Overlay, State, Trial
from aldea.agents.overlay.watching import TrialWatch, Watched
from aldea.agents.settings import AgentSettings
from aldea.agents.trial_verdict import Verdict, settling_ms
from aldea.agents.upgrading.state import TRIAL
from aldea.agents.words import Words
from aldea.model.clock import Clock
from aldea.model.overlays import is_too_deep, merged
from aldea.model.said import joined
from aldea.model.settings import SettingsError

_LOG = logging.getLogger(__name__)


class SettingsDesk:
    """Settings of one agent. Not for several threads at once.

    `check` raises SettingsError for settings that can be read and still not be used, as with a file that isn't there.
    `watched` makes what looks at the link while settings are on trial, None for a desk that trusts it.
    """

    def __init__(
        self,
        source: Source,
        clock: Clock,
        boot_id: str,
        check: Callable[[AgentSettings], object],
        watched: Watched | None = None,
    ) -> None:
        self._source = source
        self._watch = TrialWatch(source, watched)
        self._check = check
        self._clock = clock
        self._boot_id = boot_id
        self._state = State()
        self._keeper: Keeper | None = None
        self._settings: AgentSettings | None = None
        self._heard_since_ms: int | None = None
        self._awaits_start = False
        self.is_held = False  # by a release that is on trial

    # -- a start

    def begin(self) -> AgentSettings:
        """Return the settings to run with, having counted this start of a trial.

        Raises SettingsError for mistakes in the machine's own settings, AlreadyRunning when another agent is at work
        in the folder, OSError when the folder can't be used.
        """
        own = self._source.settings()
        self._keeper = Keeper(own.data)
        lock = FolderLock(own.data, may_be_missing=True)
        try:
            known = self._keeper.read()
            now_ms = self._clock.mono_ms()
            self._state = steps.started(known, self._boot_id, now_ms, had_link=self._watch.had_link)
            if self._awaits_start:
                # What was kept gets its time from now on: ending in order may have taken a while.
                self._state = steps.back_since(self._state, self._boot_id, now_ms)
            if self._state != known and not self._written():
                # A start that can't be counted could be tried for ever.
                self._state = replace(self._state, trial=None)
        finally:
            lock.release()
        self._heard_since_ms, self._awaits_start = None, False
        self.is_held = bool(self._source.environ.get(TRIAL))
        self._settings = self._loaded(own)
        self._watch.begin(self._state)
        return self._settings

    def _loaded(self, own: AgentSettings) -> AgentSettings:
        try:
            settings = self._source.settings(self._state.current.document)
            if self._state.current.document:
                self._check(settings)
        except SettingsError as error:
            if self._state.trial is not None:
                wrong = joined(error.errors)
                self.give_up(Words(f"the agent cannot use them: {wrong}", f"el agente no los puede usar: {wrong.es}"))
                return self._loaded(own)
            _LOG.error("the settings from afar cannot be used, so the machine's own hold: %s", error)
            return own
        return settings

    @property
    def on_trial(self) -> bool:
        """Whether the agent runs with settings that are not confirmed yet."""
        return self._state.trial is not None and not self._awaits_start

    @property
    def revision(self) -> int:
        """The revision that the agent runs with; 0: none from afar."""
        return self._state.current.revision

    def give_up(self, why: Words) -> None:
        """End the trial, since the agent cannot run with it: the settings before hold from the next start on."""
        _LOG.warning("settings revision %d are given up: %s", self._state.current.revision, why.en)
        self._state = steps.at_fault(self._state, why)
        self._written()

    # -- while it runs

    def step(self, *, heard: bool) -> bool:
        """Let time pass, `heard` when the collector has said hello in this connection; say whether to start anew.

        Whoever was told to start anew has nothing more to ask before the next `begin`.
        """
        if self._awaits_start:
            return True
        now_ms = self._clock.mono_ms()
        if not heard:
            self._heard_since_ms = None
        elif self._heard_since_ms is None:
            self._heard_since_ms = now_ms
        self._awaits_start = self._passed(now_ms, heard=heard)
        return self._awaits_start

    def _passed(self, now_ms: int, *, heard: bool) -> bool:
        trial = self._state.trial
        if trial is None:
            return self._look_back(now_ms)
        if heard:
            _LOG.info("settings revision %d hold: the server was heard with them", trial.overlay.revision)
            self._state = steps.confirmed(self._state)
            self._written()
            self._watch.end()
            return False
        if not steps.is_over(trial, self._boot_id, now_ms):
            return False
        why = steps.silent_for(trial)
        _LOG.warning("settings revision %d are given up: %s", trial.overlay.revision, why.en)
        self._state = steps.rolled_back(self._state, why, self._boot_id, now_ms, had_link=self._watch.had_link)
        self._watch.end()
        self._written()
        return True

    def _look_back(self, now_ms: int) -> bool:
        """Judge what was given up once the collector is heard again; say whether to start anew to try it once more."""
        undone = self._state.undone
        if undone is None or self._heard_since_ms is None:
            return False
        if undone.verdict is Verdict.OPEN:
            self._state = steps.judge(self._state, self._boot_id, now_ms)
            self._written()
            return False
        if self.is_held or now_ms - self._heard_since_ms < settling_ms(undone.trial.patience_ms):
            return False
        before, self._state = self._state, steps.tried_again(self._state)
        if self._written():
            _LOG.info("settings revision %d are tried again", undone.trial.overlay.revision)
            return True
        self._state, self._heard_since_ms = before, now_ms
        return False

    @property
    def is_pending(self) -> bool:
        """Whether time has something to decide: settings are on trial, or were given up and may be tried again."""
        return self._state.attempt is not None

    def hold(self) -> bool:
        """Begin no trial from now on, since a release is to be tried: of two at once nobody knows which was at fault.

        False where settings are on trial, or wait for their next try: theirs comes first, and nothing is held.
        """
        self.is_held = not self.is_pending
        return self.is_held

    def let_go(self) -> None:
        """Take settings again: the release is not tried after all."""
        self.is_held = False

    @property
    def is_open(self) -> bool:
        """Whether there is nothing new to say of the last settings yet."""
        undone = self._state.undone
        return self._state.trial is not None or (undone is not None and undone.verdict is Verdict.OPEN)

    # -- a command

    def take(self, command: str, payload: Mapping[str, Any]) -> Answer:
        """Take settings from afar: `payload` has `revision` and `document`. The answer says what became of it."""
        revision, document = payload.get("revision"), payload.get("document")
        if type(revision) is not int or revision < 1 or not isinstance(document, dict):
            return self._refused(0, [NO_COMMAND])
        if is_too_deep(document):
            return self._refused(revision, [TOO_DEEP])
        if (known := known_answer(self._state, command, revision, document)) is not None:
            return known
        wrong = refusals(document)
        try:
            fresh = self._source.settings({key: item for key, item in document.items() if not wrong})
            self._check(fresh)
        except SettingsError as error:
            wrong += error.errors
        if wrong:
            return self._refused(revision, wrong)
        return self._propose(command, Overlay(revision, merged({}, document)), fresh)

    def _propose(self, command: str, overlay: Overlay, fresh: AgentSettings) -> Answer:
        assert self._settings is not None, "begin comes first"
        changed = differing(self._settings, fresh)
        overruled = self._source.overruled(overlay.document)
        detail = taken_detail(overlay.revision, self._state.kept.revision, changed, overruled)
        # The longer of both: with the shorter one alone, too short a time could never be put right from afar.
        patience_ms = round(max(self._settings.trial_seconds, fresh.trial_seconds) * 1000)
        trial = Trial(overlay, command, patience_ms, answer={**detail, "runs": overlay.revision})
        before = self._state
        self._state = steps.proposed(before, trial)
        if not changed and before.trial is None:
            self._state = replace(steps.confirmed(self._state), outcome=None)
        if not self._written():
            self._state = before
            return self._refused(overlay.revision, [NO_DISK])
        if self._state.trial is None:
            return Answer("done", trial.answer)
        self._awaits_start = True
        return Answer("running", {**detail, "trial_seconds": patience_ms / 1000}, restart=True)

    def _refused(self, revision: int, wrong: Sequence[str]) -> Answer:
        return refusal(revision, self._state.kept.revision, wrong)

    def _written(self) -> bool:
        assert self._keeper is not None, "begin comes first"
        try:
            self._keeper.write(self._state)
        except OSError as error:
            _LOG.error("what holds of the settings from afar cannot be written down: %s", error)
            return False
        return True
