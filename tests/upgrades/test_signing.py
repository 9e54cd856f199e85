"""Keys, manifests and signatures: what is signed, what is refused, and what the files say when they are wrong."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.agents.upgrading.selftest import _fits
from aldea.agents.upgrading.verifying import accepted
from aldea.deploy.cli.main import main
from aldea.deploy.releasing.keys import load_key, make_keys
from aldea.deploy.releasing.signing import is_signed_by, load_release, manifest_of, write_release
from aldea.model.release import (
    Manifest,
    ReleaseError,
    ReleaseFile,
    SignedRelease,
    document_of,
    public_keys,
    public_pem,
    read_manifest,
    signed_document,
    version_key,
)
from aldea.storage.register import open_register
from aldea.storage.register.releases import list_releases
from upgradekit.wheels import Workshop

GOOD = "9.0.0"
FILE = ReleaseFile("aldea-9.0.0-py3-none-any.whl", 10, "ab" * 32)
MANIFEST = Manifest(GOOD, "3.11", 1, (FILE,))


def test_the_private_key_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    private, public = make_keys(tmp_path, b"between us")
    assert private.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in public.read_text()
    with pytest.raises(ReleaseError, match="is encrypted: give its passphrase"):
        load_key(private, None)
    with pytest.raises(ReleaseError, match="or the passphrase is wrong"):
        load_key(private, b"another")
    load_key(private, b"between us")
    with pytest.raises(FileExistsError):
        make_keys(tmp_path, None)
    (key,) = public_keys(public.read_text())
    assert public_pem(key) == public.read_text()


def test_what_a_wheel_says_of_itself_is_what_is_signed(workshop: Workshop, tmp_path: Path) -> None:
    wheel = workshop.wheel(GOOD)
    release = workshop.signed(manifest_of([wheel]))
    assert (release.manifest.version, release.manifest.python, release.manifest.outbox_format) == (GOOD, "3.11", 1)
    keys = public_keys(workshop.public.read_text())
    write_release(tmp_path / "r.json", release)
    again = load_release(tmp_path / "r.json")
    assert again == release
    assert is_signed_by(again, keys)
    for other in (
        replace(again, manifest=replace(again.manifest, downgrade=True)),
        replace(again, manifest=replace(again.manifest, version="9.0.1")),
        replace(again, signature=bytes(64)),
    ):
        assert not is_signed_by(other, keys)
        with pytest.raises(ReleaseError, match="not signed by a key"):
            accepted(signed_document(other), workshop.public.read_text(), "0.1.0", None)
    assert accepted(signed_document(release), workshop.public.read_text(), "0.1.0", None) == release.manifest
    with pytest.raises(ReleaseError, match="knows no key for releases"):
        accepted(signed_document(release), None, "0.1.0", None)
    (tmp_path / "aldea-1-py3-none-any.whl").write_text("no zip")
    with pytest.raises(ReleaseError, match="is no wheel"):
        manifest_of([tmp_path / "aldea-1-py3-none-any.whl"])
    with pytest.raises(ReleaseError, match="give Aldea's own wheel"):
        manifest_of([tmp_path / "other-1-py3-none-any.whl"])


def test_only_what_was_signed_to_replace_it_follows_a_newer_version(workshop: Workshop) -> None:
    """And no further: a signature that sent one version back last year sends no later one back."""
    old = manifest_of([workshop.wheel(GOOD)])
    back = manifest_of([workshop.wheel(GOOD)], replaces="9.0.5")
    once = replace(old, downgrade=True)  # as it was signed before it said from where

    def taken(manifest: Manifest, own: str, newest: str | None = None) -> Manifest:
        return accepted(signed_document(workshop.signed(manifest)), workshop.public.read_text(), own, newest)

    for manifest in (old, once):
        with pytest.raises(ReleaseError, match=r"was not signed to replace it: sign it with --downgrade-from 9\.0\.1"):
            taken(manifest, "9.0.1")
        assert taken(manifest, "0.1.0") == manifest
    assert taken(back, "9.0.5") == back
    assert taken(back, "0.1.0", "9.0.5") == back
    with pytest.raises(ReleaseError, match=r"up to 9\.0\.5, and 9\.0\.6 was kept here") as refused:
        taken(back, "9.0.6")
    assert "se firmó para reemplazar hasta la 9.0.5" in refused.value.spanish
    # What runs may be older than what was kept: a release that kept ending gave way to the one before.
    for manifest in (old, once, back):
        with pytest.raises(ReleaseError, match=r"older than 10\.0|10\.0 was kept here"):
            taken(manifest, "0.1.0", "10.0")
    assert taken(old, GOOD, "10.0") == old  # it runs already
    wrong = replace(old, python="3.99")
    with pytest.raises(ReleaseError, match=r"needs Python 3\.99"):
        taken(wrong, "0.1.0")


def test_what_a_release_does_not_say_is_not_in_what_is_signed(workshop: Workshop) -> None:
    """Agents of before refuse a word that they do not know; ordinary releases have none."""
    old = manifest_of([workshop.wheel(GOOD)])
    assert set(document_of(old)) == {"format", "version", "python", "outbox_format", "files", "downgrade"}
    back = manifest_of([workshop.wheel(GOOD)], replaces="9.0.5")
    assert read_manifest(document_of(back)) == back


def test_the_command_refuses_a_foreign_signature_and_a_changed_file(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    register = open_register(url)
    register.migrate()
    base = ["release", "--register", url]
    wheel = tmp_path / workshop.wheel(GOOD).name
    wheel.write_bytes(workshop.wheel(GOOD).read_bytes())
    monkeypatch.setattr("sys.stdin", io.StringIO("between us\n" * 2))
    assert main([*base, "keygen", "--out", str(tmp_path / "a"), "--passphrase"]) == 0
    assert main([*base, "sign", str(wheel), "--key", str(tmp_path / "a/release.key")]) == 0
    manifest = tmp_path / f"aldea-{GOOD}.release.json"
    assert main([*base, "add", str(manifest)]) == 1
    assert "no key is trusted here yet" in capsys.readouterr().err
    assert main([*base, "trust", str(workshop.public)]) == 0
    assert main([*base, "add", str(manifest)]) == 1
    assert "not signed by a key that this server trusts" in capsys.readouterr().err
    assert main([*base, "trust", str(tmp_path / "a/release.pub")]) == 0
    wheel.write_bytes(wheel.read_bytes() + b"x")
    assert main([*base, "add", str(manifest)]) == 1
    assert "is not the file that was signed" in capsys.readouterr().err
    wheel.write_bytes(workshop.wheel(GOOD).read_bytes())
    assert main([*base, "add", str(manifest)]) == 0
    assert main([*base, "add", str(manifest)]) == 0
    assert "was there already" in capsys.readouterr().out
    assert main([*base, "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["version"] == GOOD
    assert main([*base, "trust", str(workshop.public), "--remove"]) == 0
    assert main([*base, "pause"]) == 1
    assert "no release is being rolled out" in capsys.readouterr().err
    with register.reading() as unit:
        assert len(list_releases(unit)) == 1
    register.close()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 2}, "format is '2'"),
        ({"version": "../../etc"}, "version is"),
        ({"version": "1.0+local"}, "version is"),
        ({"version": "111111.111111.111111.111111.111111rc111111"}, "version is"),
        ({"version": "\N{ARABIC-INDIC DIGIT ONE}.2"}, "version is"),
        ({"python": "2.7"}, "python is"),
        ({"outbox_format": 0}, "outbox_format must be"),
        ({"files": []}, "1 to 12 wheels"),
        ({"files": [{"name": "../x.whl", "size_bytes": 1, "sha256": "ab" * 32}]}, "without folders"),
        ({"files": [{"name": "x.whl", "size_bytes": 1, "sha256": "AB"}]}, "64 hex digits"),
        ({"files": [{"name": "x.whl", "size_bytes": 10**9, "sha256": "ab" * 32}]}, "size_bytes must be"),
        ({"files": [{"name": "x.whl", "size_bytes": 1, "sha256": "ab" * 32}] * 2}, "named twice"),
        ({"downgrade": "yes"}, "downgrade must be"),
        ({"replaces": "9.9"}, "expects, of a downgrade"),
        ({"replaces": MANIFEST.version, "downgrade": True}, "a version newer than"),
        ({"replaces": 9, "downgrade": True}, "a version newer than"),
        ({"more": 1}, "is not known"),
    ],
)
def test_a_manifest_that_is_none_gets_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ReleaseError, match=sentence) as refused:
        read_manifest({**document_of(MANIFEST), **change})
    assert refused.value.spanish not in {"", str(refused.value)}, "the box says it in Spanish too"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_whatever_comes_is_a_release_or_gets_a_sentence(document: object) -> None:
    with pytest.raises(ReleaseError) as refused:
        accepted({"manifest": document, "signature": "AA=="}, "", "0.1.0", None)
    assert refused.value.spanish
    with pytest.raises(ReleaseError):
        read_manifest(document)
    assert read_manifest(document_of(MANIFEST)) == MANIFEST
    assert signed_document(SignedRelease(MANIFEST, bytes(64)))["manifest"] == document_of(MANIFEST)


def test_versions_are_ordered_as_packages_are() -> None:
    ordered = [
        "0.9",
        "1.0.dev1",
        "1.0a1",
        "1.0a2.dev1",
        "1.0a2",
        "1.0b1",
        "1.0rc1",
        "1.0",
        "1.0.post1",
        "1.0.1",
        "1.2",
        "1.10",
    ]
    assert sorted(ordered, key=version_key) == ordered
    assert version_key("1.0") == version_key("1.0.0")


@pytest.mark.parametrize(
    ("there", "sign", "bound", "fits"),
    [
        ("2.1.0", ">=", "2.1", True),
        ("2.0.9", ">=", "2.1", False),
        ("2.10", "<", "2.9", False),
        ("3.0", "<", "3", False),
        ("0.13.4", "~=", "0.13.1", True),
        ("0.14.0", "~=", "0.13.1", False),
        ("1.4.2", "==", "1.4.*", True),
        ("1.5", "!=", "1.4.*", True),
    ],
)
def test_requirements_are_compared_by_numbers(there: str, sign: str, bound: str, fits: bool) -> None:
    assert _fits(there, sign, bound) is fits
