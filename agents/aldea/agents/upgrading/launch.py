"""`python -m aldea.agents.upgrading.launch run [OPTIONS]`: starts the agent's current release, and tries a new one.

A release on trial runs as a child that is watched: once the server has greeted it, it is kept; when it stays silent or
keeps ending, the one before is started again. Otherwise this process becomes the agent, and costs nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from aldea.agents.link_watch import ANSWERS_WITHIN_SECONDS, LinkWatch, Place, booked_in
from aldea.agents.machine import boot_id
from aldea.agents.trial_verdict import GivenUp
from aldea.agents.upgrading.child import end_child, start_child
from aldea.agents.upgrading.folder import Releases
from aldea.agents.upgrading.state import LAUNCHER, TRIAL, Launch, State, Trial
from aldea.agents.words import Words
from aldea.model.clock import Clock, SystemClock

TRIAL_SECONDS = 900
MOST_STARTS = 3
SOON_MS, MOST_SOON = 3_600_000, 5
"""A kept release that was started so often, so soon after the start before, and never ended as it was asked to."""
_LOOK_SECONDS = 0.25
_PAUSE_SECONDS = 2.0


class Launcher:
    """Decides what runs. `base` names this installation, `words` are the agent's own arguments."""

    def __init__(self, data: Path, base: str, words: Sequence[str], trial_seconds: float, clock: Clock) -> None:
        self._data = data
        self._releases = Releases(data)
        self._base = base
        self._words = list(words)
        self._trial_seconds = trial_seconds
        self._patience_ms = round(trial_seconds * 1000)
        self._clock = clock
        self._link: LinkWatch | None = None
        self._stopped = False

    def stop(self) -> None:
        """Ask `decide` to end what it tries, in order, and to start nothing more."""
        self._stopped = True

    def decide(self) -> str | None:
        """Return the Python that is to run, having tried what is on trial; None when it was asked to stop."""
        state = self._on_this_base(self._releases.read())
        while state.trial is not None and not self._stopped:
            state = self._try(state)
        if self._stopped:
            return None
        self._releases.remove(state.bad)
        return self._python(state)

    def current(self) -> str:
        """Return the Python of what runs, without changing anything."""
        state = self._releases.read()
        usable = state.base == self._base and state.current is not None and self._releases.is_whole(state.current)
        return str(self._releases.python(str(state.current))) if usable else sys.executable

    def _on_this_base(self, state: State) -> State:
        """Forget releases that stand on another installation: whoever installed this one wants it to run."""
        if state.base == self._base:
            return state
        fresh = State(self._base)
        if state.base:
            _say(f"this is another installation than the releases were made for: {self._base} runs")
        if self._written(fresh):
            self._releases.prune(fresh)
        return fresh

    def _python(self, state: State) -> str:
        boot, now_ms = boot_id(), self._clock.mono_ms()
        while (current := state.current) is not None:
            last = state.launch
            quick = last is not None and (last.version, last.boot_id) == (current, boot)
            again = quick and last is not None and now_ms - last.at_ms < SOON_MS
            count = last.count + 1 if again and last is not None else 1
            if not self._releases.is_whole(current):
                state = self._fall_back(state, "its files are gone")
            elif count > MOST_SOON:
                state = self._fall_back(state, f"it ended {MOST_SOON} times within an hour of its start")
            else:
                self._written(replace(state, launch=Launch(current, boot, now_ms, count)))
                return str(self._releases.python(current))
        return sys.executable

    def _fall_back(self, state: State, reason: str) -> State:
        _say(f"version {state.current} is given up: {reason}")
        state = state.fallen_back(reason)
        self._written(state)
        return state

    def _try(self, state: State) -> State:
        """Run the release on trial until it is kept, given up, or has ended; return the state after it."""
        trial = state.trial
        assert trial is not None
        if self._releases.heard(trial):
            return self._keep(state)
        if trial.starts >= MOST_STARTS:
            ended = Words(f": {trial.ended}", f": {trial.ended}") if trial.ended else Words("", "")
            why = Words(
                f"it was started {trial.starts} times and never heard the server{ended.en}",
                f"arrancó {trial.starts} veces y nunca oyó al servidor{ended.es}",
            )
            # Where it never ended by itself it was the power that went, each time.
            ended_itself = bool(trial.ended)
            return self._give_up(state, why, self._doubt(trial, had_its_time=ended_itself, ended_itself=ended_itself))
        boot, now_ms = boot_id(), self._clock.mono_ms()
        began_ms = trial.began_ms if trial.boot_id == boot else now_ms
        trial = replace(trial, boot_id=boot, began_ms=began_ms, starts=trial.starts + 1)
        state = replace(state, trial=trial)
        if not self._written(state):
            return replace(state, trial=None)  # a start that can't be counted could be tried for ever
        try:
            child = self._start(str(self._releases.python(trial.version)), trial.id)
        except OSError as error:
            return self._give_up(
                state, Words(f"it cannot be started: {error.strerror}", f"no se puede arrancar: {error.strerror}")
            )
        # One for the whole trial, however often the release ends in it: what was seen of the link holds for all of it.
        watch = self._link = self._link or self._link_watch(trial)
        if watch is not None:
            watch.start()
        try:
            return self._watch(state, child, began_ms + self._patience_ms, watch)
        finally:
            if watch is not None:
                # Nobody else is to be at work here when the next child is started; at a stop nothing is waited for.
                watch.stop(0.0 if self._stopped else ANSWERS_WITHIN_SECONDS)

    def _link_watch(self, trial: Trial) -> LinkWatch | None:
        """Return what looks whether the server can be reached; None where nobody has said where it was."""
        if not trial.host:
            return None
        place = Place(trial.host, trial.port, trial.tls)
        return LinkWatch(place, self._patience_ms, self._clock, spent=booked_in(self._data))

    def _watch(self, state: State, child: subprocess.Popen[bytes], deadline_ms: int, link: LinkWatch | None) -> State:
        trial = state.trial
        assert trial is not None
        while not self._releases.heard(trial):
            code = child.poll()
            if self._stopped:
                state = replace(state, trial=replace(trial, starts=trial.starts - 1))
                self._written(state)
                end_child(child)
                return state
            if code is not None:
                _say(f"version {trial.version} ended with {code} while on trial")
                time.sleep(_PAUSE_SECONDS)
                return replace(state, trial=replace(trial, ended=f"it ended with {code}"))
            if self._clock.mono_ms() >= deadline_ms:
                why = Words(
                    f"it did not hear the server within {self._trial_seconds:g} s",
                    f"no oyó al servidor en {self._trial_seconds:g} s",
                )
                # Before it is ended, which may take long: whatever happens then, it has had its time.
                given_up = self._give_up(state, why, self._doubt(trial, had_link=link is None or link.had_link))
                end_child(child)
                if self._releases.heard(trial):
                    break  # in the last moment, but it was
                return self._with_all_its_time(given_up)
            time.sleep(_LOOK_SECONDS)
        # What the new agent has to say of it, it says at its next start: its own process is to be the service's.
        state = self._keep(state)
        end_child(child)
        return state

    def _keep(self, state: State) -> State:
        state = state.confirmed()
        _say(f"version {state.current} is kept")
        self._written(state)
        self._releases.prune(state)
        return state

    def _give_up(self, state: State, why: Words, doubt: GivenUp | None = None) -> State:
        assert state.trial is not None
        _say(f"version {state.trial.version} is given up: {why.en}")
        state = state.given_up(why, doubt)
        self._written(state)
        return state

    def _doubt(self, trial: Trial, **known: bool) -> GivenUp:
        return GivenUp(boot_id(), self._clock.mono_ms(), self._patience_ms, trial.tries, **known)

    def _with_all_its_time(self, state: State) -> State:
        """Return the state with what ran before having its patience from now on: it can start only now."""
        assert state.doubt is not None
        state = replace(state, doubt=replace(state.doubt, at_ms=self._clock.mono_ms()))
        self._written(state)
        return state

    def _start(self, python: str, trial: str) -> subprocess.Popen[bytes]:
        return start_child([python, "-m", "aldea.agents", *self._words], trial)

    def _written(self, state: State) -> bool:
        try:
            self._releases.write(state)
        except OSError as error:
            _say(f"{self._releases.folder} cannot be written: {error.strerror}")
            return False
        return True


def _say(sentence: str) -> None:
    print(f"aldea agent: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - the service's log


def _data(words: Sequence[str]) -> Path:
    for place, word in enumerate(words):
        if word == "--data" and place + 1 < len(words):
            return Path(words[place + 1])
        if word.startswith("--data="):
            return Path(word.removeprefix("--data="))
    return Path(os.environ.get("ALDEA_DATA") or "data")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent; return the exit code when it was stopped before there was one to become."""
    given = list(sys.argv[1:] if argv is None else argv)
    words, trial_seconds = list(given), float(TRIAL_SECONDS)
    if words[:1] == ["--trial-seconds"]:
        trial_seconds, words = float(words[1]), words[2:]
    launcher = Launcher(_data(words), str(Path(sys.prefix).resolve()), words, trial_seconds, SystemClock())
    if words == ["which"]:
        print(launcher.current())  # noqa: T201 - what was asked for
        return 0
    os.environ[LAUNCHER] = json.dumps([sys.executable, "-m", "aldea.agents.upgrading.launch", *given])
    os.environ.pop(TRIAL, None)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: launcher.stop())
    python = launcher.decide()
    return 0 if python is None else _become(python, words)


def _become(python: str, words: Sequence[str]) -> NoReturn:
    os.execv(python, [python, "-m", "aldea.agents", *words])  # noqa: S606 - a path of ours, and our own arguments


if __name__ == "__main__":
    sys.exit(main())
