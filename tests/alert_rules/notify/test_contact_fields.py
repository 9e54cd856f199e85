"""The fields of a contact point: what is taken, what is shown, and that no secret is told."""

from __future__ import annotations

import logging

import pytest

from aldea.alert_rules.notify.channels import CHANNELS, PROBLEMS, check_fields, cleaned, shown
from aldea.alert_rules.notify.provider import masked, read_lines
from aldea.alert_rules.notify.sending import SendFailure
from alert_rules.notify.office import Office, run
from alert_rules.notify.servers import Answer, Web


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
