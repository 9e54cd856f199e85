"""What the launcher decides: with releases that are scripts, and everything else as it is at a site."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aldea.agents.machine import boot_id
from aldea.agents.upgrading import child, launch
from aldea.agents.upgrading.folder import COMPLETE, FILE, HEARD, Releases
from aldea.agents.upgrading.launch import MOST_SOON, MOST_STARTS, SOON_MS, Launcher
from aldea.agents.upgrading.leaving import ended_in_order
from aldea.agents.upgrading.state import LAUNCHER, TRIAL, Outcome, State, Trial
from aldea.model.clock import ManualClock

BASE = "/opt/aldea-agent/venv-1"
HEARD_AT_ONCE = 'printf "%s" "$ALDEA_TRIAL" > "$ALDEA_DATA/releases/heard"; exec sleep 60'


class Site:
    """A data folder with releases, and a launcher on it."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data = data
        self.releases = Releases(data)
        self.clock = ManualClock()
        monkeypatch.setenv("ALDEA_DATA", str(data))
        monkeypatch.setattr(launch, "_PAUSE_SECONDS", 0.0)

    def add(self, version: str, script: str = "exec sleep 60") -> None:
        python = self.releases.python(version)
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\necho started >> {self.data}/{version}.log\n{script}\n")
        python.chmod(0o755)
        (self.releases.path(version) / COMPLETE).write_text("{}")

    def keep(self, **parts: object) -> None:
        self.releases.write(State(BASE, **parts))  # type: ignore[arg-type]  # State's own fields

    def decide(self, base: str = BASE, trial_seconds: float = 5) -> str | None:
        return Launcher(self.data, base, ["run"], trial_seconds, self.clock).decide()

    def starts(self, version: str) -> int:
        path = self.data / f"{version}.log"
        return path.read_text().count("started") if path.exists() else 0

    @property
    def state(self) -> State:
        return self.releases.read()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_without_releases_the_installation_runs(site: Site) -> None:
    assert site.decide() == sys.executable
    assert site.state == State(BASE)


def test_a_release_that_is_heard_is_kept_and_the_one_before_stays_at_hand(site: Site) -> None:
    for version in ("1.1", "1.2", "1.3"):
        site.add(version, HEARD_AT_ONCE)
    site.keep(current="1.2", previous="1.1", trial=Trial("1.3", "c1"))
    assert site.decide() == str(site.releases.python("1.3"))
    assert (site.state.current, site.state.previous, site.state.trial) == ("1.3", "1.2", None)
    assert site.state.outcome == Outcome("1.3", "c1", confirmed=True)
    assert not site.releases.path("1.1").exists()


def test_one_that_keeps_ending_is_started_three_times_and_given_up(site: Site) -> None:
    site.add("1.2")
    site.add("1.3", "exit 7")
    site.keep(current="1.2", trial=Trial("1.3", "c1"))
    assert site.decide() == str(site.releases.python("1.2"))
    assert site.starts("1.3") == MOST_STARTS
    state = site.state
    assert state.outcome is not None
    assert "never heard the server: it ended with 7" in state.outcome.reason
    # Whose fault it was is for the agent to find out, once it hears the server or not: until then it stays at hand.
    assert (state.doubt is not None and state.doubt.had_its_time, dict(state.bad)) == (True, {})
    assert site.releases.path("1.3").exists()


def test_one_that_cannot_be_started_at_all_is_bad_whatever_the_link_does(site: Site) -> None:
    site.add("1.3")
    site.releases.python("1.3").chmod(0o644)
    site.keep(trial=Trial("1.3", "c1"))
    assert site.decide() == sys.executable
    assert "cannot be started" in site.state.bad["1.3"]
    assert site.state.doubt is None
    assert not site.releases.path("1.3").exists()


def test_the_newest_version_that_was_kept_is_remembered_until_a_signature_lowers_it(site: Site) -> None:
    site.add("1.3", HEARD_AT_ONCE)
    site.keep(trial=Trial("1.3", "c1"))
    site.decide()
    assert site.state.newest == "1.3"
    for _ in range(MOST_SOON):
        site.decide()
    assert (site.state.current, site.state.newest) == (None, "1.3")  # it kept ending, and gave way
    site.add("1.2", HEARD_AT_ONCE)
    site.releases.write(replace(site.state, trial=Trial("1.2", "c2")))
    site.decide()
    assert (site.state.current, site.state.newest) == ("1.2", "1.3")
    site.releases.write(replace(site.state, trial=Trial("1.2", "c3", lowers=True)))
    site.decide()
    assert site.state.newest == "1.2"
    assert site.decide(base="/opt/aldea-agent/venv-2") == sys.executable
    assert site.state.newest is None  # whoever installs at the device decides


def test_one_that_stays_silent_is_ended_when_its_time_is_over_even_if_it_will_not_end(site: Site) -> None:
    site.add("1.3", "trap '' TERM; while :; do sleep 0.1; done")
    site.keep(trial=Trial("1.3", "c1", boot_id=boot_id(), began_ms=site.clock.mono_ms() - 6_000))
    ended = child.ENDS_WITHIN_SECONDS
    child.ENDS_WITHIN_SECONDS = 0.5
    try:
        assert site.decide(trial_seconds=5) == sys.executable
    finally:
        child.ENDS_WITHIN_SECONDS = ended
    assert site.starts("1.3") <= 1
    assert site.state.outcome is not None
    assert not site.state.outcome.confirmed


@pytest.mark.parametrize("cuts", [1, 2, 3, 5])
def test_power_cuts_in_a_trial_are_counted(site: Site, cuts: int) -> None:
    """A power cut leaves what was written before the start: one start more, and another boot."""
    site.add("1.3", HEARD_AT_ONCE)
    site.keep(trial=Trial("1.3", "c1", boot_id="another boot", began_ms=10**12, starts=cuts))
    chosen = site.decide()
    kept = cuts < MOST_STARTS
    assert chosen == (str(site.releases.python("1.3")) if kept else sys.executable)
    assert (site.state.current == "1.3") is kept


def test_what_was_heard_just_before_the_power_went_counts(site: Site) -> None:
    site.add("1.3")
    site.keep(trial=Trial("1.3", "c1", starts=MOST_STARTS))
    site.releases.put(HEARD, b"c1\n")
    assert site.decide() == str(site.releases.python("1.3"))
    site.releases.put(HEARD, b"of another trial\n")
    site.keep(trial=Trial("1.3", "c2", starts=MOST_STARTS))
    assert site.decide() == sys.executable


def test_a_kept_release_that_keeps_ending_gives_way_to_the_one_before(site: Site) -> None:
    site.add("1.2")
    site.add("1.3")
    site.keep(current="1.3", previous="1.2")
    for _ in range(MOST_SOON):
        assert site.decide() == str(site.releases.python("1.3"))
        site.clock.advance(SOON_MS - 1)
    assert site.decide() == str(site.releases.python("1.2"))
    assert "ended 5 times" in site.state.bad["1.3"]


def test_starts_that_lie_apart_are_no_crash_loop(site: Site) -> None:
    site.add("1.3")
    site.keep(current="1.3")
    for _ in range(3 * MOST_SOON):
        assert site.decide() == str(site.releases.python("1.3"))
        site.clock.advance(SOON_MS)


def test_a_release_that_ends_ten_minutes_after_each_start_gives_way_and_one_that_is_stopped_does_not(
    site: Site,
) -> None:
    """It is heard each time, so the server sees nothing; whoever restarts the service, or a box, ends it in order."""
    site.add("1.3")
    site.keep(current="1.3")
    for _ in range(3 * MOST_SOON):
        assert site.decide() == str(site.releases.python("1.3"))
        site.clock.advance(600_000)
        ended_in_order(site.data, {LAUNCHER: json.dumps(["python"])})
    for environ in ({}, {LAUNCHER: json.dumps(["python"]), TRIAL: "c1"}):
        site.decide()
        ended_in_order(site.data, environ)
        assert site.state.launch is not None, "this one is not to write"
    for _ in range(MOST_SOON):
        site.decide()
        site.clock.advance(600_000)
    assert site.decide() == sys.executable
    assert "1.3" in site.state.bad


def _gone(site: Site) -> None:
    (site.releases.path("1.3") / COMPLETE).unlink()


def _spoilt(site: Site) -> None:
    (site.releases.folder / FILE).write_text("{")


def _of_the_future(site: Site) -> None:
    document = json.loads((site.releases.folder / FILE).read_text())
    (site.releases.folder / FILE).write_text(json.dumps({**document, "version": 99}))


@pytest.mark.parametrize(
    "edit",
    [
        {"current": 5},
        {"current": "../../elsewhere"},
        {"base": None, "current": ["1.3"]},
        {"previous": {}, "bad": 7},
        {"bad": {"..": "it was bad"}},
        {"launch": {"version": "1.3", "boot_id": "b", "at_ms": "now", "count": 1}},
        {"trial": {"version": "1.3"}},
        {"trial": "1.3"},
        {"trial": {"version": "1.3", "id": "c1", "starts": None}},
        {"newest": "../1.3"},
        {"outcome": {"version": "1.3", "id": "c1", "confirmed": False}, "doubt": {"boot_id": "b"}},
        {"outcome": {"version": "1.3", "id": "c1", "confirmed": False, "verdict": 3}},
    ],
)
def test_whatever_somebody_has_written_into_the_state_an_agent_runs(site: Site, edit: dict[str, object]) -> None:
    site.add("1.3")
    site.keep(current="1.3")
    path = site.releases.folder / FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **edit}))
    assert site.decide() == sys.executable
    assert site.decide() == sys.executable
    path.write_text("[" * 100_000)
    assert site.decide() == sys.executable
    path.write_text("[]")
    assert site.decide() == sys.executable


def test_what_a_later_version_writes_besides_does_not_lose_the_release(site: Site) -> None:
    """The launcher stays the installation's, whatever version of the agent it starts."""
    site.add("1.3")
    site.keep(current="1.3", outcome=Outcome("1.3", "c1", confirmed=True))
    path = site.releases.folder / FILE
    document = json.loads(path.read_text())
    document["outcome"]["of_a_later_version"] = document["of_a_later_version"] = 1
    path.write_text(json.dumps(document))
    assert site.decide() == str(site.releases.python("1.3"))
    assert site.state.outcome == Outcome("1.3", "c1", confirmed=True)


def test_a_state_of_before_there_were_doubts_is_read(site: Site) -> None:
    site.add("1.3")
    site.keep(current="1.3", outcome=Outcome("1.3", "c1", confirmed=True))
    path = site.releases.folder / FILE
    document = json.loads(path.read_text())
    for name in ("doubt", "newest"):
        del document[name]
    for name in ("reason_es", "verdict"):
        del document["outcome"][name]
    path.write_text(json.dumps(document))
    assert site.decide() == str(site.releases.python("1.3"))
    assert site.state.outcome == Outcome("1.3", "c1", confirmed=True)


@pytest.mark.parametrize("spoil", [_gone, _spoilt, _of_the_future])
def test_whatever_is_spoilt_the_installation_runs(site: Site, spoil: Callable[[Site], None]) -> None:
    site.add("1.3")
    site.keep(current="1.3")
    spoil(site)
    assert site.decide() == sys.executable
    assert site.decide() == sys.executable


def test_another_installation_wins_and_takes_the_old_releases_away(site: Site) -> None:
    site.add("1.3")
    site.keep(current="1.3", trial=Trial("1.4", "c1"))
    assert site.decide(base="/opt/aldea-agent/venv-2") == sys.executable
    assert site.state == State("/opt/aldea-agent/venv-2")
    assert not site.releases.path("1.3").exists()


def test_a_folder_that_cannot_be_written_tries_nothing_and_runs_what_ran(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("1.2")
    site.add("1.3", HEARD_AT_ONCE)
    site.keep(current="1.2", trial=Trial("1.3", "c1"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Releases, "put", full)
    assert site.decide() == str(site.releases.python("1.2"))
    assert site.starts("1.3") == 0


def test_a_stop_in_a_trial_ends_it_in_order_and_counts_for_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("1.3")
    site.keep(trial=Trial("1.3", "c1"))
    launcher = Launcher(site.data, BASE, ["run"], 5, site.clock)
    monkeypatch.setattr("aldea.agents.upgrading.launch.time.sleep", lambda _: launcher.stop())
    assert launcher.decide() is None
    trial = site.state.trial
    assert trial is not None
    assert trial.starts == 0
    assert replace(trial, boot_id="", began_ms=0) == Trial("1.3", "c1")
