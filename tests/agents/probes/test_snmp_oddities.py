"""Devices that answer in ways of their own: names in other alphabets, counters that are there and never count."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest

from agentkit.snmp_rounds import snmp_round
from aldea.agents.device_settings import SnmpTarget
from aldea.agents.probe import ProbeContext
from aldea.agents.probes.snmp_client import SnmpClient, SnmpError
from rigs.processes import RigError
from rigs.snmpsim import Snmpsim, find_snmpsim

INTERFACES, EXTENDED = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
CLIENTS = "1.3.6.1.4.1.99999.1"
WRITTEN = "Conexión satelital"
"""What a person wrote beside the port."""
NAMED = b"wan-7\0".hex()
"""Some count the zero at the end among the letters."""


def _recording(encoding: str, large: int) -> str:
    """Return a device with port 7 alone, whose 64-bit counters show `large`."""
    return "\n".join(
        (
            "1.3.6.1.2.1.1.3.0|67|500000",
            f"{INTERFACES}.2.7|4x|{NAMED}",
            f"{INTERFACES}.8.7|2|1",
            f"{INTERFACES}.10.7|65|5000",
            f"{INTERFACES}.16.7|65|6000",
            f"{EXTENDED}.6.7|70|{large}",
            f"{EXTENDED}.10.7|70|{large}",
            f"{EXTENDED}.18.7|4x|{WRITTEN.encode(encoding).hex()}",
            *(f"{CLIENTS}.{row}|2|1" for row in range(1, 61)),
            "",
        )
    )


def _numbered() -> str:
    """Return a device whose port 3 is called 7, and its port 7 otherwise."""
    columns = {f"{INTERFACES}.10": "65", f"{INTERFACES}.16": "65", f"{EXTENDED}.1": "4"}
    values = {3: ("300", "301", "7"), 7: ("700", "701", "uplink")}
    rows = [
        f"{column}.{port}|{kind}|{values[port][place]}"
        for place, (column, kind) in enumerate(columns.items())
        for port in values
    ]
    return "\n".join(("1.3.6.1.2.1.1.3.0|67|500000", *rows, ""))


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnmpTarget]:
    work = tmp_path_factory.mktemp("snmpsim")
    folder = work / "devices"
    folder.mkdir()
    try:
        find_snmpsim()
    except RigError as error:
        pytest.skip(str(error))
    for name, encoding, large in (("newer", "utf-8", 9_000), ("older", "latin-1", 9_000), ("still", "utf-8", 0)):
        (folder / f"{name}.snmprec").write_text(_recording(encoding, large))
    (folder / "numbered.snmprec").write_text(_numbered())
    with Snmpsim(work / "run", (folder,)) as sim:
        yield SnmpTarget(host=sim.host, port=sim.ports[0], name="device", interface="7")


@pytest.mark.parametrize("made", ["newer", "older"])
@pytest.mark.parametrize("name", [WRITTEN, "wan-7"])
def test_an_interface_is_found_by_what_people_call_it(
    context: ProbeContext, device: SnmpTarget, made: str, name: str
) -> None:
    reading = snmp_round(context, replace(device, community=made, interface=name))
    assert reading.fields["failure"] is None
    assert reading.tags["interface"] == name


@pytest.mark.parametrize(("said", "received"), [("7", 300), ("uplink", 700), ("3", 300)])
def test_a_number_that_is_an_interfaces_name_is_its_name(
    context: ProbeContext, device: SnmpTarget, said: str, received: int
) -> None:
    reading = snmp_round(context, replace(device, community="numbered", interface=said))
    assert (reading.fields["failure"], reading.fields["rx_bytes_total"]) == (None, received)
    assert reading.tags["interface"] == said


@pytest.mark.parametrize("how", ["rows", "sum"])
def test_a_table_without_an_end_is_no_number_of_clients(
    context: ProbeContext, device: SnmpTarget, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    target = replace(device, community="newer", clients_oid=CLIENTS, clients_from=how)
    assert snmp_round(context, target).fields["clients"] == 60
    monkeypatch.setattr("aldea.agents.probes.snmp._MOST_CLIENTS", 40)
    fields = snmp_round(context, target).fields
    assert fields["failure"] == "snmp_error"
    assert "clients" not in fields


class _Stuck(asyncio.DatagramProtocol):
    """Answers what follows an object with that object: the question as it came, as an answer (GetBulk to Response)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        # The numbers of GetBulk (none without repetition, 20 with) stand where an answer has its error and its index.
        self._transport.sendto(data.replace(b"\xa5", b"\xa2", 1).replace(b"\x02\x01\x14", b"\x02\x01\x00", 1), addr)


def test_a_table_that_is_answered_with_itself_is_not_nobody() -> None:
    async def walked() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(_Stuck, ("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        client = SnmpClient(SnmpTarget(host="127.0.0.1", port=port), 2.0, 0)
        try:
            await client.walk(CLIENTS, 100)
        finally:
            client.close()
            transport.close()

    with pytest.raises(SnmpError, match="when asked for what follows it"):
        asyncio.run(walked())


def test_counters_of_64_bits_that_stand_still_beside_others_that_count_are_not_believed(
    context: ProbeContext, device: SnmpTarget
) -> None:
    still = snmp_round(context, replace(device, community="still")).fields
    assert (still["rx_bytes_total"], still["tx_bytes_total"]) == (5000, 6000)
    counting = snmp_round(context, replace(device, community="newer")).fields
    assert counting["rx_bytes_total"] == 9_000
