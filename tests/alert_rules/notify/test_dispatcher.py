"""The outbox's other end: at least once to the provider, once a key in the log, whatever breaks in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.occasion import Occasion
from aldea.alert_rules.notify.sending import TAKEN, Outcome, Parcel
from aldea.model.clock import ManualClock
from aldea.model.said import Said
from aldea.storage.register import Register, RegisterUnavailableError, Unit
from aldea.storage.register.contacts import find_contact
from aldea.storage.register.liveness_marks import NOTIFIER, liveness_marks
from aldea.storage.register.notification_queue import due_contacts, lock_queue
from alert_rules.notify.office import HOUR, MINUTE, NOW_MS, ZONE, Office, run, run_for
from alert_rules.notify.provider import Provider
from alert_rules.notify.servers import Answer, Web
from rigs.waiting import eventually


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
                raise RegisterUnavailableError(Said("the power went", "se fue la luz"))
            yield unit

    @contextmanager
    def reading(self) -> Iterator[Unit]:
        with self._register.reading() as unit:
            yield unit


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
