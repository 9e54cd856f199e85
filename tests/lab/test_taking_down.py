"""Whatever happens, nothing of the lab stays behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from labkit import lab as lab_module
from labkit.lab import Lab, check_allowed
from labkit.namespaces import ip, sweep
from rigs.processes import RigError

pytestmark = pytest.mark.alone


@pytest.fixture(autouse=True)
def _allowed() -> None:
    try:
        check_allowed()
    except RigError as error:
        pytest.skip(str(error))


def test_a_lab_that_fails_half_built_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RigError("no router today")

    monkeypatch.setattr(lab_module, "Router", fails)
    before = _namespaces()
    with pytest.raises(RigError, match="no router"):
        Lab(tmp_path)
    assert _namespaces() == before
    assert not _programs_in(tmp_path)


def test_a_lab_that_is_closed_with_all_running_leaves_nothing(tmp_path: Path) -> None:
    before = _namespaces()
    with Lab(tmp_path) as lab:
        lab.box().start()
        assert _programs_in(tmp_path)
    assert _namespaces() == before
    assert not _programs_in(tmp_path)


def test_what_a_killed_run_left_is_swept_up_and_what_runs_is_not() -> None:
    over = subprocess.Popen(["true"])
    over.wait()
    ip("netns", "add", f"aldea-site-{over.pid}")
    ip("netns", "add", f"aldea-other-{os.getpid()}")
    try:
        assert f"aldea-site-{over.pid}" in sweep()
        assert f"aldea-other-{os.getpid()}" in _namespaces()
    finally:
        ip("netns", "del", f"aldea-other-{os.getpid()}")


def _namespaces() -> set[str]:
    return {path.name for path in Path("/var/run/netns").glob(f"aldea-*-{os.getpid()}")}


def _programs_in(folder: Path) -> list[str]:
    """Return the command lines that name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found
