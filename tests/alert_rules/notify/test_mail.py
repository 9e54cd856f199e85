"""Real servers on loopback, what they get and what they say: mail."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from aldea.alert_rules.settings import MailSettings
from aldea.model.clock import ManualClock
from aldea.storage.register import Register
from alert_rules.notify.office import Office, mail_settings, run, secret_file
from alert_rules.notify.servers import Mail


@pytest.fixture
def made(register: Register, clock: ManualClock) -> Iterator[list[Office]]:
    offices: list[Office] = []
    yield offices
    for office in offices:
        office.close()


def by_mail(made: list[Office], register: Register, clock: ManualClock, mail: MailSettings) -> Office:
    office = Office(register, clock, mail=mail)
    made.append(office)
    office.add_site()
    office.add_person("tecnica")
    office.add_contact("tecnica", "email", address="tecnica@example.org")
    office.tell()
    run(office.dispatcher())
    return office


def test_a_mail_arrives_with_its_key(made: list[Office], register: Register, clock: ManualClock, mail: Mail) -> None:
    office = by_mail(made, register, clock, mail_settings(mail.port))
    (got,) = mail.messages
    assert (got["To"], got["Subject"]) == ("tecnica@example.org", "Aldea: Escuela Xcopteil: sin conexión")
    assert "aldea@example.org" in got["From"]
    assert got["X-Aldea-Key"] == "i-1:fired:email.1:tecnica"
    text = got.get_content()  # type: ignore[attr-defined]  # the policy makes it an EmailMessage
    assert "Causa probable: el enlace del proveedor." in text
    assert office.states() == ["sent"]


def test_an_address_that_the_server_refuses_is_not_tried_again(
    made: list[Office], register: Register, clock: ManualClock, mail: Mail
) -> None:
    mail.refuse.add("tecnica@example.org")
    office = by_mail(made, register, clock, mail_settings(mail.port))
    (item,) = office.log()
    assert item.state == "failed"
    assert str(item.last_error).startswith("refused_address: ")
    assert "no such user here" in str(item.last_error)


@pytest.mark.parametrize("password", ["right horse", "wrong"])
def test_a_mail_over_starttls_with_a_login(
    made: list[Office],
    register: Register,
    clock: ManualClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with Mail(login=("aldea", "right horse"), tls=context) as mail:
        settings = mail_settings(
            mail.port,
            host="localhost",
            security="starttls",
            username="aldea",
            password_file=secret_file(tmp_path, password),
        )
        office = by_mail(made, register, clock, settings)
    (item,) = office.log()
    if password == "wrong":
        assert (item.state, mail.messages) == ("waiting", [])
        assert str(item.last_error).startswith("refused_login: ")
    else:
        assert (item.state, len(mail.messages)) == ("sent", 1)


def test_without_a_mail_server_the_log_says_what_to_set(
    made: list[Office], register: Register, clock: ManualClock
) -> None:
    office = by_mail(made, register, clock, MailSettings())
    assert office.log()[0].last_error == "not_configured: no mail server is set: set alerts.mail.host in aldea.toml"


def test_a_mail_server_that_is_down_is_waited_for(
    made: list[Office], register: Register, clock: ManualClock, mail: Mail
) -> None:
    office = by_mail(made, register, clock, mail_settings(1))
    assert str(office.log()[0].last_error).startswith("unreachable: ")
    assert office.states() == ["waiting"]
