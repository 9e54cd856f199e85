"""What an agent needs before it takes a release: a launcher, an enrolment, a key, room on its disk."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aldea.agents.budget import Budget, LedgerFile, Meter, Plan, SiteCalendar, Terms
from aldea.agents.enrolment import enrolled, keep_enrolment
from aldea.agents.operating.handler import Outcome, State
from aldea.agents.operating.kept import KeptCommands
from aldea.agents.settings import AgentSettings
from aldea.agents.upgrade_settings import UpgradeSettings
from aldea.agents.upgrading.folder import COMPLETE, HEARD, Releases
from aldea.agents.upgrading.handler import Upgrade
from aldea.agents.upgrading.launch import Launcher
from aldea.agents.upgrading.settling import Link
from aldea.agents.upgrading.state import LAUNCHER, Trial
from aldea.agents.upgrading.state import Outcome as Ended
from aldea.agents.upgrading.state import State as Kept
from aldea.model.clock import ManualClock
from aldea.model.messages import Command
from aldea.model.release import document_of
from upgradekit.simulated import ANSWER
from upgradekit.wheels import Workshop

VERSION = "9.0.0"
LAUNCHED = {LAUNCHER: json.dumps(["python", "-m", "aldea.agents.upgrading.launch", "run"])}


async def in_vain(seconds: float) -> None:
    """Pause for nothing: what these tests ask for is answered at once, and a fetch that fails is tried for ever."""
    raise AssertionError(f"it did not answer: it waits for {seconds:g} s")


def linked(pause: Any = in_vain, is_heard: Any = lambda: True) -> Link:
    """Return how the server is listened to."""
    return Link(is_heard, ManualClock(), "boot", pause)


LINK = linked()
PATIENCE_SECONDS = 60


def carries_out(handler: Upgrade, payload: Mapping[str, Any]) -> Outcome:
    """Carry the command out. Raises TimeoutError where it waits for what never comes."""
    carried = handler.carry_out(Command("c1", "upgrade", payload, 0), tell)
    return asyncio.run(asyncio.wait_for(carried, PATIENCE_SECONDS))


async def tell(_: State, __: Mapping[str, Any]) -> None:
    return


def carried_out(
    workshop: Workshop, data: Path, environ: Mapping[str, str] = LAUNCHED, free: int = 10**12, **upgrade: Any
) -> Outcome:
    release, _ = workshop.release(VERSION)
    payload = {
        "version": VERSION,
        "manifest": document_of(release.manifest),
        "signature": base64.b64encode(release.signature).decode(),
    }
    settings = AgentSettings(site="isla", data=data, upgrade=UpgradeSettings(**upgrade))
    budget = Budget(Plan(Terms(), SiteCalendar(None, ())), LedgerFile(data), lambda: None, Meter())
    handler = Upgrade(settings, budget, "0.1.0", lambda: None, LINK, environ, lambda _: free)
    return carries_out(handler, payload)


def enrol(data: Path, key: str | None) -> None:
    said = {**ANSWER, "settings": {**ANSWER["settings"], **({} if key is None else {"release_key": key})}}
    keep_enrolment(data, said, "http://127.0.0.1:9", b"AUTHORITY")


def test_each_thing_that_is_missing_has_its_sentence(workshop: Workshop, tmp_path: Path) -> None:
    def said(**options: Any) -> str:
        outcome = carried_out(workshop, tmp_path, **options)
        assert outcome.state is State.FAILED
        return str(outcome.detail["sentence"])

    assert "was not started by its launcher" in said(environ={})
    assert "was not enrolled with a code" in said()
    enrol(tmp_path, None)
    assert "knows no key for releases" in said()
    enrol(tmp_path, workshop.public.read_text())
    assert "agent.upgrade.enabled is false" in said(enabled=False)
    assert "0 MB free on the device's disk and" in said(free=10_000)
    assert "key.pem cannot be read" in said(key_file=tmp_path / "key.pem")
    (tmp_path / "key.pem").write_text("nothing")
    assert "holds no public key" in said(key_file=tmp_path / "key.pem")


def test_it_says_once_that_it_waits_for_bytes_and_until_when(workshop: Workshop, tmp_path: Path) -> None:
    """The month is spent, and its end is known: April 2026."""
    enrol(tmp_path, workshop.public.read_text())
    release, _ = workshop.release(VERSION)
    payload = {"manifest": document_of(release.manifest), "signature": base64.b64encode(release.signature).decode()}
    said: list[Mapping[str, Any]] = []
    pauses: list[float] = []

    async def tell(_: State, detail: Mapping[str, Any]) -> None:
        said.append(detail)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    plan = Plan(Terms(monthly_bytes=1000), SiteCalendar(ZoneInfo("UTC"), ()))
    budget = Budget(plan, LedgerFile(tmp_path), lambda: 1_773_100_800_000, Meter())
    settings = AgentSettings(site="isla", data=tmp_path)
    handler = Upgrade(settings, budget, "0.1.0", lambda: None, linked(pause), LAUNCHED, lambda _: 10**12)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(handler.carry_out(Command("c1", "upgrade", payload, 0), tell))
    assert [detail["step"] for detail in said] == ["fetching", "waiting_for_budget"]
    assert "waits until 2026-04-01" in said[1]["sentence"]
    assert said[1]["until_ms"] == 1_775_001_600_000


def test_a_release_that_waits_for_bytes_gives_way_to_the_one_that_was_asked_for_since(
    workshop: Workshop, tmp_path: Path
) -> None:
    """It may have been stopped while it waited: nobody can call it back, and the next would wait behind it."""
    enrol(tmp_path, workshop.public.read_text())
    release, _ = workshop.release(VERSION)
    payload = {"manifest": document_of(release.manifest), "signature": base64.b64encode(release.signature).decode()}
    kept = KeptCommands(tmp_path)
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        come = {
            2: ("c2", "test", State.ACCEPTED),
            3: ("c3", "upgrade", State.FAILED),
            4: ("c4", "upgrade", State.ACCEPTED),
        }
        if len(waits) in come:
            command, kind, state = come[len(waits)]
            kept.add(Command(command, kind, {}, 0), Outcome(state))
        assert len(waits) < 5, "it waits on"

    plan = Plan(Terms(monthly_bytes=1000), SiteCalendar(ZoneInfo("UTC"), ()))
    budget = Budget(plan, LedgerFile(tmp_path), lambda: 1_773_100_800_000, Meter())
    settings = AgentSettings(site="isla", data=tmp_path)
    parts = (settings, budget, "0.1.0", lambda: None, linked(pause), LAUNCHED, lambda _: 10**12)
    for command in ("c0", "c1"):
        kept.add(Command(command, "upgrade", payload, 0), Outcome(State.DONE if command == "c0" else State.RUNNING))
    ended = carries_out(Upgrade(*parts, overtaken=kept.is_overtaken), payload)
    assert (ended.state, len(waits)) == (State.FAILED, 4)
    assert "another release was asked for since" in ended.detail["sentence"]
    assert "después se pidió otra" in ended.detail["sentence_es"]
    assert not kept.is_overtaken("c4")
    assert not kept.is_overtaken("unknown")


def test_what_is_fetched_once_more_outlives_a_power_cut(workshop: Workshop, tmp_path: Path) -> None:
    """The launcher removes what was bad at each start; a version that somebody wants tried again is not."""
    enrol(tmp_path, workshop.public.read_text())
    Releases(tmp_path).write(Kept("base", bad={VERSION: "it was silent", "8.0": "it ended"}))
    release, _ = workshop.release(VERSION)
    signature = base64.b64encode(release.signature).decode()
    payload = {"manifest": document_of(release.manifest), "signature": signature, "again": True}

    async def cut(_: float) -> None:
        raise asyncio.CancelledError

    plan = Plan(Terms(monthly_bytes=1000), SiteCalendar(ZoneInfo("UTC"), ()))
    budget = Budget(plan, LedgerFile(tmp_path), lambda: 1_773_100_800_000, Meter())
    settings = AgentSettings(site="isla", data=tmp_path)
    handler = Upgrade(settings, budget, "0.1.0", lambda: None, linked(cut), LAUNCHED, lambda _: 10**12)
    with pytest.raises(asyncio.CancelledError):
        carries_out(handler, payload)
    part = Releases(tmp_path).folder / f"{VERSION}.fetched" / "a.whl.part"
    part.write_bytes(b"half of it")
    Launcher(tmp_path, "base", ["run"], 5, ManualClock()).decide()
    assert part.exists()


def test_what_became_of_a_trial_is_the_answer_whenever_it_is_asked_for_again(
    workshop: Workshop, tmp_path: Path
) -> None:
    for confirmed, state in ((True, State.DONE), (False, State.ROLLED_BACK)):
        Releases(tmp_path).write(Kept("base", outcome=Ended(VERSION, "c1", confirmed, "it was silent")))
        assert carried_out(workshop, tmp_path).state is state


class Waited(Exception):
    """The agent was asked to end."""


def waiting(workshop: Workshop, data: Path, pause: Any, is_heard: Any, environ: Mapping[str, str] = LAUNCHED) -> Any:
    """Carry out an upgrade whose release is built already; raises Waited when the agent is asked to end."""
    release, _ = workshop.release(VERSION)
    payload = {"manifest": document_of(release.manifest), "signature": base64.b64encode(release.signature).decode()}

    def start_anew() -> None:
        raise Waited

    budget = Budget(Plan(Terms(), SiteCalendar(None, ())), LedgerFile(data), lambda: None, Meter())
    settings = AgentSettings(site="isla", data=data)
    handler = Upgrade(settings, budget, "0.1.0", start_anew, linked(pause, is_heard), environ, lambda _: 10**12)
    return carries_out(handler, payload)


def test_a_trial_begins_only_while_the_server_can_be_heard(workshop: Workshop, tmp_path: Path) -> None:
    """A trial without a link would call a sound release bad; and what an earlier trial has heard is no word for it."""
    enrol(tmp_path, workshop.public.read_text())
    releases = Releases(tmp_path)
    releases.python(VERSION).parent.mkdir(parents=True)
    releases.python(VERSION).touch()
    (releases.path(VERSION) / COMPLETE).touch()
    releases.put(HEARD, b"c1\n")
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        assert releases.read().trial is None
        pauses.append(seconds)

    with pytest.raises(Waited):
        waiting(workshop, tmp_path, pause, lambda: len(pauses) == 3)
    trial = releases.read().trial
    assert len(pauses) == 3
    assert trial is not None
    assert not releases.heard(trial)


def test_a_trial_that_the_launcher_could_not_begin_is_begun_once_the_disk_takes_it(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(tmp_path, workshop.public.read_text())
    Releases(tmp_path).write(Kept("base", trial=Trial(VERSION, "c1")))
    put, full = Releases.put, [True, True, False]

    def put_or_not(self: Releases, name: str, content: bytes) -> None:
        if full.pop(0):
            raise OSError(28, "No space left on device")
        put(self, name, content)

    async def pause(_: float) -> None:
        return

    monkeypatch.setattr(Releases, "put", put_or_not)
    with pytest.raises(Waited):
        waiting(workshop, tmp_path, pause, lambda: True)
    assert full == []
    monkeypatch.undo()
    # Without a launcher nothing can be tried: it is said, and does not start by surprise later.
    ended = waiting(workshop, tmp_path, pause, lambda: True, {})
    assert "was not started by its launcher" in ended.detail["sentence"]
    assert Releases(tmp_path).read().trial is None


def test_the_key_and_the_servers_authority_are_kept_and_older_and_newer_files_are_read(tmp_path: Path) -> None:
    enrol(tmp_path, "KEY")
    found = enrolled(tmp_path)
    assert found is not None
    assert (found.release_key, found.server) == ("KEY", "http://127.0.0.1:9")
    assert (tmp_path / str(found.server_ca_file)).read_bytes() == b"AUTHORITY"
    enrol(tmp_path, None)
    assert len(list(tmp_path.glob("enrolment-*.server.pem"))) == 1
    path = tmp_path / "enrolment.json"
    document = json.loads(path.read_text())
    older = {name: value for name, value in document.items() if name not in {"server_ca_file", "release_key"}}
    path.write_text(json.dumps({**older, "of_a_later_version": 1}))
    again = enrolled(tmp_path)
    assert again is not None
    assert (again.site, again.release_key, again.server_ca_file) == ("isla", None, None)
    with pytest.raises(ValueError, match="not one for an enrolment"):
        keep_enrolment(tmp_path, {**ANSWER, "settings": {"timezone": "UTC", "release_key": 7}}, "http://x")
