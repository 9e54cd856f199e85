"""Connected devices: counted from real lists, and nothing that says who they were leaves the counter."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.agents.outbox import Machine, Outbox
from aldea.agents.probe import ProbeContext, run_probe
from aldea.agents.probe_settings import ClientSource, ClientsSettings
from aldea.agents.probes.client_sources import (
    SourceFailed,
    look,
    parse_dnsmasq,
    parse_hostapd,
    parse_odhcpd,
    parse_stations,
)
from aldea.agents.probes.clients import ClientsProbe
from aldea.agents.probes.day_counter import DayCounter, token
from aldea.agents.settings import agent_settings, what_it_sees
from aldea.model.clock import ManualClock
from aldea.model.sample import Reading
from aldea.model.settings import SettingsError
from aldea.model.wire import decode, encode
from builders import make_header

MERIDA, JUAREZ = ZoneInfo("America/Merida"), ZoneInfo("America/Ciudad_Juarez")
ONE, TWO, THREE = (bytes.fromhex(f"02000000000{n}") for n in (1, 2, 3))
MINUTE = 60_000


def at(text: str, zone: ZoneInfo = MERIDA) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def test_the_token_is_the_published_one() -> None:
    assert token(bytes(range(32)), bytes.fromhex("aabbccddeeff")).hex() == "9862154b3096295d"


def test_the_same_device_is_one_and_the_next_day_begins_anew() -> None:
    counter = DayCounter(MERIDA, 700)
    start = at("2027-03-01T00:00:30")
    counts = [counter.sighted(start + n * 5 * MINUTE, {ONE, TWO} if n % 2 else {ONE}, {}) for n in range(288)]
    assert counts[-1].unique == 2
    assert counts[-1].covered_seconds == 287 * 300
    assert not counts[-1].restarted
    following = counter.sighted(start + 288 * 5 * MINUTE, {THREE}, {})
    assert (following.unique, following.day.isoformat(), following.restarted) == (1, "2027-03-02", False)
    # What lies between midnight and the first look was watched: there was a look five minutes before.
    assert following.covered_seconds == 30


def test_a_key_is_a_days_own() -> None:
    made: list[bytes] = []

    def new_key() -> bytes:
        made.append(os.urandom(32))
        return made[-1]

    counter = DayCounter(MERIDA, 700, new_key)
    for day in (1, 2, 3):
        counter.sighted(at(f"2027-03-0{day}T09:00"), {ONE}, {})
        counter.sighted(at(f"2027-03-0{day}T21:00"), {ONE}, {})
    assert len(set(made)) == 3


def test_who_starts_in_the_middle_of_a_day_says_so() -> None:
    assert DayCounter(MERIDA, 700).sighted(at("2027-03-01T11:00"), {ONE}, {}).restarted
    assert not DayCounter(MERIDA, 700).sighted(at("2027-03-01T00:10"), {ONE}, {}).restarted


def test_a_failed_look_is_time_that_nobody_watched() -> None:
    counter = DayCounter(MERIDA, 700)
    counter.sighted(at("2027-03-01T00:00"), {ONE}, {})
    counter.sighted(at("2027-03-01T00:05"), {ONE}, {})
    counter.missed()
    assert counter.sighted(at("2027-03-01T00:10"), {ONE}, {}).covered_seconds == 300


def test_a_night_that_is_an_hour_longer_is_covered_an_hour_longer() -> None:
    """In Ciudad Juárez the clock went back on 1 November 2026."""
    counter = DayCounter(JUAREZ, 700)
    start = at("2026-11-01T00:00", JUAREZ)
    for n in range(0, 25 * 60, 5):
        last = counter.sighted(start + n * MINUTE, {ONE}, {})
    assert last.day.isoformat() == "2026-11-01"
    assert last.covered_seconds == 25 * 3600 - 300


def test_a_lease_counts_when_it_is_new_or_renewed_today() -> None:
    counter = DayCounter(MERIDA, 700)
    ends = at("2027-03-01T12:00") // 1000
    first = counter.sighted(at("2027-03-01T00:05"), set(), {ONE: ends, TWO: ends})
    assert first.unique == 0
    assert counter.sighted(at("2027-03-01T00:10"), set(), {ONE: ends, TWO: ends + 60}).unique == 1
    assert counter.sighted(at("2027-03-01T00:15"), set(), {ONE: ends, TWO: ends + 60, THREE: ends}).unique == 2


@given(st.lists(st.sets(st.sampled_from([bytes([2, 0, 0, 0, 0, n]) for n in range(20)])), min_size=1, max_size=30))
def test_the_count_is_that_of_different_devices_however_often_they_are_seen(looks: list[set[bytes]]) -> None:
    counter = DayCounter(MERIDA, 700)
    for number, present in enumerate(looks):
        count = counter.sighted(at("2027-03-01T00:01") + number * MINUTE, present, {})
    assert count.unique == len(set().union(*looks))


def test_lists_of_stations_are_read() -> None:
    assert parse_hostapd("02:00:00:00:00:01\n02:00:00:00:00:02\n").present == {ONE, TWO}
    assert parse_hostapd("").present == set()
    dump = (
        "Station 02:00:00:00:00:01 (on wlan0)\n\tinactive time:\t304 ms\n\trx bytes:\t18816\n"
        "Station 02:00:00:00:00:03 (on wlan0)\n\tassociated at [boottime]:\t12.3s\n\tlast ack: 02:00:00:00:00:09\n"
    )
    assert parse_stations(dump).present == {ONE, THREE}
    assert parse_stations("").present == set()


def test_who_has_not_given_the_password_is_not_connected() -> None:
    dump = (
        "Station 02:00:00:00:00:01 (on wlan0)\n\tauthorized:\tyes\n\tauthenticated:\tyes\n"
        "Station 02:00:00:00:00:02 (on wlan0)\n\tauthorized:\tno\n\tauthenticated:\tyes\n\tassociated:\tyes\n"
    )
    assert parse_stations(dump).present == {ONE}


def test_leases_that_are_over_are_none() -> None:
    text = (
        "1000 02:00:00:00:00:01 10.0.0.2 phone *\n"
        "0 02:00:00:00:00:02 10.0.0.3 * *\n"
        "900 02:00:00:00:00:03 10.0.0.4 x *\n"
        "duid 00:01\nrubbish\n"
    )
    assert parse_dnsmasq(text, 950).leases == {ONE: 1000, TWO: 0}


def test_the_leases_of_openwrt_are_read() -> None:
    text = (
        "# br-lan 020000000001 ipv4 phone 1000 c0a80164 32 192.168.1.100/32\n"
        "# br-lan 00030001020000000002 1 phone 1000 64 128 fd00::64/128\n"
        "# br-lan 0001000128c1d2e3020000000003 2 phone 900 65 128 fd00::65/128\n"
        "# br-lan 0004aabbccddeeff00112233445566778899 3 laptop 1000 66 128 fd00::66/128\n"
        "192.168.1.100\tphone.lan phone\n"
    )
    assert parse_odhcpd(text, 950).leases == {ONE: 1000, TWO: 1000}


def test_a_lease_of_openwrt_that_is_over_is_none_and_one_without_end_is_one() -> None:
    text = (
        "# br-lan 020000000001 ipv4 phone 0 c0a80164 32 192.168.1.100/32\n"
        "# br-lan 020000000002 ipv4 - -1 c0a80165 32 192.168.1.101/32\n"
        "# br-lan 020000000003 ipv4 - ² c0a80166 32 192.168.1.102/32\n"
        "# br-lan 020000000003 ipv4 - 10"  # half written
    )
    assert parse_odhcpd(text, 950).leases == {TWO: 0}


@pytest.fixture
def synced(machine: ProbeContext, clock: ManualClock) -> ProbeContext:
    """A machine that knows the time: five past midnight."""
    clock.step_wall(at("2027-03-01T00:05") - clock.wall_ms())
    (machine.root / "sys/class/rtc/rtc0").mkdir(parents=True)
    return machine


def leases(context: ProbeContext, text: str) -> None:
    path = context.root / "var/lib/misc/dnsmasq.leases"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def settings(*sources: ClientSource) -> ClientsSettings:
    return ClientsSettings(timezone="America/Merida", sources=sources)


def station_list(folder: Path, *addresses: str) -> None:
    """Put an access point's control program on the path."""
    program = folder / "hostapd_cli"
    lines = "\n".join(addresses)
    program.write_text(f'#!/bin/sh\n[ "$1 $2 $3" = "-i wlan0 list_sta" ] || exit 1\ncat <<END\n{lines}\nEND\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def measured(probe: ClientsProbe) -> Reading:
    (reading,) = asyncio.run(run_probe(probe, 10))
    return reading


def test_a_device_that_two_sources_see_is_one(
    synced: ProbeContext, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    station_list(tmp_path, "02:00:00:00:00:01", "02:00:00:00:00:02")
    ends = clock.wall_ms() // 1000 + 3600
    leases(synced, f"{ends} 02:00:00:00:00:02 10.0.0.3 * *\n")
    two = settings(ClientSource(kind="hostapd", interface="wlan0"), ClientSource(kind="dnsmasq"))
    probe = ClientsProbe(two, synced, 300)
    measured(probe)
    clock.advance(300_000)
    leases(synced, f"{ends + 60} 02:00:00:00:00:02 10.0.0.3 * *\n{ends} 02:00:00:00:00:03 10.0.0.4 * *\n")
    reading = measured(probe)
    assert dict(reading.tags) == {"source": "dnsmasq+hostapd"}
    assert reading.fields == {
        "associated": 3,
        "unique_today": 3,
        "day": "2027-03-01",
        "covered_seconds": 300.0,
        "restarted": False,
        "failure": None,
    }


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ("Unknown command 'list_sta'", "not_available"),
        ("FAIL", "not_available"),
        ("'STA-FIRST' command timed out.", "read_timeout"),
    ],
)
def test_an_access_point_that_does_not_say_who_is_there_has_not_said_nobody(
    synced: ProbeContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, failure: str
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    station_list(tmp_path, answer)  # hostapd_cli ends with 0 all the same
    probe = ClientsProbe(settings(ClientSource(kind="hostapd", interface="wlan0")), synced, 300)
    assert measured(probe).fields == {"failure": failure}


def test_a_source_that_is_not_there_is_a_failure_and_no_zero(synced: ProbeContext) -> None:
    assert measured(ClientsProbe(settings(ClientSource(kind="dnsmasq")), synced, 300)).fields == {
        "failure": "not_available"
    }


def test_without_a_source_nothing_is_said(synced: ProbeContext) -> None:
    assert asyncio.run(run_probe(ClientsProbe(settings(), synced, 300), 5)) == []


def test_without_the_time_of_day_no_day_is_counted(machine: ProbeContext, clock: ManualClock) -> None:
    clock.step_wall(at("1970-01-02T00:00") - clock.wall_ms())
    leases(machine, "0 02:00:00:00:00:02 10.0.0.3 * *\n")
    fields = measured(ClientsProbe(settings(ClientSource(kind="dnsmasq")), machine, 300)).fields
    assert (fields["associated"], fields["unique_today"], fields["day"]) == (1, None, None)


def test_no_address_is_on_disk_in_the_log_or_on_the_wire(
    synced: ProbeContext, clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leases(synced, "0 02:00:00:00:00:02 10.0.0.3 a-phone *\n")
    counter_key = bytes(range(7, 39))
    probe = ClientsProbe(settings(ClientSource(kind="dnsmasq")), synced, 300)
    probe._counter = DayCounter(MERIDA, 700, lambda: counter_key)
    outbox = Outbox(tmp_path / "outbox", Machine("hardware", "b" * 32, "0.1"), clock.mono_ms())
    for _ in range(3):
        clock.advance(300_000)
        outbox.append([measured(probe)], clock.mono_ms())
    held = outbox.next_live(10, 0, {})
    assert held is not None
    sent = encode(make_header(held.first_seq, len(held.rows)), held.rows)
    wire = sent + repr(decode(sent)).encode()
    outbox.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "outbox").iterdir())
    forms = [
        TWO,
        TWO.hex().encode(),
        b"02:00:00:00:00:02",
        token(counter_key, TWO),
        token(counter_key, TWO).hex().encode(),
    ]
    for form in (*forms, b"a-phone", b"10.0.0.3", counter_key):
        assert form not in kept
        assert form not in wire
        assert form not in caplog.text.encode()
    assert b"unique_today" in kept


def test_the_agent_says_that_it_sees_devices_when_it_has_a_source() -> None:
    assert not what_it_sees(agent_settings({"agent": {"site": "a"}}, {})).clients
    given = {"agent": {"site": "a", "clients": {"sources": [{"kind": "iw", "interface": "wlan0"}]}}}
    assert what_it_sees(agent_settings(given, {})).clients


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"sources": [{"kind": "iw"}]}, "needs the interface"),
        ({"sources": [{"kind": "telepathy"}]}, "hostapd, iw, dnsmasq"),
        ({"timezone": "Yucatan"}, "IANA time zone"),
    ],
)
def test_bad_settings_are_said(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        agent_settings({"agent": {"site": "a", "clients": table}}, {})


def test_a_pipe_that_nobody_writes_to_holds_up_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "leases"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(SourceFailed, match="not_available"):
            asyncio.run(look(ClientSource(kind="dnsmasq", file=path), Path("/"), 0))
