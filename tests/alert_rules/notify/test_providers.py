"""Real servers on loopback: what they get, what they say, and what is kept of it."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from aldea.alert_rules.notify.channels import CHANNELS, PROBLEMS, check_fields, cleaned, shown
from aldea.alert_rules.notify.provider import masked, read_lines
from aldea.alert_rules.notify.sending import SendFailure
from aldea.alert_rules.settings import MailSettings
from aldea.model.clock import ManualClock
from aldea.storage.register import Register
from alert_rules.notify.office import HOUR, MINUTE, NOW_MS, Office, mail_settings, run, run_for, secret_file
from alert_rules.notify.servers import Answer, Mail, Web


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


def test_a_webhook_gets_our_document_with_its_key(office: Office, web: Web) -> None:
    office.add_contact("tecnica", "webhook", url=f"{web.url}/hook?team=1", token="tok-12345")
    office.tell()
    office.tell(transition="resolved", opened_ms=NOW_MS, resolved_ms=NOW_MS + MINUTE)
    run(office.dispatcher())
    first, second = web.requests
    assert first.path == "/hook?team=1"
    assert first.headers["idempotency-key"] == "i-1:fired:webhook.1:tecnica"
    assert first.headers["authorization"] == "Bearer tok-12345"
    assert first.document["key"] == "i-1:fired:webhook.1:tecnica"
    assert first.document["incident"] == "i-1"
    assert first.document["site"] == {"id": "escuela", "name": "Escuela Xcopteil"}
    assert first.document["cause"] == "backhaul"
    assert first.document["reason"]["es"] == "La puerta de enlace responde."
    assert first.document["opened"] == first.document["fired"] == "2026-11-22T17:00:00.000Z"
    assert first.document["resolved"] is None
    assert first.document["subject"] == "Aldea: Escuela Xcopteil: sin conexión"
    assert (second.document["transition"], second.document["resolved"]) == ("resolved", "2026-11-22T17:01:00.000Z")


def test_a_provider_that_fails_two_hours_and_then_times_out_after_accepting(
    register: Register, clock: ManualClock, web: Web
) -> None:
    office = Office(register, clock, send_timeout_seconds=3.0)
    office.add_site()
    office.add_person("tecnica")
    office.add_contact("tecnica", "webhook", url=web.url)
    dispatcher = office.dispatcher()
    web.always = Answer(500, body="away")
    for number in range(4):
        office.tell(f"i-{number}")
        run_for(dispatcher, clock, 30 * MINUTE, 5 * MINUTE)
    failed = len(web.requests)
    assert set(office.states()) == {"waiting"}
    assert set(web.keys) == {office.log()[0].key}, "the order is kept: nobody overtakes"
    web.answers, web.always = [Answer(hang=True)], Answer()
    run_for(dispatcher, clock, HOUR, 5 * MINUTE)
    office.close()
    assert set(office.states()) == {"sent"}
    told = web.keys[failed:]
    assert told[0] == told[1], "it may have been taken: it is sent once more with the same key"
    assert told[1:] == [item.key for item in office.log()]


def test_a_provider_that_is_busy_says_when(office: Office, clock: ManualClock, web: Web) -> None:
    office.add_contact("tecnica", "webhook", url=web.url)
    web.answers = [Answer(429, {"Retry-After": "600"}), Answer(503, {"Retry-After": "Sun, 22 Nov 2026 17:25:00 GMT"})]
    office.tell()
    dispatcher = office.dispatcher()
    run(dispatcher)
    assert office.log()[0].next_attempt_ms == NOW_MS + 10 * MINUTE
    clock.advance(10 * MINUTE)
    run(dispatcher)
    assert office.log()[0].next_attempt_ms == NOW_MS + 25 * MINUTE
    clock.advance(15 * MINUTE)
    run(dispatcher)
    assert office.states() == ["sent"]


@pytest.mark.parametrize("status", [302, 400, 404, 410, 422])
def test_a_webhook_that_can_never_work_is_given_up_and_the_next_one_goes(office: Office, web: Web, status: int) -> None:
    office.add_contact("tecnica", "webhook", url=web.url)
    web.answers = [Answer(status, {"Location": "http://127.0.0.1:1/"})]
    office.tell("i-1")
    office.tell("i-2")
    run(office.dispatcher())
    assert office.states() == ["failed", "sent"]
    assert f"HTTP {status}" in str(office.log()[0].last_error)


def test_ntfy_gets_subject_and_text(office: Office, web: Web) -> None:
    office.add_contact("tecnica", "ntfy", server=web.url, topic="aldea-aviso", language="en")
    web.always = Answer(200, body="{}")
    office.tell()
    run(office.dispatcher())
    (got,) = web.requests
    assert got.document["topic"] == "aldea-aviso"
    assert got.document["title"] == "Aldea: Escuela Xcopteil: no connection"
    assert "Likely cause: the provider's link." in got.document["message"]


def test_an_sms_goes_through_the_gateway_of_the_settings(
    register: Register, clock: ManualClock, web: Web, tmp_path: Path
) -> None:
    gateway = f"json://{web.url.removeprefix('http://')}/sms/{{phone}}"
    office = Office(register, clock, sms_gateway_file=secret_file(tmp_path, gateway))
    office.add_site()
    office.add_person("tecnica")
    office.add_contact("tecnica", "sms", phone="+525512345678")
    office.tell()
    run(office.dispatcher())
    office.close()
    (got,) = web.requests
    assert got.path == "/sms/+525512345678"
    assert got.document["message"].startswith("Aldea: Escuela Xcopteil SIN CONEXION desde")
    assert len(got.document["message"]) <= 160


def test_any_service_of_apprise_can_be_named_and_its_answer_is_kept(
    office: Office, clock: ManualClock, web: Web
) -> None:
    host = web.url.removeprefix("http://")
    office.add_contact("tecnica", "apprise", url=f"json://user:sesame99@{host}/in")
    web.answers = [Answer(403), Answer(500)]
    office.tell()
    dispatcher = office.dispatcher()
    run(dispatcher)
    assert str(office.log()[0].last_error).startswith("refused_login: ")
    clock.advance(HOUR)
    run(dispatcher)
    assert str(office.log()[0].last_error).startswith("server_error: ")
    clock.advance(HOUR)
    run(dispatcher)
    assert office.states() == ["sent"]


def test_no_secret_reaches_the_log_or_the_program_s_log(
    office: Office, web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    host = web.url.removeprefix("http://")
    office.add_contact("tecnica", "apprise", url=f"json://user:sesame99@{host}/very-secret-path")
    web.always = Answer(500)
    office.tell()
    with caplog.at_level(logging.DEBUG):
        run(office.dispatcher())
    told = caplog.text + str(office.log()[0].last_error)
    assert "sesame99" not in told
    assert "very-secret-path" not in told


def test_secrets_are_taken_out_of_a_provider_s_sentence() -> None:
    assert masked("GET https://x/bot123456:abc failed", ["123456:abc"]) == "GET https://x/bot… failed"


@pytest.mark.parametrize(
    ("line", "failure"),
    [
        ("Failed to send Telegram notification to 5: Unauthorized, error=401.", SendFailure.REFUSED_LOGIN),
        ("Failed to send ntfy notification: Too many requests, error=429.", SendFailure.RATE_LIMITED),
        ("Socket Exception: (535, b'5.7.8 Authentication failed')", SendFailure.REFUSED_LOGIN),
        ("Socket Exception: (421, b'try later')", SendFailure.SERVER_ERROR),
        ("Socket Exception: timed out", SendFailure.TIMEOUT),
        ("Socket Exception: [Errno -2] Name or service not known", SendFailure.UNREACHABLE),
        ("Socket Exception: certificate verify failed", SendFailure.CERTIFICATE),
        ("An error that nobody has seen before", SendFailure.SERVER_ERROR),
    ],
)
def test_what_a_service_logs_is_read_as_a_failure(line: str, failure: SendFailure) -> None:
    assert read_lines(["Sending to tecnica@example.org", line]).failure is failure


@pytest.mark.parametrize(
    ("kind", "fields", "wrong"),
    [
        ("email", {"address": "tecnica@example.org"}, []),
        ("email", {"address": "tecnica@localhost"}, [("address", "not_an_email")]),
        ("email", {}, [("address", "missing")]),
        ("email", {"address": "a@b.mx", "token": "x"}, [("token", "unknown_field")]),
        ("email", {"address": "a@b.mx" + "x" * 500}, [("address", "too_long")]),
        ("fax", {}, [("kind", "unknown_kind")]),
        ("webhook", {"url": "https://example.org/hook"}, []),
        ("webhook", {"url": "ftp://example.org"}, [("url", "not_a_web_address")]),
        ("webhook", {"url": "https://[::1"}, [("url", "not_a_web_address")]),
        ("telegram", {"chat": "-100123"}, []),
        ("telegram", {"chat": "tecnica", "token": "a b"}, [("chat", "not_a_chat"), ("token", "not_a_token")]),
        ("sms", {"phone": "+52 (55) 1234-5678"}, []),
        ("sms", {"phone": "55 1234 5678"}, [("phone", "not_a_phone")]),
        ("whatsapp", {"phone": "+525512345678", "gateway": "json://h/x"}, [("gateway", "no_phone_place")]),
        ("whatsapp", {"phone": "+525512345678", "gateway": "nope://h/{phone}"}, [("gateway", "unknown_scheme")]),
        ("ntfy", {"server": "https://ntfy.sh", "topic": "a b"}, [("topic", "not_a_topic")]),
        ("apprise", {"url": "json://example.org/x"}, []),
        ("apprise", {"url": "hello"}, [("url", "unknown_scheme")]),
        ("apprise", {"url": "nope://example.org"}, [("url", "unknown_scheme")]),
        ("apprise", {"url": "tgram://"}, [("url", "bad_service_url")]),
    ],
)
def test_each_field_that_cannot_be_gets_its_sentence(
    kind: str, fields: dict[str, str], wrong: list[tuple[str, str]]
) -> None:
    found = check_fields(kind, fields)
    assert [(problem.field, problem.word) for problem in found] == wrong
    assert all(problem.sentence == PROBLEMS[problem.word] for problem in found)


def test_what_is_shown_tells_contact_points_apart_without_their_secrets() -> None:
    assert shown("email", {"address": "tecnica@example.org"}) == "tecnica@example.org"
    assert shown("sms", cleaned("sms", {"phone": "+52 55 1234 5678", "gateway": ""})) == "+525512345678"
    assert shown("webhook", {"url": "https://user:pw@example.org/secret", "token": "t"}) == "https://example.org/…"
    assert shown("ntfy", {"server": "https://ntfy.sh", "topic": "secret-topic"}) == "ntfy.sh/se…"
    assert shown("apprise", {"url": "slack://A/B/C"}) == "slack://…"
    assert shown("telegram", {"chat": "-5", "token": "123456:abc"}) == "-5"
    assert set(CHANNELS) == {"email", "telegram", "whatsapp", "sms", "ntfy", "webhook", "apprise"}
