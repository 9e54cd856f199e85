"""The desk where settings from afar are taken, tried, kept or given up: the state machine, its file and its clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aldea.agents.lock import FolderLock
from aldea.agents.overlay import state as steps
from aldea.agents.overlay.checking import TOO_DEEP, refusals
from aldea.agents.overlay.keeping import Keeper
from aldea.agents.overlay.source import Source, differing
from aldea.agents.overlay.state import Overlay, State, Trial, Words
from aldea.agents.settings import AgentSettings
from aldea.model.clock import Clock
from aldea.model.overlays import is_too_deep, merged
from aldea.model.settings import SettingsError

_LOG = logging.getLogger(__name__)
_MOST_SENTENCES = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command is answered: its state, what to say of it, and whether the agent is to start anew."""

    state: str
    detail: Mapping[str, Any]
    restart: bool = False


class SettingsDesk:
    """Settings of one agent. Not for several threads at once.

    `check` raises SettingsError for settings that can be read and still not be used, as with a file that isn't there.
    """

    def __init__(self, source: Source, clock: Clock, boot_id: str, check: Callable[[AgentSettings], object]) -> None:
        self._source = source
        self._check = check
        self._clock = clock
        self._boot_id = boot_id
        self._state = State()
        self._keeper: Keeper | None = None
        self._settings: AgentSettings | None = None

    # -- a start

    def begin(self) -> AgentSettings:
        """Return the settings to run with, having counted this start of a trial.

        Raises SettingsError for mistakes in the machine's own settings, AlreadyRunning when another agent is at work
        in the folder, OSError when the folder can't be used.
        """
        own = self._source.settings()
        self._keeper = Keeper(own.data)
        lock = FolderLock(own.data)
        try:
            known = self._keeper.read()
            self._state = steps.started(known, self._boot_id, self._clock.mono_ms())
            if self._state != known and not self._written():
                # A start that can't be counted could be tried for ever.
                self._state = replace(self._state, trial=None)
        finally:
            lock.release()
        self._settings = self._loaded(own)
        return self._settings

    def _loaded(self, own: AgentSettings) -> AgentSettings:
        try:
            settings = self._source.settings(self._state.current.document)
            if self._state.current.document:
                self._check(settings)
        except SettingsError as error:
            if self._state.trial is not None:
                wrong = "; ".join(error.errors)
                self.give_up(Words(f"the agent cannot use them: {wrong}", f"el agente no los puede usar: {wrong}"))
                return self._loaded(own)
            _LOG.error("the settings from afar cannot be used, so the machine's own hold: %s", error)
            return own
        return settings

    @property
    def on_trial(self) -> bool:
        """Whether the agent runs with settings that are not confirmed yet."""
        return self._state.trial is not None

    @property
    def revision(self) -> int:
        """The revision that the agent runs with; 0: none from afar."""
        return self._state.current.revision

    def give_up(self, why: Words) -> None:
        """End the trial: the settings before hold from the next start on."""
        _LOG.warning("settings revision %d are given up: %s", self._state.current.revision, why.en)
        self._state = steps.rolled_back(self._state, why, self._boot_id, self._clock.mono_ms())
        self._written()

    # -- while it runs

    def step(self, *, heard: bool) -> bool:
        """Let time pass, `heard` when the collector has said hello in this connection; say whether to start anew."""
        trial = self._state.trial
        if trial is None:
            if heard and self.is_pending:
                self._note_heard()
            return False
        if heard:
            _LOG.info("settings revision %d hold: the server was heard with them", trial.overlay.revision)
            self._state = steps.confirmed(self._state)
            self._written()
            return False
        if not steps.is_over(trial, self._boot_id, self._clock.mono_ms()):
            return False
        self.give_up(steps.silent_for(trial))
        return True

    @property
    def is_pending(self) -> bool:
        """Whether the last settings are on trial, or were given up and the server has not been heard since."""
        outcome = self._state.outcome
        return self.on_trial or (outcome is not None and not outcome.final)

    def _note_heard(self) -> None:
        outcome = self._state.outcome
        assert outcome is not None, "is_pending without a trial"
        self._state = replace(self._state, outcome=steps.heard(outcome, self._boot_id, self._clock.mono_ms()))
        self._written()

    # -- a command

    def take(self, command: str, payload: Mapping[str, Any]) -> Answer:
        """Take settings from afar: `payload` has `revision` and `document`. The answer says what became of it."""
        revision, document = payload.get("revision"), payload.get("document")
        if type(revision) is not int or revision < 1 or not isinstance(document, dict):
            wrong = ["a settings command has a revision from 1 on and a document that is a table"]
            return self._refused(0, wrong)
        if is_too_deep(document):
            return self._refused(revision, [TOO_DEEP])
        if (known := self._known(revision, document)) is not None:
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

    def _known(self, revision: int, document: Mapping[str, Any]) -> Answer | None:
        """Return the answer to a revision that was here before."""
        trial, outcome, kept = self._state.trial, self._state.outcome, self._state.kept
        if trial is not None and trial.overlay.revision == revision:
            return Answer("running", trial.answer)
        if outcome is not None and outcome.revision == revision:
            return Answer(outcome.state, outcome.detail)
        if revision == kept.revision and merged({}, document) == kept.document:
            return Answer(
                "done", self._detail(revision, [], Words("these settings hold already", "estos ajustes ya valen"))
            )
        if revision <= kept.revision:
            sentence = f"revision {revision} is not newer than revision {kept.revision}, which holds here"
            return self._refused(revision, [sentence])
        return None

    def _propose(self, command: str, overlay: Overlay, fresh: AgentSettings) -> Answer:
        assert self._settings is not None, "begin comes first"
        changed = differing(self._settings, fresh)
        overruled = self._source.overruled(overlay.document)
        keys = ", ".join(changed)
        nothing = Words("nothing changed for this device", "nada cambió para este equipo")
        says = Words(f"changed: {keys}", f"cambió: {keys}") if changed else nothing
        detail = {**self._detail(overlay.revision, changed, says), "overruled": overruled}
        # The longer of both: with the shorter one alone, too short a time could never be put right from afar.
        patience_ms = round(max(self._settings.trial_seconds, fresh.trial_seconds) * 1000)
        trial = Trial(overlay, command, patience_ms, answer={**detail, "runs": overlay.revision})
        before = self._state
        self._state = steps.proposed(before, trial)
        if not changed and before.trial is None:
            self._state = replace(steps.confirmed(self._state), outcome=None)
        if not self._written():
            self._state = before
            return self._refused(overlay.revision, ["the device's disk does not take them: it is full or broken"])
        if self._state.trial is None:
            return Answer("done", trial.answer)
        return Answer("running", {**detail, "trial_seconds": patience_ms / 1000}, restart=True)

    def _refused(self, revision: int, wrong: list[str]) -> Answer:
        more = len(wrong) - _MOST_SENTENCES
        said = wrong[:_MOST_SENTENCES] + ([f"and {more} more"] if more > 0 else [])
        text = "; ".join(said)
        says = Words(text, f"no se pueden usar, nada cambió: {text}")
        return Answer("failed", {**self._detail(revision, [], says), "errors": said})

    def _detail(self, revision: int, changed: list[str], says: Words) -> dict[str, Any]:
        return {"revision": revision, "runs": self._state.kept.revision, "changed": changed, **says.told}

    def _written(self) -> bool:
        assert self._keeper is not None, "begin comes first"
        try:
            self._keeper.write(self._state)
        except OSError as error:
            _LOG.error("what holds of the settings from afar cannot be written down: %s", error)
            return False
        return True
