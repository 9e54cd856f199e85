"""The program iperf3 against a real server on loopback: tests that are over at once, and how it fails."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from aldea.agents.probes.throughput.iperf3_test import Iperf3Test
from aldea.agents.probes.throughput.outcome import Direction, Limits, Outcome
from aldea.model.failures import Failure
from rigs.processes import LOOPBACK, RigError, ServerProcess, find_program, free_port

SMALL = Limits(wire_bytes=1_000_000, seconds=4.0, flows=2, connect_seconds=2.0)


@pytest.fixture
def program() -> str:
    try:
        return find_program("iperf3", "iperf3")
    except RigError as error:
        pytest.skip(str(error))


@pytest.fixture
def server(program: str, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    log = tmp_path / "log"
    process = ServerProcess("iperf3", [program, "-s", "-B", LOOPBACK, "-p", str(port), "--forceflush"], log)
    process.start(lambda: log.exists() and "listening" in log.read_text())
    yield port
    process.stop()


def _measured(host: str, port: int, direction: Direction = Direction.DOWN) -> Outcome:
    return Iperf3Test(host, port, direction, SMALL, lambda: None).run()


@pytest.mark.parametrize("direction", list(Direction))
def test_a_test_that_is_over_at_once_has_a_rate_all_the_same(server: int, direction: Direction) -> None:
    outcome = _measured(LOOPBACK, server, direction)
    assert outcome.failure is None
    assert outcome.bits_per_second


@pytest.mark.usefixtures("program")
def test_a_name_without_an_address_is_said() -> None:
    assert _measured("no-such-host.invalid", 5201).failure is Failure.DNS_FAILED


@pytest.mark.usefixtures("program")
def test_a_server_that_is_not_there_and_one_of_another_kind_are_told_apart() -> None:
    assert _measured(LOOPBACK, free_port()).failure is Failure.CONNECTION_REFUSED
    with socket.create_server((LOOPBACK, 0)) as silent:
        outcome = Iperf3Test(
            LOOPBACK, silent.getsockname()[1], Direction.DOWN, Limits(1_000_000, 0.5, 1, 0.5), lambda: None
        ).run()
    assert outcome.failure is Failure.NO_REPLY
