"""Version 3 against a real snmpd: users, encryption, and how a refusal is told from silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentkit.snmp_rounds import snmp_round, snmp_rounds, snmp_target
from aldea.agents.device_settings import SnmpTarget
from aldea.agents.probe import ProbeContext
from rigs.snmpd import Snmpd


@pytest.fixture(scope="module")
def snmpd3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """A router that knows a user of version 3."""
    folder = tmp_path_factory.mktemp("snmpd3")
    extra = ["createUser aldea SHA authsecret1 AES privsecret1", "rouser aldea auth"]
    extra += ["createUser aldea512 SHA-512 authsecret1", "rouser aldea512 auth"]
    with Snmpd(folder, extra=extra) as server:
        yield server


def _user(snmpd: Snmpd, folder: Path, password: str, *, user: str = "aldea", privacy: str | None = None) -> SnmpTarget:
    (folder / "auth").write_text(f"{password}\n")
    target = snmp_target(snmpd, version="3", user=user, auth_password_file=folder / "auth")
    if privacy is None:
        return target
    (folder / "privacy").write_text(privacy)
    return replace(target, privacy_protocol="aes", privacy_password_file=folder / "privacy")


@pytest.mark.parametrize("privacy", [None, "privsecret1"])
def test_version_3_authenticates_and_encrypts(
    context: ProbeContext, snmpd3: Snmpd, tmp_path: Path, privacy: str | None
) -> None:
    if privacy is not None:
        pytest.importorskip("cryptography", reason="privacy needs the package cryptography")
    fields = snmp_round(context, _user(snmpd3, tmp_path, "authsecret1", privacy=privacy)).fields
    assert fields["failure"] is None
    assert fields["rx_bytes_total"] is not None


def test_a_wrong_privacy_password_is_refused_and_not_silence(
    context: ProbeContext, snmpd3: Snmpd, tmp_path: Path
) -> None:
    pytest.importorskip("cryptography", reason="privacy needs the package cryptography")
    reading = snmp_round(context, _user(snmpd3, tmp_path, "authsecret1", privacy="wrongsecret"), timeout=4)
    assert reading.fields == {"failure": "snmp_authentication"}


def test_a_level_below_what_the_router_asks_for_is_refused(
    context: ProbeContext, snmpd3: Snmpd, tmp_path: Path
) -> None:
    open_to_all = replace(_user(snmpd3, tmp_path, "authsecret1"), auth_protocol="none", auth_password_file=None)
    reading = snmp_round(context, open_to_all)
    assert reading.fields == {"failure": "snmp_authentication"}


def test_version_3_with_a_long_digest(context: ProbeContext, snmpd3: Snmpd, tmp_path: Path) -> None:
    target = replace(_user(snmpd3, tmp_path, "authsecret1", user="aldea512"), auth_protocol="sha512")
    assert snmp_round(context, target).fields["failure"] is None


@pytest.mark.parametrize(
    ("content", "failure", "sentence"),
    [
        (b"", "snmp_authentication", "no passwords of less than 8"),
        (b"abc\n", "snmp_authentication", "no passwords of less than 8"),
        (b"\xff\xfepassword", "snmp_authentication", "is not text"),
        (None, "not_available", "No such file"),
    ],
)
def test_a_password_file_that_is_no_use_is_said_and_costs_the_other_routers_nothing(
    context: ProbeContext,
    snmpd3: Snmpd,
    snmpd: Snmpd,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    content: bytes | None,
    failure: str,
    sentence: str,
) -> None:
    caplog.set_level("INFO")
    target = _user(snmpd3, tmp_path, "authsecret1")
    (tmp_path / "auth").unlink() if content is None else (tmp_path / "auth").write_bytes(content)
    ((refused, found),) = snmp_rounds(context, target, snmp_target(snmpd))
    assert refused.fields == {"failure": failure}
    assert found.fields["failure"] is None
    assert sentence in caplog.text
    assert "abc" not in caplog.text


@pytest.mark.parametrize(("user", "password"), [("aldea", "wrongsecret"), ("nobody", "authsecret1")])
def test_a_wrong_user_or_password_of_version_3_is_said(
    context: ProbeContext, snmpd3: Snmpd, tmp_path: Path, user: str, password: str
) -> None:
    reading = snmp_round(context, _user(snmpd3, tmp_path, password, user=user))
    assert reading.fields == {"failure": "snmp_authentication"}
