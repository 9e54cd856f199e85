"""A release from the signature to the running agent, for real: wheels, environments, processes, broker, server."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from aldea.agents.trial_verdict import BLAMED_AFTER
from aldea.deploy.cli.main import main
from aldea.deploy.releasing.keys import load_key, make_keys
from aldea.deploy.releasing.signing import sign
from aldea.model.clock import SystemClock
from aldea.model.release import SignedRelease
from aldea.storage.register.commands import CommandState, DeviceCommand
from upgradekit.box import Box
from upgradekit.headquarters import Headquarters
from upgradekit.wheels import FIRST, Workshop, run

pytestmark = pytest.mark.timeout(900)  # processes that build, start and try; each step has a bound of its own

GOOD = "9.0.0"


def upgraded(headquarters: Headquarters, box: Box, site: str, release: SignedRelease) -> DeviceCommand:
    """Ask a box for a release; return the command when it is over."""
    command = headquarters.ask(site, release)
    found: DeviceCommand = box.until(lambda: headquarters.ended(command))
    return found


def test_a_release_goes_from_the_key_to_the_running_agent_and_then_costs_no_launcher(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All by the command that people type, at a server and a site of their own."""
    aldea = partial(typed, f"sqlite:///{tmp_path / 'register.db'}")
    server = Headquarters(tmp_path, None)
    box = Box(tmp_path, workshop.installation())
    try:
        keys = tmp_path / "keys"
        aldea("keygen", "--out", str(keys))
        aldea("trust", str(keys / "release.pub"))
        server.enrol("isla", box.data)
        box.start()
        box.until(lambda: server.version_of("isla") == FIRST)
        wheel = shutil.copy(workshop.wheel(GOOD), tmp_path)
        aldea("sign", str(wheel), "--key", str(keys / "release.key"))
        aldea("add", str(tmp_path / f"aldea-{GOOD}.release.json"))
        aldea("roll-out", GOOD, "--first", "isla", "--bake-hours", "0")
        box.until(lambda: server.version_of("isla") == GOOD)
        capsys.readouterr()
        said = box.until(lambda: (aldea("show", "--json"), json.loads(capsys.readouterr().out))[1]["devices"][0])
        box.until(lambda: (aldea("show"), "1 confirmed" in capsys.readouterr().out)[1])
        assert said["site"] == "isla"
        box.until(lambda: server.starts("isla") == STARTS)
        state = box.state
        assert (state.current, state.previous, state.trial, dict(state.bad)) == (GOOD, None, None, {})
        # The service's process is the agent itself, in the new environment, and has no child.
        assert box.python() == str(box.releases.python(GOOD))
        assert box.children() == []
        assert [path.name for path in box.releases.folder.iterdir() if path.is_dir()] == [GOOD]
        assert box.state.launch is not None
        box.stop()
        assert box.state.launch is None, "it ended as it was asked to"
    finally:
        box.unplug_quietly()
        server.close()


STARTS = [("first_start", FIRST), ("upgraded", GOOD), ("stopped", GOOD)]


def typed(url: str, *words: str) -> None:
    """Type `aldea release …`."""
    assert main(["release", "--register", url, *words]) == 0


def test_a_release_that_never_hears_the_server_is_rolled_back_and_said(
    headquarters: Headquarters, workshop: Workshop, new_box: Callable[..., Box]
) -> None:
    box = new_box("sorda", trial_seconds=20)
    box.start()
    release, files = workshop.release("9.1.0", DEAF)
    headquarters.offer(release, files)
    command = headquarters.ask("sorda", release)
    ended = box.until(lambda: headquarters.ended(command), seconds=270)  # two trials, on a busy machine three
    assert ended.state is CommandState.ROLLED_BACK
    assert "did not hear the server within 20 s" in ended.answer["sentence"]
    assert box.state.current is None
    assert "9.1.0" in box.state.bad
    assert str(workshop.installation()) in box.python()
    causes = [("first_start", FIRST), *[("upgraded", "9.1.0"), ("upgraded", FIRST)] * BLAMED_AFTER]
    box.until(lambda: headquarters.starts("sorda")[: len(causes)] == causes)
    # Asked once more without the word for it, it is refused before anything is fetched.
    refused = upgraded(headquarters, box, "sorda", release)
    assert "was tried here before and given up" in refused.answer["sentence"]
    box.stop()


def test_a_server_that_cannot_be_heard_right_after_the_switch_is_no_fault_of_the_release(
    headquarters: Headquarters, workshop: Workshop, new_box: Callable[..., Box]
) -> None:
    """Neither the new agent nor the old one is heard in its time; once the server is back, the same is tried again."""
    box = new_box("sin-enlace", trial_seconds=8)
    box.start()
    release, files = workshop.release("9.4.0", SLOW)
    headquarters.offer(release, files)
    command = headquarters.ask("sin-enlace", release)
    headquarters.fall_silent(lambda: box.until(lambda: box.state.trial is not None))
    try:
        (box.data / SILENT).touch()
        doubt = box.until(lambda: box.state.doubt)
        box.until(lambda: SystemClock().mono_ms() > doubt.at_ms + doubt.patience_ms)
        assert (box.state.current, dict(box.state.bad)) == (None, {})
        assert box.releases.is_whole("9.4.0")
        box.trial_seconds = 120  # from here on it is to be heard, and a busy machine needs its time
    finally:
        headquarters.be_heard()
    ended = box.until(lambda: headquarters.ended(command))
    assert ended.state is CommandState.DONE
    assert (box.state.current, dict(box.state.bad)) == ("9.4.0", {})
    assert "try_again" in box.log.read_text()
    box.stop()


def test_a_release_that_crashes_at_its_start_is_rolled_back(
    headquarters: Headquarters, workshop: Workshop, new_box: Callable[..., Box]
) -> None:
    box = new_box("fragil", trial_seconds=60)
    box.start()
    release, files = workshop.release("9.2.0", CRASHING)
    headquarters.offer(release, files)
    ended = upgraded(headquarters, box, "fragil", release)
    assert ended.state is CommandState.ROLLED_BACK
    assert "it was started 3 times" in ended.answer["sentence"]
    assert "it ended with 1" in ended.answer["sentence"]
    box.until(lambda: ("upgraded", FIRST) in headquarters.starts("fragil"))
    assert ("crashed", FIRST) not in headquarters.starts("fragil")
    box.stop()


def test_what_was_changed_or_signed_by_another_is_refused(
    headquarters: Headquarters, workshop: Workshop, new_box: Callable[..., Box], tmp_path: Path
) -> None:
    box = new_box("firme")
    box.start()
    release, files = workshop.release(GOOD)
    headquarters.offer(release, files)
    other = load_key(make_keys(tmp_path / "other", None)[0], None)
    larger = replace(release, manifest=replace(release.manifest, outbox_format=2))
    older, _ = workshop.release("0.0.9")
    (name,) = files
    swapped = hashlib.sha256(b"another wheel").hexdigest()
    missing = replace(release.manifest, version="9.9.9")
    wrong = replace(release.manifest, files=(replace(release.manifest.files[0], sha256=swapped),))
    for offered, sentence in (
        (sign(release.manifest, other), "is not signed by a key that this agent trusts"),
        (larger, "is not signed by a key"),
        (workshop.signed(larger.manifest), "could not read back"),
        (older, "was not signed to replace it"),
        (workshop.signed(missing), "the server answers 404"),
        (workshop.signed(wrong), f"what came of {name} is not what was signed"),
    ):
        ended = upgraded(headquarters, box, "firme", offered)
        assert ended.state is CommandState.FAILED
        assert sentence in ended.answer["sentence"]
    assert box.state.trial is None
    assert not [path for path in box.releases.folder.glob("*") if path.name in {GOOD, "0.0.9", "9.9.9"}]
    box.stop()


def test_the_power_may_go_at_any_moment_and_the_release_still_gets_there(
    headquarters: Headquarters, workshop: Workshop, new_box: Callable[..., Box]
) -> None:
    """Each moment once, one after the other: the box is unplugged when it is reached, and plugged in again."""
    box = new_box("cortes")
    box.start()
    release, files = workshop.release(GOOD)
    headquarters.offer(release, files)
    command = headquarters.ask("cortes", release)
    home, fetched = box.releases.path(GOOD), box.releases.folder / f"{GOOD}.fetched"
    moments = {
        "taken": lambda: headquarters.answer(command).state in {CommandState.ACCEPTED, CommandState.RUNNING},
        "a part is there": lambda: any(fetched.glob("*.part")) or any(fetched.glob("*.whl")),
        "the wheel is there": lambda: any(fetched.glob("*.whl")),
        "an environment is begun": (home / "pyvenv.cfg").is_file,
        "the wheel is unpacked": lambda: any(home.glob("lib/*/site-packages/aldea/agents")),
        "it is built": (home / "complete.json").exists,
        "it is on trial": lambda: box.state.trial is not None,
        "its trial has begun": lambda: box.state.trial is not None and box.state.trial.starts,
        "it was heard": (box.releases.folder / "heard").exists,
        "it is kept": lambda: box.state.current == GOOD,
    }
    cut: list[str] = []
    for what, moment in moments.items():
        # Who looks late, on a busy machine, finds some of them over: then it is unplugged at a later one once more.
        box.until(lambda at=moment: at() or box.state.current == GOOD)  # type: ignore[misc]  # no type for `at`
        box.unplug()
        cut += [what] if box.state.current != GOOD else []
        assert box.state.base == str(workshop.installation().resolve())
        box.start()
    assert len(cut) > 1, "it was hardly ever cut while it was under way: this run proves nothing"
    ended = box.until(lambda: headquarters.ended(command))
    assert ended.state is CommandState.DONE
    box.until(lambda: headquarters.version_of("cortes") == GOOD)
    assert box.state.current == GOOD
    box.stop()


def test_an_installation_by_root_wins_over_what_came_from_afar(
    headquarters: Headquarters, workshop: Workshop, new_box: Callable[..., Box], tmp_path: Path
) -> None:
    box = new_box("raiz")
    box.start()
    release, files = workshop.release(GOOD)
    headquarters.offer(release, files)
    upgraded(headquarters, box, "raiz", release)
    box.stop()
    before = workshop.installation()
    assert run(str(before / "bin/python"), *WHICH, environ=box.environ()).strip() == str(box.releases.python(GOOD))
    newer = tmp_path / "newer"
    shutil.copytree(before, newer, symlinks=True)
    box.moved_to(newer)
    box.start()
    box.until(lambda: headquarters.version_of("raiz") == FIRST)
    assert box.python() == str(newer / "bin/python")
    assert not [path for path in box.releases.folder.iterdir() if path.is_dir()]
    box.stop()


WHICH = ("-m", "aldea.agents.upgrading.launch", "which")
SILENT = "silent"
"""A file in a box's data folder: from now on the server is silent."""

DEAF = (
    "agents/aldea/agents/uplink/conversation.py",
    "        if lane is not Lane.ACK:",
    "        if lane is Lane.ACK:\n            return []\n        if lane is not Lane.ACK:",
)
_WAITS = f"""\
    use_one_arena()
    while not Path(__import__("os").environ["ALDEA_DATA"], "{SILENT}").exists():
        __import__("time").sleep(0.05)
"""
SLOW = ("agents/aldea/agents/commands.py", "    use_one_arena()\n", _WAITS)
CRASHING = (
    "agents/aldea/agents/service.py",
    "            if outbox is not None:\n",
    '            raise RuntimeError("this release is broken")\n            if outbox is not None:\n',
)
