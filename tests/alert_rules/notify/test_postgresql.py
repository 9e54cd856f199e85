"""The outbox on PostgreSQL, where workers do not take turns by themselves."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from aldea.alert_rules.notify.sending import TAKEN, Outcome, Parcel
from aldea.model.clock import ManualClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.contacts import remove_contact
from alert_rules.notify.office import NOW_MS, Office
from rigs.waiting import eventually

pytestmark = pytest.mark.postgresql


@pytest.fixture
def shared(clean_database: str) -> Iterator[Register]:
    found = open_register(clean_database)
    yield found
    found.close()


def test_three_dispatchers_send_each_message_once(shared: Register) -> None:
    office = Office(shared, ManualClock(NOW_MS), senders=2)
    office.add_site()
    for number in range(12):
        office.add_person(f"tecnica-{number}")
        office.add_contact(f"tecnica-{number}", "email", address=f"tecnica{number}@example.org")
    assert office.tell() == 12
    assert office.tell() == 0
    sent: list[str] = []

    class Provider:
        def send(self, parcel: Parcel) -> Outcome:
            sent.append(parcel.key)
            return TAKEN

    dispatchers = [office.dispatcher(Provider()) for _ in range(3)]
    over = threading.Event()

    def work(number: int) -> None:
        while not over.is_set():
            dispatchers[number].step()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: set(office.states()) == {"sent"})
    over.set()
    for thread in threads:
        thread.join()
    assert sorted(sent) == sorted(item.key for item in office.log())
    with shared.transaction() as unit:
        assert remove_contact(unit, 1, NOW_MS)
    office.close()
