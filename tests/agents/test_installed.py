from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from aldea.agents.installed import installed_version


@pytest.mark.parametrize("package", ["aldea", "paho-mqtt", "icmplib", "pytest"])
def test_the_version_is_what_the_standard_library_says(package: str) -> None:
    assert installed_version(package) == metadata.version(package)


def test_of_several_the_first_on_the_path_counts_and_what_cannot_be_read_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = {"empty": "", "first": "Name: a-b\nVersion: 2.0.1+own\n\nVersion: 9", "second": "Version: 1.0\n"}
    for folder, head in heads.items():
        info = tmp_path / folder / "a_b-2.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(head)
    (tmp_path / "archive.zip").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path / name) for name in ("none", "archive.zip", *heads)])
    assert installed_version("a-b") == "2.0.1+own"
    assert installed_version("b") is None
