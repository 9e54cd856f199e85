"""Against a real snmpd, whose "WAN interface" is this machine's loopback."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import psutil
import pytest

from agentkit.snmp_rounds import snmp_round, snmp_rounds, snmp_target
from aldea.agents.device_settings import SnmpSettings, SnmpTarget
from aldea.agents.probe import ProbeContext
from aldea.agents.probes.snmp import SnmpProbe
from aldea.agents.probes.snmp_interface import InterfaceReader
from aldea.model.catalogue import CATALOGUE
from aldea.model.clock import ManualClock
from aldea.model.sample import Reading, Value
from rigs.processes import LOOPBACK, free_port
from rigs.snmpd import Snmpd
from rigs.waiting import eventually

IF_NUMBER = "1.3.6.1.2.1.2.1.0"
IF_INDEX_COLUMN = "1.3.6.1.2.1.2.2.1.1"


def _make_traffic(count: int) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind((LOOPBACK, 0))
        for _ in range(count):
            sender.sendto(b"x" * 10_000, receiver.getsockname())


def _received() -> int:
    """Return what the kernel has counted by now."""
    return psutil.net_io_counters(pernic=True, nowrap=False)["lo"].bytes_recv


def _told(reading: Reading) -> int:
    total = reading.fields["rx_bytes_total"]
    assert isinstance(total, int)
    assert total <= _received()
    return total


def test_nothing_is_measured_and_nothing_loaded_without_a_router(context: ProbeContext) -> None:
    assert snmp_rounds(context) == [[]]


def test_the_routers_counters_are_those_of_its_kernel(context: ProbeContext, snmpd: Snmpd) -> None:
    began = _received()
    reading = snmp_round(context, snmp_target(snmpd))
    fields = reading.fields
    assert reading.tags == {"target": "router", "interface": "lo"}
    assert fields["failure"] is None
    assert fields["up"] is True
    assert isinstance(fields["uptime_seconds"], int)
    assert isinstance(fields["rx_bytes_total"], int)
    assert 0 < fields["rx_bytes_total"] <= _received()
    # snmpd reads the kernel's counters again after some seconds only.
    eventually(lambda: _told(snmp_round(context, snmp_target(snmpd))) >= began)
    assert "rx_bytes" not in fields
    assert "clients" not in fields  # not asked for: not there, not zero
    assert set(fields) <= {item.name for item in CATALOGUE["snmp"].fields}


def test_what_passed_since_the_round_before_is_the_difference(context: ProbeContext, snmpd: Snmpd) -> None:
    (first,), (second,) = snmp_rounds(context, snmp_target(snmpd), rounds=2)
    for way in ("rx", "tx"):
        before, now = first.fields[f"{way}_bytes_total"], second.fields[f"{way}_bytes_total"]
        assert isinstance(before, int)
        assert isinstance(now, int)
        assert second.fields[f"{way}_bytes"] == now - before
    assert second.fields["interval_seconds"] == 10.0
    assert second.fields["counter_reset"] is False


@pytest.mark.parametrize("source", ["value", "rows"])
def test_clients_are_a_number_or_the_rows_of_a_table(context: ProbeContext, snmpd: Snmpd, source: str) -> None:
    oid = IF_NUMBER if source == "value" else IF_INDEX_COLUMN
    fields = snmp_round(context, snmp_target(snmpd, clients_oid=oid, clients_from=source)).fields
    assert fields["clients"] == len(psutil.net_if_stats())


def test_a_table_without_rows_is_nobody(context: ProbeContext, snmpd: Snmpd) -> None:
    target = snmp_target(snmpd, clients_oid="1.3.6.1.2.1.99.1", clients_from="rows")
    assert snmp_round(context, target).fields["clients"] == 0


@pytest.mark.parametrize(
    "wrong", [{"interface": "wan9"}, {"interface": "9999"}, {"clients_oid": "1.3.6.1.4.1.99999.1.0"}]
)
def test_what_the_router_does_not_have_is_said_and_the_rest_is_kept(
    context: ProbeContext, snmpd: Snmpd, wrong: dict[str, str]
) -> None:
    fields = snmp_round(context, snmp_target(snmpd, **{"clients_oid": IF_NUMBER, **wrong})).fields
    assert fields["failure"] == "snmp_no_such_object"
    assert fields["uptime_seconds"] is not None
    assert ("rx_bytes_total" in fields) == ("interface" not in wrong)
    assert ("clients" in fields) == ("interface" in wrong)


def test_an_interface_may_be_given_by_its_number(context: ProbeContext, snmpd: Snmpd) -> None:
    reading = snmp_round(context, snmp_target(snmpd, interface=str(socket.if_nametoindex("lo"))))
    assert reading.fields["failure"] is None
    assert reading.fields["rx_bytes_total"] is not None


@pytest.mark.parametrize("names", [{"interface": ""}, {"interface": "wan", "interfaces": ("lan", "")}])
def test_an_interface_without_a_name_is_refused(names: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="an interface without a name"):
        SnmpTarget(host=LOOPBACK, **names)


def test_an_object_may_be_given_with_a_dot_before_it_as_tools_print_it(context: ProbeContext, snmpd: Snmpd) -> None:
    fields = snmp_round(context, snmp_target(snmpd, clients_oid=f".{IF_NUMBER}")).fields
    assert (fields["failure"], fields["clients"]) == (None, len(psutil.net_if_stats()))


def test_a_name_without_an_address_is_said_and_costs_the_other_routers_nothing(
    context: ProbeContext, snmpd: Snmpd
) -> None:
    ((lost, found),) = snmp_rounds(context, snmp_target(snmpd, host="router.invalid"), snmp_target(snmpd))
    assert lost.fields == {"failure": "dns_failed"}
    assert found.fields["failure"] is None


def test_a_router_may_have_an_ipv6_address(context: ProbeContext, tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    with Snmpd(tmp_path, extra=[f"agentaddress udp6:[::1]:{port}", "rocommunity6 public ::1"]) as router:
        reading = snmp_round(context, snmp_target(router, host="::1", port=port))
    assert reading.fields["failure"] is None


def test_a_fault_in_one_routers_round_costs_the_others_nothing(
    context: ProbeContext, snmpd: Snmpd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    as_it_is = InterfaceReader.read

    async def faulty(reader: InterfaceReader, *, restarted: bool | None) -> dict[str, Value]:
        if reader.name == "bad":
            raise ZeroDivisionError
        return await as_it_is(reader, restarted=restarted)

    monkeypatch.setattr(InterfaceReader, "read", faulty)
    ((bad, good),) = snmp_rounds(context, snmp_target(snmpd, interface="bad", name="other"), snmp_target(snmpd))
    assert (bad.fields, bad.tags) == ({"failure": "probe_crashed"}, {"target": "other"})
    assert good.fields["failure"] is None
    assert "router other: the probe crashed" in caplog.text


@pytest.mark.parametrize("unknown", [-1, 2**31 - 1])
def test_a_number_that_cannot_be_one_of_clients_is_an_error_and_not_a_count(
    context: ProbeContext, tmp_path: Path, unknown: int
) -> None:
    oid = "1.3.6.1.4.1.99999.7"
    with Snmpd(tmp_path, extra=[f"override .{oid}.0 integer {unknown}"]) as router:
        value = snmp_round(context, snmp_target(router, clients_oid=f"{oid}.0")).fields
        total = snmp_round(context, snmp_target(router, clients_oid=oid, clients_from="sum")).fields
    for fields in (value, total):
        assert fields["failure"] == "snmp_error"
        assert "clients" not in fields
        assert fields["rx_bytes_total"] is not None


def test_an_object_that_is_no_number_is_an_error_and_not_a_count(context: ProbeContext, snmpd: Snmpd) -> None:
    fields = snmp_round(context, snmp_target(snmpd, clients_oid="1.3.6.1.2.1.1.5.0")).fields
    assert fields["failure"] == "snmp_error"
    assert "clients" not in fields


def test_a_router_that_is_off_and_a_wrong_community_are_both_silence(context: ProbeContext, snmpd: Snmpd) -> None:
    off = SnmpTarget(host=LOOPBACK, port=free_port(socket.SOCK_DGRAM), interface="lo")
    wrong = snmp_target(snmpd, community="wrong")
    ((first, second),) = snmp_rounds(context, off, wrong, timeout=0.2)
    assert first.fields == second.fields == {"failure": "snmp_timeout"}


def test_the_difference_spans_the_rounds_in_which_the_router_was_silent(context: ProbeContext, tmp_path: Path) -> None:
    async def measured() -> list[Reading]:
        readings: list[Reading] = []
        with Snmpd(tmp_path / "router") as router:
            settings = SnmpSettings(targets=(snmp_target(router),), timeout_seconds=4, retries=0)
            probe = SnmpProbe(settings, context, 100)
            for paused in (False, True, False):
                if paused:
                    router.process.pause()
                readings += await probe.measure()
                if paused:
                    router.process.resume()
                assert isinstance(context.clock, ManualClock)
                context.clock.advance(10_000)
            await probe.aclose()
        return readings

    first, silent, third = asyncio.run(measured())
    assert silent.fields == {"failure": "snmp_timeout"}
    assert third.fields["interval_seconds"] == 20.0
    assert isinstance(third.fields["rx_bytes_total"], int)
    assert isinstance(first.fields["rx_bytes_total"], int)
    assert third.fields["rx_bytes"] == third.fields["rx_bytes_total"] - first.fields["rx_bytes_total"]
