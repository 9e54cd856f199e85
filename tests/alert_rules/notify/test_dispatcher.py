"""The outbox's other end: at least once to the provider, once a key in the log, no storm, nothing forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.escalation import escalate
from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.notify.occasion import Occasion
from aldea.alert_rules.notify.sending import TAKEN, Outcome, Parcel, SendFailure
from aldea.model.clock import ManualClock
from aldea.storage.register import Register, RegisterUnavailableError, Unit
from aldea.storage.register.contacts import ContactPoint, QuietHours, find_contact, remove_contact, update_contact
from aldea.storage.register.incident_answers import acknowledge
from aldea.storage.register.liveness_marks import NOTIFIER, liveness_marks
from aldea.storage.register.notification_queue import due_contacts, lock_queue
from aldea.storage.register.tables import incident
from alert_rules.notify.office import DAY, HOUR, MINUTE, NOW_MS, ZONE, Office, run, run_for
from alert_rules.notify.servers import Answer, Web
from rigs.waiting import eventually


@dataclass
class Provider:
    """A provider whose answer the test sets; it remembers what it was handed."""

    answer: Outcome = TAKEN
    parcels: list[Parcel] = field(default_factory=list)

    def send(self, parcel: Parcel) -> Outcome:
        self.parcels.append(parcel)
        return self.answer


AWAY = Outcome(SendFailure.UNREACHABLE, "connection refused")


class Crashing:
    """A register that breaks when an outcome is to be written: the process dies between send and commit."""

    def __init__(self, register: Register, provider: Provider) -> None:
        self._register = register
        self._provider = provider
        self.broken = True

    @contextmanager
    def transaction(self) -> Iterator[Unit]:
        with self._register.transaction() as unit:
            if self.broken and self._provider.parcels:
                raise RegisterUnavailableError("the power went")
            yield unit

    @contextmanager
    def reading(self) -> Iterator[Unit]:
        with self._register.reading() as unit:
            yield unit


@pytest.fixture
def mailed(office: Office) -> Office:
    office.add_contact("tecnica", "email", address="tecnica@example.org")
    return office


def test_a_transition_that_is_announced_twice_is_sent_once(mailed: Office) -> None:
    provider = Provider()
    dispatcher = mailed.dispatcher(provider)
    assert mailed.tell() == 1
    assert mailed.tell() == 0
    run(dispatcher)
    assert mailed.tell() == 0
    run(dispatcher)
    assert [one.key for one in provider.parcels] == ["i-1:fired:email.1:tecnica"]
    (logged,) = mailed.log()
    assert (logged.state, logged.attempts, logged.decided_ms, logged.last_error) == ("sent", 1, NOW_MS, None)


def test_the_end_is_told_to_those_who_were_told_of_the_start(mailed: Office) -> None:
    run(mailed.dispatcher(Provider()))
    mailed.tell()
    mailed.add_person("apoyo")
    mailed.add_contact("apoyo", "email", address="apoyo@example.org")
    assert mailed.tell(transition="resolved", resolved_ms=NOW_MS + MINUTE) == 1
    assert [item.recipient for item in mailed.log(incident="i-1")] == ["tecnica", "tecnica"]
    assert mailed.tell("never-told", "resolved", resolved_ms=NOW_MS) == 0


def test_a_simulated_site_tells_nobody(mailed: Office) -> None:
    mailed.add_site("demo", simulated=True)
    assert mailed.tell("i-2", site="demo") == 0
    assert mailed.tell("i-3", "group", site=None, sites=("demo",), site_names=("Demo",)) == 0


def test_a_crash_between_send_and_commit_repeats_once_with_the_same_key(mailed: Office, clock: ManualClock) -> None:
    provider = Provider()
    mailed.tell()
    first = mailed.dispatcher(provider, Crashing(mailed.register, provider))  # type: ignore[arg-type]  # as a register
    first.step()
    assert mailed.states() == ["sending"]
    second = mailed.dispatcher(provider)
    run(second)
    assert len(provider.parcels) == 1, "the claim still holds"
    clock.advance(10 * MINUTE)
    run(second)
    assert [one.key for one in provider.parcels] == ["i-1:fired:email.1:tecnica"] * 2
    assert mailed.states() == ["sent"]
    run_for(second, clock, HOUR)
    assert len(provider.parcels) == 2


def test_an_outcome_that_could_not_be_written_is_written_later_without_sending_again(mailed: Office) -> None:
    provider = Provider()
    register = Crashing(mailed.register, provider)
    dispatcher = mailed.dispatcher(provider, register)  # type: ignore[arg-type]  # as a register
    mailed.tell()
    dispatcher.step()
    assert mailed.states() == ["sending"]
    register.broken = False
    run(dispatcher)
    assert mailed.states() == ["sent"]
    assert len(provider.parcels) == 1


def test_two_dispatchers_do_not_send_the_same(mailed: Office) -> None:
    release, provider = threading.Event(), Provider()

    class Slow:
        def send(self, parcel: Parcel) -> Outcome:
            provider.parcels.append(parcel)
            release.wait(60)
            return TAKEN

    mailed.tell()
    first, second = mailed.dispatcher(Slow()), mailed.dispatcher(Slow())
    worker = threading.Thread(target=first.step)
    worker.start()
    eventually(lambda: len(provider.parcels) == 1)
    second.step()
    release.set()
    worker.join()
    run(first)
    assert len(provider.parcels) == 1
    assert mailed.states() == ["sent"]


def test_a_provider_that_is_away_for_two_hours_makes_no_storm(mailed: Office, clock: ManualClock) -> None:
    provider = Provider(AWAY)
    dispatcher = mailed.dispatcher(provider)
    for number in range(12):
        mailed.tell(f"i-{number:02d}", site_name=f"Sitio {number:02d}")
        run_for(dispatcher, clock, 10 * MINUTE)
    tried = len(provider.parcels)
    assert tried < 30, "it is not hammered"
    provider.answer = TAKEN
    run_for(dispatcher, clock, 30 * MINUTE)
    told = provider.parcels[tried:]
    assert len(told) == 1, "what waited is one message"
    lines = [line for line in told[0].body.splitlines() if line.startswith("- ")]
    assert len(lines) == 12
    assert [line[2:10] for line in lines] == [f"Sitio {number:02d}"[:8] for number in range(12)]
    assert set(mailed.states()) == {"sent"}
    assert len({item.message for item in mailed.log()}) == 1


def test_programs_get_every_document_in_order_and_not_all_at_once(office: Office, clock: ManualClock) -> None:
    office.add_contact("tecnica", "webhook", url="http://127.0.0.1:1/")
    provider = Provider(AWAY)
    dispatcher = office.dispatcher(provider)
    for number in range(100):
        office.tell(f"i-{number:03d}")
        office.tell(f"i-{number:03d}", "resolved", resolved_ms=clock.wall_ms())
    run_for(dispatcher, clock, 2 * HOUR, 10 * MINUTE)
    provider.answer, tried = TAKEN, len(provider.parcels)
    clock.advance(20 * MINUTE)
    run(dispatcher, steps=500)
    assert len(provider.parcels) - tried == 60, "the limit of a minute"
    for _ in range(5):
        clock.advance(MINUTE)
        run(dispatcher, steps=500)
    keys = [one.document["key"] for one in provider.parcels[tried:]]
    assert keys == [item.key for item in office.log()]
    assert len(keys) == 200
    assert set(office.states()) == {"sent"}


def test_retries_wait_longer_each_time_and_are_spread(mailed: Office, clock: ManualClock) -> None:
    mailed.tell()
    dispatcher = mailed.dispatcher(Provider(AWAY))
    waits = []
    for _ in range(8):
        run(dispatcher)
        (item,) = mailed.log()
        assert item.last_error == "unreachable: connection refused"
        waits.append((item.next_attempt_ms - clock.wall_ms()) / 1000)
        clock.advance(item.next_attempt_ms - clock.wall_ms())
    for wait, base in zip(waits, [20, 40, 80, 160, 320, 640, 900, 900], strict=True):
        assert 0.75 * base <= wait <= 1.25 * base
    assert waits[-1] != waits[-2]


def test_a_provider_that_says_when_is_believed(mailed: Office, clock: ManualClock) -> None:
    mailed.tell()
    run(mailed.dispatcher(Provider(Outcome(SendFailure.RATE_LIMITED, "slow down", 1234.0))))
    assert mailed.log()[0].next_attempt_ms == clock.wall_ms() + 1_234_000


def test_what_is_no_news_any_more_expires_and_stays_in_the_log(mailed: Office, clock: ManualClock) -> None:
    mailed.tell()
    dispatcher = mailed.dispatcher(Provider(AWAY))
    run_for(dispatcher, clock, 13 * HOUR, 30 * MINUTE)
    (item,) = mailed.log()
    assert (item.state, item.last_error) == ("expired", "unreachable: connection refused")
    assert item.decided_ms is not None
    assert item.decided_ms >= NOW_MS + 12 * HOUR


def test_what_cannot_ever_work_is_not_tried_again(mailed: Office, clock: ManualClock) -> None:
    provider = Provider(Outcome(SendFailure.REFUSED_ADDRESS, "550 no such user"))
    mailed.tell()
    dispatcher = mailed.dispatcher(provider)
    run_for(dispatcher, clock, 2 * HOUR, 10 * MINUTE)
    assert len(provider.parcels) == 1
    assert (mailed.log()[0].state, mailed.log()[0].last_error) == ("failed", "refused_address: 550 no such user")


def test_an_outage_that_ends_before_it_was_told_is_one_line(mailed: Office, clock: ManualClock) -> None:
    provider = Provider(AWAY)
    dispatcher = mailed.dispatcher(provider)
    mailed.tell()
    run(dispatcher)
    clock.advance(26 * MINUTE)
    mailed.tell(transition="resolved", opened_ms=NOW_MS, resolved_ms=clock.wall_ms())
    provider.answer = TAKEN
    run_for(dispatcher, clock, 20 * MINUTE)
    assert provider.parcels[-1].short == (
        "Aldea: Escuela Xcopteil estuvo SIN CONEXION de 11:00 (22 nov) a 11:26 (26 min)."
    )
    assert mailed.states() == ["collapsed", "sent"]
    fired, resolved = mailed.log()
    assert resolved.short == provider.parcels[-1].short
    assert fired.decided_ms is not None


def test_a_flood_in_one_hour_is_limited_and_then_joined(mailed: Office, clock: ManualClock) -> None:
    provider = Provider()
    dispatcher = mailed.dispatcher(provider)
    for number in range(40):
        mailed.tell(f"i-{number}")
        run_for(dispatcher, clock, MINUTE)
    assert len(provider.parcels) == 12
    run_for(dispatcher, clock, HOUR)
    assert len(provider.parcels) <= 15
    assert set(mailed.states()) == {"sent"}


NIGHT = QuietHours(ZONE, 22 * 60, 6 * 60 + 30)


def test_quiet_hours_hold_back_all_but_the_urgent(office: Office, clock: ManualClock) -> None:
    office.add_contact("tecnica", "email", quiet=NIGHT, address="tecnica@example.org")
    provider = Provider()
    dispatcher = office.dispatcher(provider)
    clock.advance(12 * HOUR)  # 23:00 in Mérida
    office.tell("normal")
    office.tell("urgent", urgent=True)
    run_for(dispatcher, clock, 7 * HOUR, 10 * MINUTE)
    assert [one.key.partition(":")[0] for one in provider.parcels] == ["urgent"]
    run_for(dispatcher, clock, HOUR, 10 * MINUTE)
    assert [one.key.partition(":")[0] for one in provider.parcels] == ["urgent", "normal"]
    sent = office.log(incident="normal")[0]
    assert sent.decided_ms is not None
    assert sent.decided_ms - NOW_MS >= 19 * HOUR + 30 * MINUTE, "06:30 in Mérida"


def test_the_platform_breaks_quiet_hours(office: Office, clock: ManualClock) -> None:
    office.add_person("operacion", "operator")
    office.add_contact("operacion", "email", quiet=NIGHT, address="operacion@example.org")
    provider = Provider()
    clock.advance(12 * HOUR)
    office.tell("p-1", "platform", site=None, site_name="")
    run(office.dispatcher(provider))
    assert [one.subject for one in provider.parcels] == ["Aldea: La plataforma Aldea: no recibe datos de los sitios"]


def test_an_outage_of_the_night_is_one_line_in_the_morning(office: Office, clock: ManualClock) -> None:
    office.add_contact("tecnica", "email", quiet=NIGHT, address="tecnica@example.org")
    provider = Provider()
    dispatcher = office.dispatcher(provider)
    clock.advance(12 * HOUR)
    office.tell()
    run(dispatcher)
    office.tell(transition="resolved", opened_ms=clock.wall_ms(), resolved_ms=clock.wall_ms() + HOUR)
    run_for(dispatcher, clock, 9 * HOUR, 10 * MINUTE)
    assert len(provider.parcels) == 1
    assert "estuvo SIN CONEXION" in provider.parcels[0].short


def test_a_contact_point_that_is_removed_or_switched_off_gets_nothing_more(mailed: Office) -> None:
    provider = Provider()
    mailed.tell("i-1")
    with mailed.register.transaction() as unit:
        assert remove_contact(unit, 1, NOW_MS)
    off = mailed.add_contact("tecnica", "email", address="other@example.org")
    mailed.tell("i-2")
    with mailed.register.transaction() as unit:
        update_contact(
            unit, ContactPoint("tecnica", "email", {"address": "other@example.org"}, "es", 0, enabled=False, id=off)
        )
    run(mailed.dispatcher(provider))
    assert provider.parcels == []
    assert mailed.states() == ["failed", "failed"]
    assert [str(item.last_error).partition(":")[0] for item in mailed.log()] == ["contact_removed", "contact_off"]


def test_a_library_that_raises_stops_nobody_else(office: Office) -> None:
    office.add_contact("tecnica", "email", address="tecnica@example.org")
    office.add_contact("tecnica", "ntfy", server="https://ntfy.example.org", topic="aldea")
    office.tell()

    class Broken:
        def send(self, parcel: Parcel) -> Outcome:
            if parcel.contact.kind == "email":
                raise RuntimeError("surprise")
            return TAKEN

    run(office.dispatcher(Broken()))
    assert office.states() == ["waiting", "sent"]
    assert "see the server's log" in str(office.log()[0].last_error)


def test_a_claimed_queue_is_left_alone(mailed: Office) -> None:
    mailed.tell()
    mailed.dispatcher(Provider())._claim(NOW_MS)
    with mailed.register.transaction() as unit:
        assert due_contacts(unit, NOW_MS, 10) == ()
        assert lock_queue(unit, 1, NOW_MS)[1] == ()


def test_it_leaves_a_sign_of_life(mailed: Office, clock: ManualClock) -> None:
    dispatcher = mailed.dispatcher(Provider())
    dispatcher.step()
    clock.advance(MINUTE)
    dispatcher.step()
    with mailed.register.reading() as unit:
        assert liveness_marks(unit)[NOTIFIER].marked_ms == NOW_MS + MINUTE


def test_a_register_that_is_away_is_waited_for(mailed: Office) -> None:
    mailed.tell()
    provider = Provider()
    provider.parcels.append(None)  # type: ignore[arg-type]  # only so that the register below is broken at once
    register = Crashing(mailed.register, provider)
    dispatcher = mailed.dispatcher(provider, register)  # type: ignore[arg-type]  # as a register
    assert dispatcher.step() is False
    register.broken = False
    run(dispatcher)
    assert mailed.states() == ["sent"]


def test_what_nobody_takes_goes_to_the_next_people_once(register: Register, clock: ManualClock) -> None:
    office = Office(register, clock, escalate_minutes=30)
    office.add_site(responsible="tecnica")
    for person, role in (("tecnica", None), ("apoyo", "technician"), ("operacion", "operator")):
        office.add_person(person, role)
        office.add_contact(person, "email", address=f"{person}@example.org")
    with register.transaction() as unit:
        for number in ("i-1", "i-2"):
            values = {"site": "escuela", "rule": "r", "state": "firing", "summary": {}, "revision": 1}
            unit.connection.execute(
                incident.insert().values(id=number, opened_at_ms=NOW_MS, fired_at_ms=NOW_MS, simulated=False, **values)
            )
        acknowledge(unit, "i-2", "tecnica", NOW_MS, "")
    office.tell("i-1")
    office.tell("i-2")
    dispatcher = office.dispatcher(Provider())
    told = []
    for _ in range(4):
        run_for(dispatcher, clock, 31 * MINUTE, 31 * MINUTE)
        told.append([item.recipient for item in office.log(incident="i-1")])
    assert told[0] == ["tecnica", "apoyo"]
    assert told[1] == told[3] == ["tecnica", "apoyo", "operacion"]
    assert [item.recipient for item in office.log(incident="i-2")] == ["tecnica"]
    never = Announcer(Office(register, clock).settings, Writer("http://x"))
    with register.transaction() as unit:
        assert escalate(unit, never, NOW_MS + DAY) == 0


def test_a_test_message_is_tried_once_and_verifies_the_contact_point(office: Office, web: Web) -> None:
    number = office.add_contact("tecnica", "webhook", url=f"{web.url}/hook")
    web.answers = [Answer(503, body="not now")]
    dispatcher = office.dispatcher()
    for attempt in ("a", "b"):
        with office.register.transaction() as unit:
            office.announcer.announce_test(unit, number, attempt, office.clock.wall_ms(), ZONE)
        run(dispatcher)
    failed, sent = office.log()
    assert (failed.state, failed.last_error) == ("failed", "server_error: HTTP 503 Service Unavailable: not now")
    assert sent.state == "sent"
    with office.register.reading() as unit:
        point = find_contact(unit, number)
    assert point is not None
    assert point.verified_ms == NOW_MS


def test_one_message_that_cannot_be_worded_leaves_the_others_alone(
    office: Office, web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    office.add_contact("tecnica", "webhook", url=f"{web.url}/hook")
    compose = Announcer.compose

    def fails_once(self: Announcer, occasion: Occasion, *rest: Any) -> Any:
        if occasion.incident == "i-1":
            raise KeyError("a word that is missing")
        return compose(self, occasion, *rest)

    monkeypatch.setattr(Announcer, "compose", fails_once)
    assert (office.tell("i-1"), office.tell("i-2")) == (0, 1)
    assert "fired of i-1 could not be worded" in caplog.text
