"""Real servers on loopback, what they get and what they say: webhooks, ntfy, SMS and any service."""

from __future__ import annotations

from pathlib import Path

import pytest

from aldea.model.clock import ManualClock
from aldea.storage.register import Register
from alert_rules.notify.office import HOUR, MINUTE, NOW_MS, Office, run, run_for, secret_file
from alert_rules.notify.servers import Answer, Web


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
