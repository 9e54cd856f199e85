"""Live status: the newest wins, in whatever order it comes."""

from __future__ import annotations

import threading
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from aldea.storage.register import Register
from aldea.storage.register.status import (
    LATEST_LIMIT,
    Latest,
    Presence,
    SiteStatus,
    StatusUpdate,
    find_status,
    merged,
    upsert_status,
)

ONLINE, OFFLINE = Presence.ONLINE, Presence.OFFLINE
START = SiteStatus("one", "box")


def birth(connection: int, at: int) -> StatusUpdate:
    return StatusUpdate("one", "box", presence=ONLINE, presence_ms=at, connection=connection)


def will(connection: int, at: int) -> StatusUpdate:
    return StatusUpdate("one", "box", presence=OFFLINE, presence_ms=at, connection=connection)


def after(*updates: StatusUpdate) -> SiteStatus:
    status = START
    for update in updates:
        status = merged(status, update)
    return status


def test_a_status_comes_back_as_it_went_in(register: Register) -> None:
    update = StatusUpdate(
        "one",
        "box",
        arrival_ms=10,
        event_ms=9,
        presence=ONLINE,
        presence_ms=8,
        connection=3,
        interval_seconds=300.0,
        boot_id="b1",
        clock_state="ntp",
        agent_version="1.0\x00" + "x" * 100,
        latest={"ping|target=gw": Latest(9, {"rtt_avg_seconds": 0.6, "failure": None, "ok": True})},
    )
    with register.transaction() as unit:
        upsert_status(unit, [update, StatusUpdate("one", "router", arrival_ms=4)])
        upsert_status(unit, [])
    with register.reading() as unit:
        found = find_status(unit, "one")
    assert found == (
        SiteStatus(
            "one",
            "box",
            last_arrival_ms=10,
            last_event_ms=9,
            presence=ONLINE,
            presence_changed_ms=8,
            connection=3,
            interval_seconds=300.0,
            boot_id="b1",
            clock_state="ntp",
            agent_version=("1.0\ufffd" + "x" * 100)[:64],
            latest=update.latest,
        ),
        SiteStatus("one", "router", last_arrival_ms=4),
    )


def test_an_older_arrival_overwrites_nothing_newer(register: Register) -> None:
    new = StatusUpdate("one", "box", 20, 19, boot_id="b2", latest={"ping": Latest(19, {"rtt_seconds": 2})})
    old = StatusUpdate(
        "one",
        "box",
        10,
        9,
        boot_id="b1",
        clock_state="rtc",
        latest={"ping": Latest(9, {"rtt_seconds": 1}), "dns": Latest(9, {"ok": True})},
    )
    for order in ([new, old], [old, new]):
        with register.transaction() as unit:
            unit.connection.exec_driver_sql("DELETE FROM site_status")
            for update in order:
                upsert_status(unit, [update])
            (found,) = find_status(unit, "one")
        assert (found.last_arrival_ms, found.last_event_ms) == (20, 19)
        assert found.boot_id == "b2"
        assert found.clock_state == "rtc", "what the newer did not say stays"
        assert found.latest == {"ping": new.latest["ping"], "dns": old.latest["dns"]}


def test_a_will_older_than_the_newest_birth_is_ignored() -> None:
    assert after(birth(5, 10), will(4, 11)).presence is ONLINE
    assert after(birth(5, 10), will(5, 11)).presence is OFFLINE
    assert after(will(4, 11), birth(5, 10)).presence is ONLINE, "the old will came first"
    assert after(birth(900, 10), birth(1, 20), will(1, 30)).presence is OFFLINE, "set up anew, counts again"
    assert after(birth(900, 10), birth(1, 20), will(1, 30)).presence_changed_ms == 30


def test_presence_is_the_same_in_any_order_of_arrival() -> None:
    story = [birth(1, 10), will(1, 20), birth(2, 30), will(1, 40)]
    assert {after(*order).presence for order in permutations(story)} == {ONLINE}


UPDATES = st.lists(
    st.builds(
        StatusUpdate,
        st.just("one"),
        st.just("box"),
        st.integers(0, 9) | st.none(),
        st.integers(0, 9) | st.none(),
        latest=st.dictionaries(
            st.sampled_from("abc"), st.integers(0, 9).map(lambda at: Latest(at, {"v": at})), max_size=3
        ),
    ),
    max_size=5,
)


@given(UPDATES, st.randoms())
def test_times_and_latest_do_not_depend_on_the_order(updates: list[StatusUpdate], random: object) -> None:
    shuffled = list(updates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands in a random.Random
    assert after(*updates) == after(*shuffled)


def test_the_latest_values_are_bounded_and_the_oldest_go() -> None:
    many = {f"m{n}": Latest(n, {}) for n in range(LATEST_LIMIT + 50)}
    kept = after(StatusUpdate("one", "box", latest=many)).latest
    assert set(kept) == {f"m{n}" for n in range(50, LATEST_LIMIT + 50)}


def test_collectors_that_report_the_same_new_sites_at_once_lose_nothing(register: Register) -> None:
    failures: list[BaseException] = []

    def report(name: str) -> None:
        try:
            for at in range(10):
                keys = [f"s{n}" for n in range(30)]
                with register.transaction() as unit:
                    upsert_status(
                        unit,
                        [
                            StatusUpdate(key, "box", at, at, latest={name: Latest(at, {"n": at})})
                            for key in (keys if name < "c" else reversed(keys))
                        ],
                    )
        except BaseException as error:  # noqa: BLE001  # carried to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=report, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with register.reading() as unit:
        for n in range(30):
            (found,) = find_status(unit, f"s{n}")
            assert found.latest == {name: Latest(9, {"n": 9}) for name in "abcd"}
