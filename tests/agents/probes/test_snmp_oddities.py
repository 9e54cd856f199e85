"""Devices that answer in ways of their own: names in other alphabets, counters that are there and never count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from agentkit.snmp_rounds import snmp_round
from aldea.agents.device_settings import SnmpTarget
from aldea.agents.probe import ProbeContext
from rigs.processes import RigError
from rigs.snmpsim import Snmpsim, find_snmpsim

INTERFACES, EXTENDED = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
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
            "",
        )
    )


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


def test_counters_of_64_bits_that_stand_still_beside_others_that_count_are_not_believed(
    context: ProbeContext, device: SnmpTarget
) -> None:
    still = snmp_round(context, replace(device, community="still")).fields
    assert (still["rx_bytes_total"], still["tx_bytes_total"]) == (5000, 6000)
    counting = snmp_round(context, replace(device, community="newer")).fields
    assert counting["rx_bytes_total"] == 9_000
